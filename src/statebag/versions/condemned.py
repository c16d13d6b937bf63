"""Check that a new version does not rely on a pack that a collector is about to delete, or deleted.

A collector marks the packs that no version needs, and deletes them after a grace of at least an
hour, if no version needs them then. The mark names them for another grace. A seal may refer to a
pack that only an old version needed, or write that pack again. So before a head advances, it looks
in the marks for packs that the version before did not name. It reads the marks again after a
quarter of the shortest grace.

A marked pack that was just written again is refused too: the collector may have looked at it before
that, and delete it after. A repair writes packs of other names.

A mark is forgotten a grace after its packs are gone, and a bag may wait longer before it becomes a
version: in an approval, in a queue. So a pack that no seal of this process has just relied on is
looked up as well.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from statebag.errors import Conflict
from statebag.opening.walk import Selection, walk
from statebag.process.forking import fork_safe_lock
from statebag.process.recent import Recent
from statebag.upkeep.condemned_packs import read_condemned
from statebag.upkeep.objects import root_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from statebag.store.retrying import RetryingStore

__all__ = ["check_copied", "check_not_condemned", "forget_condemned", "instant", "note_sealed"]

_RELIED_ON = 15 * 60.0  # seconds. Chosen: a quarter of the least grace of a collector
_MOST = 4096  # scopes whose marks are remembered. Chosen

_lock = fork_safe_lock()
_read: dict[Hashable, tuple[float, frozenset[str]]] = {}
_MOST_SEALED = 65_536  # packs. Chosen: as many as `store.presence` remembers
_sealed: Recent[Hashable, tuple[float, float]] = Recent(_MOST_SEALED)


def check_not_condemned(store: RetryingStore, bag: Any, before: Any) -> None:
    """Refuse a bag that names a marked or missing pack which the version before did not name.

    Args:
        store: The store.
        bag: The bag of the next version.
        before: The bag of the current version, whose packs stay; None if there is none.

    Raises:
        Conflict: The bag names such a pack.
    """
    names = packs_named(bag)
    if before is not None:
        names -= packs_named(before)
    _check_marks(store, names)
    for name in sorted(names):
        with _lock:
            sealed = _sealed.peek((store.identity, name))
        if (sealed is None or not _is_recent(sealed)) and store.head(name) is None:
            raise Conflict(
                "the bag refers to a pack that is not in the store: no version needed it",
                object_name=name,
                hint="Seal the state again with heal=True.",
            )


def check_copied(
    store: RetryingStore, bags: Callable[[], Iterable[Any]], begun: tuple[float, float]
) -> None:
    """Refuse bags of versions to copy, if they were dropped and their packs marked meanwhile.

    Args:
        store: The store.
        bags: Returns them; called only if a collector can have marked packs since.
        begun: `instant()` before the versions were read.

    Raises:
        Conflict: One of them names a marked pack.
    """
    if _is_recent(begun):
        return
    names: set[str] = set()
    for bag in bags():
        names |= packs_named(bag)
    forget_condemned()
    _check_marks(store, names)


def instant() -> tuple[float, float]:
    """Return the time by two clocks: one may stand still while a process is frozen."""
    return time.monotonic(), time.time()


def _is_recent(then: tuple[float, float]) -> bool:
    return all(0 <= now - one < _RELIED_ON for one, now in zip(then, instant(), strict=True))


def note_sealed(store: RetryingStore, bag: Any) -> None:
    """Note that the store has all packs of a bag, which was just sealed."""
    now = instant()
    names = packs_named(bag)
    with _lock:
        for name in names:
            _sealed.put((store.identity, name), now)


def _check_marks(store: RetryingStore, names: set[str]) -> None:
    for root in {root_scope(name) for name in names}:
        for name in sorted(names & _condemned(store, root)):
            mark, _ = read_condemned(store, root)
            named = mark is not None and name in mark.packs | mark.gone
            if named or store.head(name) is None:
                raise Conflict(
                    "the bag refers to a pack that a collector is about to delete",
                    object_name=name,
                    hint="Seal the state again with heal=True.",
                )


def packs_named(bag: Any) -> set[str]:
    """Return the packs that a bag's own stubs name; an index may name more."""
    names: set[str] = set()
    for site in walk(bag, Selection(None)).sites:
        names |= site.stub.packs()
    return names


def forget_condemned() -> None:
    """Forget the marks that were read, and what was sealed."""
    with _lock:
        _read.clear()
        _sealed.clear()


def _condemned(store: RetryingStore, root: str) -> frozenset[str]:
    key = (store.identity, root)
    now = time.monotonic()
    with _lock:
        read, packs = _read.get(key, (-_RELIED_ON, frozenset()))
    if now - read < _RELIED_ON:
        return packs
    mark, _ = read_condemned(store, root)
    packs = frozenset() if mark is None else mark.packs | mark.gone
    with _lock:
        if len(_read) >= _MOST:
            _read.clear()
        _read[key] = (now, packs)
    return packs
