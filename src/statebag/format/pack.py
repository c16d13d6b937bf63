"""Packs: one immutable object that holds every blob of one seal.

```
8 bytes   magic
...       frames, one after another, in the order of the paths they belong to
...       index: JSON rows [sha256, offset, length, size, kind], in the order of the frames
4 bytes   length of the index, big-endian
8 bytes   magic
```

A reader with a stub needs one range of bytes, without index or magic. Checks and repairs, which
have no bag, use the index. The name is the hash of the bytes, so writing a pack twice is harmless,
and writing it again repairs a damaged one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from statebag.errors import BlobCorrupt, StatebagError, UnsupportedFormat
from statebag.format import json_text
from statebag.format.codec import compress, compress_each, sha256_hex
from statebag.format.json_text import EXACT_INTEGER
from statebag.format.json_type import json_type
from statebag.format.names import pack_name
from statebag.format.stub import THIS_PACK, Blob

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAGIC", "TRAILER", "PackBuilder", "PackedBlob", "end_length", "read_end", "read_index"]

MAGIC = b"SBAG\x00\x01\r\n"  # a NUL and both line ends, so that a text transfer shows at once
TRAILER = 4 + len(MAGIC)
"""Bytes after the index: its length, and the magic."""

BlobKind = Literal["value", "index"]
_KINDS: tuple[BlobKind, ...] = ("value", "index")
LARGEST_NODE = 16 * 1024 * 1024
"""Bytes of an index node. Chosen: 4,096 rows (`stub.MAX_ENTRIES`), each with the longest name of a
pack, take less."""


class PackedBlob(msgspec.Struct, frozen=True):
    """One row of a pack's index."""

    sha256: str
    offset: int
    length: int
    size: int
    kind: BlobKind


class PackBuilder:
    """Collect frames; each `add` returns the future position of its frame."""

    def __init__(self) -> None:
        self._parts: list[bytes] = [MAGIC]
        self._rows: list[list[Any]] = []
        self._by_digest: dict[tuple[str, str], Blob] = {}
        self._length = len(MAGIC)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def frame_bytes(self) -> int:
        """Bytes of the frames so far."""
        return self._length - len(MAGIC)

    def add(self, sha256: str, size: int, frame: bytes, kind: BlobKind = "value") -> Blob:
        """Add a frame; the same text twice is stored once."""
        known = self._by_digest.get((sha256, kind))
        if known is not None:
            return known
        blob = Blob(sha256, size, THIS_PACK, self._length, len(frame))
        self._rows.append([sha256, blob.offset, blob.length, size, kind])
        self._parts.append(frame)
        self._length += len(frame)
        self._by_digest[sha256, kind] = blob
        return blob

    def add_texts(
        self, texts: Sequence[tuple[str, bytes]], level: int, kind: BlobKind = "value"
    ) -> list[Blob]:
        """Add several texts, each with its SHA-256.

        Args:
            texts: 64 hex digits, and the text.
            level: zstd's level.
            kind: The kind of all of them.
        """
        frames = compress_each([text for _, text in texts], level)
        return [
            self.add(sha256, len(text), frame, kind)
            for (sha256, text), frame in zip(texts, frames, strict=True)
        ]

    def add_salt(self, salt: bytes, level: int) -> None:
        """Add a text to which nothing refers, so that the pack's name depends on it.

        Args:
            salt: JSON text, for example a digest of a key; empty for none.
            level: zstd's level.
        """
        if salt:
            self.add(sha256_hex(salt), len(salt), compress(salt, level))

    def build(self, scope: str) -> tuple[str, bytes]:
        """Return the pack's name below an encoded scope, and its bytes."""
        index = json_text.encode(self._rows)
        data = b"".join([*self._parts, index, len(index).to_bytes(4, "big"), MAGIC])
        return pack_name(scope, sha256_hex(data)), data


def read_index(data: bytes, name: str) -> list[PackedBlob]:
    """Return the rows of a pack's index, without looking at the frames.

    Raises:
        UnsupportedFormat: The magic is that of another version.
        BlobCorrupt: The bytes are not a whole pack.
    """
    if data[:4] == MAGIC[:4] and data[: len(MAGIC)] != MAGIC:
        raise UnsupportedFormat(
            "the pack has a version that this release does not know",
            object_name=name,
            hint="Install a newer statebag here: readers are upgraded first.",
        )
    end = len(data) - TRAILER
    length = int.from_bytes(data[end : end + 4], "big")
    start = end - length
    if not (data.startswith(MAGIC) and data.endswith(MAGIC) and len(MAGIC) <= start <= end):
        raise _not_whole(len(data), name)
    return _index(data[start:end], start, name)


def end_length(end: bytes, size: int, name: str) -> int:
    """Return the bytes of a pack's index and all that follows it.

    Args:
        end: The last bytes of the pack, `TRAILER` or more.
        size: Bytes of the whole pack.
        name: The pack's name.

    Raises:
        BlobCorrupt: The bytes are not the end of a pack of this size.
    """
    length = TRAILER + int.from_bytes(end[-TRAILER : -len(MAGIC)], "big")
    if not end.endswith(MAGIC) or length > size - len(MAGIC):
        raise _not_whole(size, name)
    return length


def read_end(end: bytes, size: int, name: str) -> list[PackedBlob]:
    """Return the rows of a pack's index from its last bytes, `end_length` or more.

    Raises:
        BlobCorrupt: The bytes are not the end of a pack of this size.
    """
    length = end_length(end, size, name)
    return _index(end[-length:-TRAILER], size - length, name)


def _not_whole(size: int, name: str) -> BlobCorrupt:
    return BlobCorrupt(f"the pack is not whole ({size} bytes)", object_name=name)


def _index(text: bytes, frames_end: int, name: str) -> list[PackedBlob]:
    try:
        return _rows(json_text.decode(text, name), frames_end)
    except (StatebagError, TypeError, ValueError):
        raise BlobCorrupt("the index of the pack is malformed", object_name=name) from None


def _rows(rows: Any, frames_end: int) -> list[PackedBlob]:
    if not isinstance(rows, list):
        raise TypeError(f"the index must be an array, not {json_type(rows)}")
    found = [_row(row) for row in rows]
    # In a builder's order and without gaps: so no byte is checked twice, or never.
    end = len(MAGIC)
    for one in found:
        if one.offset != end:
            raise ValueError("a row does not follow the one before it")
        end += one.length
    if end != frames_end:
        raise ValueError("the rows do not cover all frames")
    return found


def _row(row: Any) -> PackedBlob:
    sha256, offset, length, size, kind = row
    numbers = (offset, length, size)
    if not isinstance(sha256, str) or any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError("a row is malformed")
    if size > EXACT_INTEGER or kind not in _KINDS or (kind == "index" and size > LARGEST_NODE):
        raise ValueError("a row has a size or kind that statebag does not write")
    return PackedBlob(sha256, offset, length, size, kind)
