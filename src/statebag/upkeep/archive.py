"""Archives: one file with a whole state, which outlives its execution or moves elsewhere.

```
8 bytes   magic
8 bytes   length of the header, big-endian
...       header: JSON {"v": 1, "bag": ..., "packs": [[name, size], ...]}
...       the packs, one after another
32 bytes  SHA-256 of all before it
```

The state is sealed again into the file, so it does not depend on a store. The same state gives the
same bytes (under one codec version). A reader trusts nothing: it checks lengths, names and digests,
and verifies every blob, before it writes anything.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from statebag.errors import (
    BlobCorrupt,
    ConfigurationError,
    InvalidState,
    LimitExceeded,
    UnsupportedFormat,
)
from statebag.format import json_text
from statebag.format.names import check_pack_name, scope_of
from statebag.store.memory import MemoryStore
from statebag.upkeep.objects import fits_its_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SCOPE", "pack_up", "unpack"]

MAGIC = b"SBAGX\x01\r\n"
SCOPE = "export"
"""The scope of the packs in an archive."""

_VERSION = 1  # of the archive (docs/design/0008)
_DIGEST = 32  # bytes of a SHA-256
_LARGEST_HEADER = 64 * 1024 * 1024  # bytes. Chosen: a bag and the names of its packs take far less


def pack_up(bag: Any, packs: Mapping[str, bytes]) -> bytes:
    """Return an archive of a bag and all packs that it refers to."""
    names = sorted(packs)
    listed = [[name, len(packs[name])] for name in names]
    header = json_text.encode({"v": _VERSION, "bag": bag, "packs": listed})
    body = b"".join(
        [MAGIC, len(header).to_bytes(8, "big"), header, *(packs[name] for name in names)]
    )
    return body + hashlib.sha256(body).digest()


def unpack(data: bytes, max_bytes: int) -> tuple[Any, MemoryStore]:
    """Return the bag of an archive, and a store in memory with its verified packs.

    Args:
        data: The archive.
        max_bytes: Refuse a larger one.

    Raises:
        LimitExceeded: It is larger.
        UnsupportedFormat: It has another version.
        BlobCorrupt: It is damaged, cut short, too long, or not an archive.
    """
    if not isinstance(data, bytes):
        raise ConfigurationError(
            f"archive must be bytes, not {type(data).__qualname__}",
            hint="Read its file in mode 'rb'.",
        )
    if len(data) > max_bytes:
        raise LimitExceeded(
            f"the archive has {len(data)} bytes; the limit is {max_bytes}",
            hint="Raise Policy.max_open_bytes (STATEBAG_MAX_OPEN_BYTES).",
        )
    if data[:5] == MAGIC[:5] and data[: len(MAGIC)] != MAGIC:
        raise UnsupportedFormat(
            "the archive has a version that this release does not know",
            hint="Upgrade this library.",
        )
    start = len(MAGIC) + 8
    if not data.startswith(MAGIC) or len(data) < start + _DIGEST:
        raise BlobCorrupt("the data is not an archive of a state")
    body = memoryview(data)[:-_DIGEST]
    if hashlib.sha256(body).digest() != data[-_DIGEST:]:
        raise BlobCorrupt("the archive does not have the SHA-256 at its end")
    length = int.from_bytes(data[len(MAGIC) : start], "big")
    if length > min(_LARGEST_HEADER, len(body) - start):
        raise BlobCorrupt(f"the archive's header has {length} bytes, more than it may have")
    header = json_text.decode(bytes(body[start : start + length]), None)
    return _bag_of(header), _packs_of(header, bytes(body[start + length :]))


def _bag_of(header: Any) -> Any:
    if not isinstance(header, dict) or "v" not in header:
        raise BlobCorrupt("the archive's header is malformed")
    version = header["v"]  # looked at first: another version may have other fields
    if type(version) is not int or version != _VERSION:
        raise UnsupportedFormat(
            "the archive has a version that this release does not know",
            hint="Upgrade this library.",
        )
    if set(header) != {"v", "bag", "packs"}:
        raise BlobCorrupt("the archive's header is malformed")
    return header["bag"]


def _packs_of(header: dict[str, Any], data: bytes) -> MemoryStore:
    store = MemoryStore()
    position, seen = 0, set()
    rows = header["packs"]
    if not isinstance(rows, list):
        raise BlobCorrupt("the archive's header is malformed")
    for row in rows:
        if not (isinstance(row, list) and len(row) == 2 and type(row[1]) is int and row[1] >= 0):
            raise BlobCorrupt("the archive's header is malformed")
        name = check_pack_name(row[0], "$")
        pack = data[position : position + row[1]]
        if scope_of(name) != SCOPE or name in seen or not fits_its_name(name, pack):
            raise BlobCorrupt("the archive has a pack without the digest that its name says")
        seen.add(name)
        store.put(name, pack)
        position += row[1]
    if position != len(data):
        raise BlobCorrupt(f"the archive has {len(data) - position} bytes that belong to no pack")
    return store


def check_scope(scope: str | None) -> str:
    """Return the scope for an archive; raise if it is empty.

    Raises:
        InvalidState: It is empty.
    """
    if not scope:
        raise InvalidState(
            "scope is empty: an archive is imported into an execution's scope",
            hint="Pass scope='<machine>/<name>'.",
        )
    return scope
