"""Find references from one execution to the objects of another, which must then stay.

A state that passes from one execution to another may name packs of the first. This module finds
such references in the store: in snapshots and index nodes. It cannot see bags in flight.
`Policy.readable_scopes` names the further scopes that these may read; pass such scopes as `keep` to
a collector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.format.codec import decompress
from statebag.format.head_names import SCOPE_OF_PACKS
from statebag.format.names import scope_of
from statebag.format.pack import read_index
from statebag.upkeep.objects import kind_of, root_scope
from statebag.upkeep.references import referred_by_bag, referred_by_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.stub import Blob
    from statebag.store.contract import Store

__all__ = ["packs_referred_to", "referred_from_elsewhere"]


def referred_from_elsewhere(
    store: Store, scopes: set[str], of: set[str] | None = None
) -> dict[str, str]:
    """Return the root scopes to which an object outside them refers, each with that object.

    It reads every pack and snapshot of all other scopes, or of those in `of`. What heads refer to
    is found by `head_sweep.read_heads`.

    Raises:
        BlobCorrupt: One of them cannot be read, so its references are unknown. Run `fsck` and
            `repair` before anything is deleted.
    """
    found: dict[str, str] = {}
    for info in store.list():
        root = root_scope(info.name)
        outside = root not in scopes if of is None else root in of
        if not outside or kind_of(info.name) not in {"pack", "snapshot"}:
            continue
        for blob in _referred(store, info.name):
            root = root_scope(blob.at)
            if root in scopes:
                found.setdefault(root, info.name)
    return found


def packs_referred_to(store: Store, names: set[str]) -> set[str]:
    """Return which of some packs a snapshot, or an index in another pack, refers to.

    Packs that heads sealed do not count: an index there counts only if a version needs it.

    Raises:
        BlobCorrupt: As for `referred_from_elsewhere`.
    """
    found: set[str] = set()
    for info in store.list():
        of_heads = SCOPE_OF_PACKS in scope_of(info.name).split("/")
        if not of_heads and kind_of(info.name) in {"pack", "snapshot"}:
            found |= names & {blob.at for blob in _referred(store, info.name)}
    return found


def _referred(store: Store, name: str) -> Iterator[Blob]:
    data = store.get(name)
    if kind_of(name) == "snapshot":
        yield from referred_by_bag(data, name)
        return
    for row in read_index(data, name):
        if row.kind == "index":
            frame = data[row.offset : row.offset + row.length]
            text = decompress(frame, size=row.size, sha256=row.sha256, where=name)
            yield from referred_by_node(text, name)
