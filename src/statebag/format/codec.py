"""Encode JSON text as zstd frames, and decode frames without trusting them.

A frame's header can promise any size, and one-shot decoders obey it. So the header is compared with
the size in the stub, and decoding stops one byte past that size.
"""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, Any

from statebag.errors import BlobCorrupt

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from statebag.format.blobs import Blob

__all__ = [
    "LARGEST_PATCHED",
    "apply_patch",
    "compress",
    "compress_each",
    "decompress",
    "decompress_each",
    "digests_of",
    "make_patch",
    "patched_text",
    "sha256_hex",
    "verify",
]

# A window beyond this is refused: 2**27 bytes is what zstd itself allows by default.
_WINDOW_LOG_MAX = 27

LARGEST_PATCHED = 60 * 1024 * 1024
"""Bytes of a text that a delta is made for. Chosen: with its base, and some room for the encoder,
it must fit the largest window of 128 MiB."""

_CHUNK = 1024 * 1024  # bytes that are checked at once. Chosen: larger ones only take more memory

# Bytes. zstd refuses a raw dictionary of fewer than 8. Chosen: a base this short saves nothing.
_LEAST_BASE = 64

# How zstd is to look for long matches, in the order of the time that it takes. With its defaults it
# compares few of the places that begin alike, and in a text that repeats itself it copies many
# short parts from anywhere in place of one long part. Measured on texts of 50 MB that were made of
# lines or passages over and over (docs/design/0038): one of these settings was always enough.
_LOOKING_FOR_MATCHES: tuple[dict[int, int], ...] = (
    {},
    {zstd.CompressionParameter.ldm_bucket_size_log: 8},
    {
        zstd.CompressionParameter.ldm_bucket_size_log: 8,
        zstd.CompressionParameter.ldm_min_match: 1024,
    },
    {
        zstd.CompressionParameter.ldm_bucket_size_log: 8,
        zstd.CompressionParameter.ldm_min_match: 4096,
    },
)
# A delta of which less than this part of the text is new may be long because of repetitions. One
# of more is not: the text is another. Chosen: as few changes as a delta is worth while for.
_MOSTLY_COPIED = 12


def sha256_hex(data: bytes | memoryview) -> str:
    """Return the SHA-256 of a text as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def digests_of(texts: Iterable[bytes]) -> list[str]:
    """Return the SHA-256 of each text as 64 hex digits."""
    return [hashlib.sha256(text).hexdigest() for text in texts]


def compress(text: bytes, level: int = 3) -> bytes:
    """Return one zstd frame that declares its content size (RFC 8878)."""
    return zstd.compress(text, level)


def compress_each(texts: Iterable[bytes], level: int) -> list[bytes]:
    """Return one such frame for each text."""
    # One encoder: to make one takes as long as to compress a kilobyte (measured: 12 us).
    encoder = zstd.ZstdCompressor(level=level)
    return [encoder.compress(text, zstd.ZstdCompressor.FLUSH_FRAME) for text in texts]


def decompress(frame: bytes, *, size: int, sha256: str, where: str | None) -> bytes:
    """Return the text of a frame, after checking the size and SHA-256 that a stub declares.

    Raises:
        BlobCorrupt: Another size, another digest, a damaged frame, or bytes after it.
    """
    text = _bounded(frame, size)
    if text is None or len(text) != size or sha256_hex(text) != sha256:
        raise _wrong(size, sha256, where)
    return text


def decompress_each(
    data: bytes, start: int, blobs: Sequence[Blob]
) -> tuple[dict[Blob, bytes], BlobCorrupt | None]:
    """Return the texts of several blobs in a part of their pack, each checked.

    Args:
        data: Bytes of a pack.
        start: The position of `data` in the pack.
        blobs: The blobs in `data`.

    Returns:
        The texts of the whole blobs, and the first error of the others.
    """
    texts: dict[Blob, bytes] = {}
    first: BlobCorrupt | None = None
    for blob in blobs:
        offset = blob.offset - start
        frame = bytes(data[offset : offset + blob.length])
        try:
            texts[blob] = decompress(frame, size=blob.size, sha256=blob.sha256, where=blob.at)
        except BlobCorrupt as error:
            first = first or error
    return texts, first


def verify(frame: bytes, *, size: int, sha256: str, where: str | None) -> None:
    """Check a frame as `decompress` does, in bounded memory, and return nothing.

    Raises:
        BlobCorrupt: As in `decompress`.
    """
    digest, left = hashlib.sha256(), size + 1
    try:
        whole = zstd.get_frame_info(frame).decompressed_size == size
        decoder = _decoder()
        text, given = b"", frame
        while whole and not decoder.eof and left > 0 and (text or given):
            text = decoder.decompress(given, max_length=min(_CHUNK, left))
            digest.update(text)
            left -= len(text)
            given = b""
        whole = whole and decoder.eof and not decoder.unused_data
    except (zstd.ZstdError, ValueError, EOFError, OverflowError):
        whole = False
    if not whole or left != 1 or digest.hexdigest() != sha256:
        raise _wrong(size, sha256, where)


def make_patch(text: bytes, base: bytes, wanted: int | None = None) -> bytes | None:
    """Return a zstd frame of `text` with `base` as its prefix; None if that is not possible.

    The window spans both, with long-distance matching: with its defaults, zstd silently misses
    distant matches.

    Args:
        text: What the delta gives.
        base: What it starts from.
        wanted: Bytes of a frame that is short enough. A longer one is made again with other
            settings, unless most of the text is new; the shortest is returned.
    """
    if not _LEAST_BASE <= len(base) <= LARGEST_PATCHED or len(text) > LARGEST_PATCHED:
        return None
    shortest = _with_prefix(text, base, _LOOKING_FOR_MATCHES[0])
    if wanted is None or len(shortest) * _MOSTLY_COPIED > len(text):
        return shortest
    for looking in _LOOKING_FOR_MATCHES[1:]:
        if len(shortest) <= wanted:
            break
        shortest = min(shortest, _with_prefix(text, base, looking), key=len)
    return shortest


def _with_prefix(text: bytes, base: bytes, looking: dict[int, int]) -> bytes:
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: 1,
        zstd.CompressionParameter.window_log: max((len(text) + len(base)).bit_length(), 10),
        zstd.CompressionParameter.enable_long_distance_matching: 1,
        **looking,
    }
    return zstd.compress(text, options=options, zstd_dict=_as_prefix(base))


def apply_patch(patch: bytes, base: bytes, *, size: int, sha256: str) -> bytes:
    """Return the text of a delta, checked like that of any blob.

    Raises:
        BlobCorrupt: The text is not what the stub says.
    """
    text = patched_text(patch, base, size)
    if text is None or sha256_hex(text) != sha256:
        raise BlobCorrupt(f"the delta does not give the {size} bytes with SHA-256 {sha256}")
    return text


def patched_text(patch: bytes, base: bytes, size: int) -> bytes | None:
    """Return the text of a delta without a look at its digest; None if it has not `size` bytes."""
    text = _bounded(patch, size, base) if len(base) >= _LEAST_BASE else None
    return text if text is not None and len(text) == size else None


def _wrong(size: int, sha256: str, where: str | None) -> BlobCorrupt:
    return BlobCorrupt(f"the blob is not the {size} bytes with SHA-256 {sha256}", object_name=where)


def _decoder(base: bytes | None = None) -> Any:
    return zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX},
        zstd_dict=None if base is None else _as_prefix(base),
    )


def _as_prefix(base: bytes) -> Any:
    return zstd.ZstdDict(base, is_raw=True).as_prefix


def _bounded(frame: bytes, size: int, base: bytes | None = None) -> bytes | None:
    try:
        declared = zstd.get_frame_info(frame).decompressed_size
        if declared != size:
            return None
        decoder = _decoder(base)
        text = decoder.decompress(frame, max_length=size + 1)
    except (zstd.ZstdError, ValueError, EOFError):
        return None
    return text if decoder.eof and not decoder.unused_data else None
