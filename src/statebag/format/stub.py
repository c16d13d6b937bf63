"""Stubs: what stands in a bag for a value that left plain form (wire version 1).

A stub is a JSON object whose one key is `__statebag__` (the form *rest* alone has other keys
beside it). Each form is a small class here, with `to_wire`; `stub_parsing` is the way back.
"""

from __future__ import annotations

import binascii
from typing import Any, Literal

import msgspec

__all__ = [
    "KEY",
    "THIS_PACK",
    "Blob",
    "Carried",
    "Entry",
    "Escaped",
    "Extent",
    "Kind",
    "Patched",
    "Pieces",
    "Rest",
    "Stored",
    "Stub",
    "Whole",
    "entries_to_wire",
    "joined_size",
]

KEY = "__statebag__"
VERSION = 1
THIS_PACK = ""
"""Stands for the name of the pack that is being written: it is the hash of what it names."""

MAX_LEVEL = 12  # of an index over pieces; 32**12 pieces are more than any store holds
MAX_ENTRIES = 4096  # pieces or nodes listed in one place; a reader's bound, writers stay far below

Kind = Literal["array", "object"]


class Blob(msgspec.Struct, frozen=True):
    """Where the frame of one text lies.

    Attributes:
        sha256: 64 hex digits of the text.
        size: Bytes of the text.
        at: The pack's name; `THIS_PACK` until it is known.
        offset: Where the frame starts in the pack, in bytes.
        length: Bytes of the frame.
    """

    sha256: str
    size: int
    at: str
    offset: int
    length: int

    def placed(self, name: str) -> Blob:
        """The same blob with its pack's name, where that was not known yet."""
        return msgspec.structs.replace(self, at=name) if self.at == THIS_PACK else self


class Stored(msgspec.Struct, frozen=True):
    """A value whose text is a blob in a pack; arrays and objects say how many items."""

    blob: Blob
    kind: Kind | None = None
    count: int = 0

    @property
    def size(self) -> int:
        """Bytes of the value's text."""
        return self.blob.size

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        blob = self.blob
        return {
            "v": VERSION,
            "sha256": blob.sha256,
            "size": blob.size,
            "at": blob.at,
            "span": [blob.offset, blob.length],
            **_shape(self.kind, self.count),
        }


class Carried(msgspec.Struct, frozen=True):
    """A value whose frame travels in the bag itself."""

    sha256: str
    size: int
    frame: bytes
    kind: Kind | None = None
    count: int = 0

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        return {
            "v": VERSION,
            "sha256": self.sha256,
            "size": self.size,
            "data": _base64(self.frame),
            **_shape(self.kind, self.count),
        }


class Entry(msgspec.Struct, frozen=True):
    """One piece of a large value (level 0), or an index node over further entries.

    Attributes:
        blob: The text of the piece, itself an array or object; or the node.
        count: Items below it.
        size: Bytes of the text of the array or object that the items below it make.
        level: 0 for a piece; a node stands one above what it lists.
    """

    blob: Blob
    count: int
    size: int
    level: int = 0


class Extent(msgspec.Struct, frozen=True):
    """Bytes of a pack in which pieces lie that only an index node lists."""

    at: str
    offset: int
    length: int

    def placed(self, name: str) -> Extent:
        """The same bytes with the pack's name, where that was not known yet."""
        return msgspec.structs.replace(self, at=name) if self.at == THIS_PACK else self


class Pieces(msgspec.Struct, frozen=True):
    """A large array or object cut between items: entries in order, then the tail.

    `reads` is advice: what a reader of the whole value will need, so that it can ask for it
    together with the index instead of after it.
    """

    kind: Kind
    count: int
    size: int
    entries: tuple[Entry, ...]
    tail: Stored | Carried | None = None
    reads: tuple[Extent, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        body: dict[str, Any] = {
            "v": VERSION,
            "kind": self.kind,
            "count": self.count,
            "size": self.size,
            **entries_to_wire(self.entries, self.reads),
        }
        if self.tail is not None:
            tail = self.tail.to_wire()
            del tail["v"], tail["kind"]
            body["tail"] = tail
        return body


class Patched(msgspec.Struct, frozen=True):
    """A value as the difference to one that is stored: a zstd frame with that as its prefix.

    Attributes:
        base: The stored value; never itself patched, and the tail is all of it that may be carried.
        sha256: Of the value's text.
        size: Bytes of the value's text.
        patch: The frame.
        kind: As in the other forms.
        count: Likewise.
    """

    base: Stored | Pieces
    sha256: str
    size: int
    patch: bytes
    kind: Kind | None = None
    count: int = 0

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        base = self.base.to_wire()
        del base["v"]
        return {
            "v": VERSION,
            "sha256": self.sha256,
            "size": self.size,
            "patch": _base64(self.patch),
            "base": base,
            **_shape(self.kind, self.count),
        }


class Rest(msgspec.Struct, frozen=True):
    """The many small fields of an object as one value; beside it stand fields of their own.

    Attributes:
        whole: The object, with null for each name in `beside`.
        beside: Fields that are not in `whole` and must stand beside the stub.
        siblings: The JSON values that stand beside the stub, `beside` and control fields.
    """

    whole: Whole
    beside: tuple[str, ...]
    siblings: dict[str, Any]

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        return {**self.whole.to_wire(), "rest": True, "beside": list(self.beside)}


class Escaped(msgspec.Struct, frozen=True):
    """User data that has the reserved key: opaque, however it looks inside."""

    original: dict[str, Any]

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        return {"v": VERSION, "escaped": self.original}


Whole = Stored | Carried | Pieces | Patched
Stub = Whole | Rest | Escaped


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def _shape(kind: Kind | None, count: int) -> dict[str, Any]:
    return {} if kind is None else {"kind": kind, "count": count}


def entries_to_wire(entries: tuple[Entry, ...], reads: tuple[Extent, ...] = ()) -> dict[str, Any]:
    """Entries as rows `[count, size, sha256, pack, offset, length]`, with the packs' names once.

    A node has two more fields: its level, and the size of its own text. What to read ahead are
    rows `[pack, offset, length]`.
    """
    packs: dict[str, int] = {}
    rows: list[list[Any]] = []
    for entry in entries:
        blob = entry.blob
        pack = packs.setdefault(blob.at, len(packs))
        row = [entry.count, entry.size, blob.sha256, pack, blob.offset, blob.length]
        rows.append([*row, entry.level, blob.size] if entry.level else row)
    ahead = [[packs.setdefault(one.at, len(packs)), one.offset, one.length] for one in reads]
    return {"packs": list(packs), "pieces": rows, **({"reads": ahead} if ahead else {})}


def joined_size(sizes: list[int]) -> int:
    """Bytes of the text of one array or object made of the items of several.

    Each has two bytes of brackets; joined, they share two and gain a comma between each.
    """
    return 2 + sum(size - 2 for size in sizes) + max(len(sizes) - 1, 0)
