"""Delete the packs that were sealed for heads and that no version needs any more.

A head's scope does not end as an execution does, so its packs are deleted one by one. Heads seal
into a separate scope, `<scope>/@heads`, and only packs there are deleted in this way. A pack that
nothing in the store needs is marked once it is older than the grace, and deleted after another
grace if nothing needs it then.

`read_heads` reads the object of each head before it lists the versions: a writer writes a version
under its own name before it replaces the head's object, so no version is overlooked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from statebag.errors import BlobMissing
from statebag.format.head_names import SCOPE_OF_PACKS
from statebag.format.names import is_scope_at_or_above, scope_of
from statebag.upkeep.condemned_packs import marked_roots, read_condemned, write_condemned
from statebag.upkeep.head_objects import bags_of_object, head_objects, is_over, state_of
from statebag.upkeep.needed_packs import NeededPacks
from statebag.upkeep.objects import kind_of, root_scope
from statebag.upkeep.outside import packs_referred_to

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from statebag.format.head_names import HeadObject
    from statebag.format.head_record import HeadState
    from statebag.store.contract import ObjectInfo, Store

__all__ = ["HeadCensus", "SweptPacks", "read_heads", "sweep"]


class HeadCensus(msgspec.Struct):
    """The heads of a store.

    Attributes:
        live: The root scopes in which heads are, each with the number of its heads.
        over: Objects that belong to no version, such as those that a crash left.
        needed: All packs that versions need.
    """

    live: dict[str, int] = msgspec.field(default_factory=dict)
    over: list[ObjectInfo] = msgspec.field(default_factory=list)
    needed: set[str] = msgspec.field(default_factory=set)


class SweptPacks(msgspec.Struct):
    """The work of a sweep in one root scope.

    Attributes:
        marked: Marked packs, which wait for the end of the grace.
        deleted: Packs that were deleted, or would be in a dry run.
        bytes: Their bytes.
    """

    marked: int = 0
    deleted: int = 0
    bytes: int = 0


def read_heads(store: Store) -> HeadCensus:
    """Return what the heads of a store need.

    Raises:
        BlobMissing, BlobCorrupt: A version or an index cannot be read, so what it needs is unknown.
            Run `fsck` and `repair` before anything is deleted.
    """
    census = HeadCensus()
    needed = NeededPacks(store)
    states: dict[tuple[str, str], HeadState | None] = {}
    for info, one in head_objects(store):
        if one.kind == "head":
            states[one.scope, one.name] = state = state_of(store, info.name)
            if state is not None and state.newest is not None:
                root = "/".join(one.scope.split("/")[:2])
                census.live[root] = census.live.get(root, 0) + 1
                _add_needed(census, needed, store, info.name)
    objects = list(head_objects(store))
    labels = _labels(states, objects)
    for info, one in objects:
        head = (one.scope, one.name)
        if is_over(one, states.get(head), labels.get(head, set())):
            census.over.append(info)
        elif one.kind != "head" or head not in states:
            _add_needed(census, needed, store, info.name)
    return census


def _labels(
    states: dict[tuple[str, str], HeadState | None], objects: list[tuple[ObjectInfo, HeadObject]]
) -> dict[tuple[str, str], set[str]]:
    """Return the encoded labels of the versions of each head."""
    from urllib.parse import quote  # noqa: PLC0415 (slow to load, and few stores have heads)

    labels: dict[tuple[str, str], set[str]] = {}
    for head, state in states.items():
        if state is not None and state.newest is not None:
            labels[head] = {quote(state.newest.label, safe="")}
    for _, one in objects:
        head = (one.scope, one.name)
        if one.kind == "version" and not is_over(one, states.get(head), set()):
            labels.setdefault(head, set()).add(one.label)
    return labels


def _add_needed(census: HeadCensus, needed: NeededPacks, store: Store, name: str) -> None:
    try:
        data = store.get(name)
    except BlobMissing:  # deleted since it was listed
        return
    for bag in bags_of_object(data, name):
        census.needed |= needed.of(bag)


def sweep(
    store: Store,
    census: HeadCensus,
    now: datetime,
    grace: timedelta,
    keep: tuple[str, ...],
    *,
    dry_run: bool,
) -> dict[str, SweptPacks]:
    """Mark and delete packs that nothing needs; return what was done, by root scope.

    Args:
        store: The store.
        census: What its heads need, read in this pass.
        now: The time by the store's clock.
        grace: The time between the last write of a pack and its mark, and between mark and
            deletion.
        keep: Scopes to keep, encoded.
        dry_run: Whether to write and delete nothing.
    """
    unneeded: dict[str, list[ObjectInfo]] = {}
    present: set[str] = set()
    for info in store.list():
        if not _is_of_heads(info.name):
            continue
        present.add(info.name)
        if info.name in census.needed:
            continue
        kept = any(is_scope_at_or_above(one, scope_of(info.name)) for one in keep)
        if not kept and now - info.modified >= grace:
            unneeded.setdefault(root_scope(info.name), []).append(info)
    if unneeded:
        names = {info.name for infos in unneeded.values() for info in infos}
        held = packs_referred_to(store, names)
        unneeded = {
            root: [info for info in infos if info.name not in held]
            for root, infos in unneeded.items()
        }
    if not dry_run:
        for info in census.over:
            if now - info.modified >= grace:
                store.delete(info.name)
    swept = {}
    for root in sorted(unneeded.keys() | marked_roots(store)):
        infos = unneeded.get(root, [])
        done = _sweep_root(store, root, infos, present, now, grace, dry_run=dry_run)
        if infos:
            swept[root] = done
    return swept


def _sweep_root(
    store: Store,
    root: str,
    infos: list[ObjectInfo],
    present: set[str],
    now: datetime,
    grace: timedelta,
    *,
    dry_run: bool,
) -> SweptPacks:
    """Delete the marked packs of a root scope that nothing needs, and mark the others.

    Nothing locks a pack between the check and its deletion. A writer may write the same pack
    in between, but no version relies on it: a new reference to a pack that a mark names is refused
    when a head advances, and the repair writes packs of other names.
    """
    swept = SweptPacks()
    mark, _ = read_condemned(store, root)
    is_time = mark is not None and now - mark.made >= grace
    left, gone = [], set() if mark is None else set(mark.packs - present)
    for info in infos:
        goes = (
            mark is not None and is_time and info.name in mark.packs and info.modified <= mark.made
        )
        if not goes:
            left.append(info.name)
            continue
        if not dry_run:
            found = store.head(info.name)
            if found is None or found.modified != info.modified:  # written again just now
                left.append(info.name)
                continue
            store.delete(info.name)
            gone.add(info.name)
        swept.deleted += 1
        swept.bytes += info.size
    swept.marked = len(left)
    if not dry_run and (mark is None or is_time):
        write_condemned(store, root, left, gone)
    return swept


def _is_of_heads(name: str) -> bool:
    return SCOPE_OF_PACKS in scope_of(name).split("/") and kind_of(name) == "pack"
