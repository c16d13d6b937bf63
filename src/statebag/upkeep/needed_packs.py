"""Find all packs that a bag needs, including those that only an index names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.format.codec import decompress
from statebag.format.index import entries_of
from statebag.opening.walk import Selection, walk

if TYPE_CHECKING:
    from statebag.format.stub import Blob, Entry, Whole
    from statebag.store.contract import Store

__all__ = ["NeededPacks"]


class NeededPacks:
    """Finds the packs of many bags; an index that several share is read once.

    Args:
        store: Where the indexes are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._listed: dict[Blob, frozenset[str]] = {}

    def of(self, bag: Any) -> set[str]:
        """Return the names of all packs that an open of the whole bag reads from.

        Raises:
            BlobMissing, BlobCorrupt: An index is gone or damaged.
            StatebagError: The bag is malformed.
        """
        packs: set[str] = set()
        for site in walk(bag, Selection(None)).sites:
            packs |= self._of_stub(site.stub.whole)
        return packs

    def _of_stub(self, stub: Whole) -> set[str]:
        packs = set(stub.packs())
        for entry in stub.entries:
            packs |= self._below(entry)
        for child in stub.children():
            packs |= self._of_stub(child)
        return packs

    def _below(self, entry: Entry) -> frozenset[str]:
        """Return the pack of an entry and of all entries below it."""
        if entry.level == 0:
            return frozenset((entry.blob.at,))
        found = self._listed.get(entry.blob)
        if found is None:
            packs = {entry.blob.at}
            for one in self._read(entry.blob):
                packs |= self._below(one)
            found = self._listed[entry.blob] = frozenset(packs)
        return found

    def _read(self, node: Blob) -> tuple[Entry, ...]:
        (frame,) = self._store.get_ranges(node.at, [(node.offset, node.length)])
        text = decompress(frame, size=node.size, sha256=node.sha256, where=node.at)
        return entries_of(text, "$", node.at)
