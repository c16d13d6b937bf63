"""Where the bytes of values lie: blobs in packs, the entries that list them, extents of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "THIS_PACK",
    "Blob",
    "Entry",
    "Extent",
    "blobs_in_pack",
    "entries_in_pack",
    "entries_to_wire",
    "joined_size",
]

THIS_PACK = ""
"""Stands for the name of the pack that is being written: it is the hash of what it names."""


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


class Extent(msgspec.Struct, frozen=True):
    """Bytes of a pack in which pieces lie that only an index node lists."""

    at: str
    offset: int
    length: int

    def placed(self, name: str) -> Extent:
        """The same bytes with the pack's name, where that was not known yet."""
        return msgspec.structs.replace(self, at=name) if self.at == THIS_PACK else self


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

    at_hand: ClassVar[bool] = False
    """Whether its text is known."""

    members: ClassVar[tuple[Any, ...]] = ()
    """What it lists, as far as that is known."""

    @property
    def sha256(self) -> str:
        """Of the blob's text."""
        return self.blob.sha256

    def entry(self, new: object) -> Entry:
        """What lists it: itself."""
        del new
        return self


def blobs_in_pack(blobs: Iterable[Blob], name: str) -> list[Blob]:
    """Blobs with their pack's name, where that was not known yet."""
    return [
        Blob(one.sha256, one.size, name, one.offset, one.length) if one.at == THIS_PACK else one
        for one in blobs
    ]


def entries_in_pack(entries: tuple[Entry, ...], name: str) -> tuple[Entry, ...]:
    """Entries with their pack's name, where that was not known yet."""
    blobs = blobs_in_pack([entry.blob for entry in entries], name)
    return tuple(
        Entry(blob, entry.count, entry.size, entry.level)
        for blob, entry in zip(blobs, entries, strict=True)
    )


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
