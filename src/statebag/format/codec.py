"""Blobs: JSON text as zstd frames, and back within bounds that do not trust the frame.

A frame's header can promise any size and one-shot decoders obey it, so the header is compared
with what the stub declares, and decoding stops one byte past it.
"""

from __future__ import annotations

import hashlib
import sys

from statebag.errors import BlobCorrupt

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["compress", "decompress", "sha256_hex"]

# A window beyond this is refused: 2**27 bytes is what zstd itself allows by default.
_WINDOW_LOG_MAX = 27


def sha256_hex(data: bytes | memoryview) -> str:
    """64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def compress(text: bytes, level: int = 3) -> bytes:
    """One zstd frame that declares its content size (RFC 8878)."""
    return zstd.compress(text, level)


def decompress(frame: bytes, *, size: int, sha256: str, where: str | None) -> bytes:
    """The text of a frame, checked against the size and SHA-256 that a stub declares.

    Raises:
        BlobCorrupt: Another size, another digest, a damaged frame, or bytes after it.
    """
    text = _bounded(frame, size)
    if text is None or len(text) != size or sha256_hex(text) != sha256:
        raise BlobCorrupt(
            f"a blob is not the {size} bytes with SHA-256 {sha256}", object_name=where
        )
    return text


def _bounded(frame: bytes, size: int) -> bytes | None:
    try:
        declared = zstd.get_frame_info(frame).decompressed_size
        if declared != size:
            return None
        decoder = zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX}
        )
        text = decoder.decompress(frame, max_length=size + 1)
    except (zstd.ZstdError, ValueError, EOFError):
        return None
    return text if decoder.eof and not decoder.unused_data else None
