"""Positions of the bytes of values: blobs in packs, entries of indexes, extents."""

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
"""The name of the pack that is being written, until its hash is known."""


class Blob(msgspec.Struct, frozen=True):
    """The position of the frame of one text.

    Attributes:
        sha256: 64 hex digits of the text.
        size: Bytes of the text.
        at: The name of the pack; `THIS_PACK` until it is known.
        offset: Where the frame starts in the pack, in bytes.
        length: Bytes of the frame.
    """

    sha256: str
    size: int
    at: str
    offset: int
    length: int

    def placed(self, name: str) -> Blob:
        """Return this blob with the name of its pack, if it was not known yet."""
        return msgspec.structs.replace(self, at=name) if self.at == THIS_PACK else self


class Extent(msgspec.Struct, frozen=True):
    """Bytes of a pack in which chunks lie that only an index node lists."""

    at: str
    offset: int
    length: int

    def placed(self, name: str) -> Extent:
        """Return this extent with the name of its pack, if it was not known yet."""
        return msgspec.structs.replace(self, at=name) if self.at == THIS_PACK else self


class Entry(msgspec.Struct, frozen=True):
    """One chunk of a large value (level 0), or an index node over further entries.

    Attributes:
        blob: The text of the chunk, itself an array or object; or the node.
        count: Items below it.
        size: Bytes of the text of the array or object with the items below it.
        level: 0 for a chunk; a node is one level above its entries.
    """

    blob: Blob
    count: int
    size: int
    level: int = 0

    at_hand: ClassVar[bool] = False
    """Whether its text is known."""

    members: ClassVar[tuple[Any, ...]] = ()
    """The entries that it lists, as far as they are known."""

    @property
    def sha256(self) -> str:
        """Of the blob's text."""
        return self.blob.sha256

    def entry(self, new: object) -> Entry:
        """Return the entry that lists it: itself."""
        del new
        return self


def blobs_in_pack(blobs: Iterable[Blob], name: str) -> list[Blob]:
    """Return blobs with the name of their pack, if it was not known yet."""
    return [
        Blob(one.sha256, one.size, name, one.offset, one.length) if one.at == THIS_PACK else one
        for one in blobs
    ]


def entries_in_pack(entries: tuple[Entry, ...], name: str) -> tuple[Entry, ...]:
    """Return entries with the name of their pack, if it was not known yet."""
    blobs = blobs_in_pack([entry.blob for entry in entries], name)
    return tuple(
        Entry(blob, entry.count, entry.size, entry.level)
        for blob, entry in zip(blobs, entries, strict=True)
    )


def entries_to_wire(entries: tuple[Entry, ...], reads: tuple[Extent, ...] = ()) -> dict[str, Any]:
    """Return rows `[count, size, sha256, pack, offset, length]`, and the packs' names once.

    The row of a node has two more fields: its level, and the size of its own text. A prefetch list
    has rows `[pack, offset, length]`.
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
    """Return the bytes of the text of several arrays or objects joined into one.

    Each has two bytes of brackets. Joined, they have two together, and a comma between each.
    """
    return 2 + sum(size - 2 for size in sizes) + max(len(sizes) - 1, 0)
