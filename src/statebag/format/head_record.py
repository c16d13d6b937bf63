"""The bytes of the objects that heads are made of.

```
8 bytes   magic
8 bytes   length of the text, big-endian
32 bytes  SHA-256 of the text
...       the text, a zstd frame
```

The text is JSON: `{"v": 1, "life", "last", "dropped", "newest"}` of a head, `{"v": 1, "version"}`
of a superseded version or of what is attached to one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from statebag.errors import BlobCorrupt, StatebagError, UnsupportedFormat
from statebag.format import json_text
from statebag.format.codec import compress, decompress, sha256_hex
from statebag.format.encryption_keys import check_not_encrypted

__all__ = ["HeadState", "VersionRecord", "decode_record", "encode_record"]

_MAGIC = b"SBAGH\x01\r\n"
_START = len(_MAGIC) + 8 + 32  # bytes before the frame: `encode_record` writes them
_LARGEST = 64 * 1024 * 1024  # bytes of a text. Chosen: a bag and a note take far less
_VERSION = 1  # of the JSON (docs/design/0030)


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a head, as it is stored.

    Attributes:
        number: Its place in the order in which the versions were written, from 1.
        label: The writer's name for it; may be empty.
        id: 16 random hex digits, by which a writer knows its own version again.
        written: When it was made, by the writer's clock (ISO 8601).
        reads: Further scopes that its bag refers to: those that it was forked from.
        note: The JSON text of any value of the writer's, which stays small.
        bag: The JSON text of the bag. Both are texts, so that they may nest as deep as any state.
    """

    number: int
    label: str
    id: str
    written: str
    reads: tuple[str, ...]
    note: str
    bag: str


class HeadState(msgspec.Struct, frozen=True, kw_only=True):
    """What the object of a head says.

    Attributes:
        life: 16 random hex digits: a head that was deleted and made again has others.
        last: The highest number that was used.
        dropped: Ranges of numbers that were deleted, in order.
        newest: The newest version; None if the head was deleted.
    """

    life: str
    last: int
    dropped: tuple[tuple[int, int], ...]
    newest: VersionRecord | None

    def has_dropped(self, number: int) -> bool:
        """Return whether the version of this number was deleted."""
        return any(first <= number <= last for first, last in self.dropped)


def encode_record(record: HeadState | VersionRecord) -> bytes:
    """Return the bytes of an object of a head."""
    if isinstance(record, HeadState):
        body = {"v": _VERSION, **msgspec.structs.asdict(record)}
        if record.newest is not None:
            body["newest"] = msgspec.structs.asdict(record.newest)
    else:
        body = {"v": _VERSION, "version": msgspec.structs.asdict(record)}
    text = json_text.encode(body)
    digest = bytes.fromhex(sha256_hex(text))
    return b"".join([_MAGIC, len(text).to_bytes(8, "big"), digest, compress(text)])


def decode_record(data: bytes, name: str) -> HeadState | VersionRecord:
    """Return what the bytes of an object of a head say; `name` is the object's.

    Raises:
        BlobCorrupt: The bytes are not those that were written.
        NotPermitted: They are encrypted.
        UnsupportedFormat: They have a newer version.
    """
    if data[:5] == _MAGIC[:5] and data[: len(_MAGIC)] != _MAGIC:
        raise _newer(name)
    check_not_encrypted(data[: len(_MAGIC)], name)
    if not data.startswith(_MAGIC) or len(data) < _START:
        raise BlobCorrupt("the object is not a version of a head", object_name=name)
    size = int.from_bytes(data[len(_MAGIC) : len(_MAGIC) + 8], "big")
    if size > _LARGEST:
        raise BlobCorrupt(
            f"the version's text has {size} bytes, more than it may have", object_name=name
        )
    sha256 = data[_START - 32 : _START].hex()
    text = decompress(data[_START:], size=size, sha256=sha256, where=name)
    try:
        return _parsed(json_text.decode(text, name), name)
    except UnsupportedFormat:
        raise
    except (StatebagError, msgspec.ValidationError) as error:
        raise BlobCorrupt("the version of a head is malformed", object_name=name) from error


def _parsed(body: Any, name: str) -> HeadState | VersionRecord:
    if not isinstance(body, dict):
        raise BlobCorrupt("the version of a head is malformed", object_name=name)
    version = body.get("v")
    if type(version) is not int or version != _VERSION:  # `true` and 1.0 are equal to 1
        raise _newer(name)
    if "version" in body:
        return msgspec.convert(body["version"], VersionRecord)
    return msgspec.convert(body, HeadState)


def _newer(name: str) -> UnsupportedFormat:
    return UnsupportedFormat(
        "the version of a head has a form that this release does not know",
        object_name=name,
        hint="Upgrade this library.",
    )
