"""Check that a new version does not rely on a pack that a collector is about to delete, or deleted.

A collector marks the packs that no version needs, and deletes them after a grace of at least an
hour, if no version needs them then. The mark names them for another grace. A seal may refer to a
pack that only an old version needed, or write that pack again. So before a head advances, it looks
in the marks for packs that the version before did not name. It reads the marks again after a
quarter of the shortest grace.

A marked pack that was just written again is refused too: the collector may have looked at it before
that, and delete it after. A repair writes packs of other names.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from statebag.errors import Conflict
from statebag.opening.walk import Selection, walk
from statebag.process.forking import fork_safe_lock
from statebag.upkeep.condemned_packs import read_condemned
from statebag.upkeep.objects import root_scope

if TYPE_CHECKING:
    from collections.abc import Hashable

    from statebag.store.retrying import RetryingStore

__all__ = ["check_not_condemned", "forget_condemned"]

_RELIED_ON = 15 * 60.0  # seconds. Chosen: a quarter of the least grace of a collector
_MOST = 4096  # scopes whose marks are remembered. Chosen

_lock = fork_safe_lock()
_read: dict[Hashable, tuple[float, frozenset[str]]] = {}


def check_not_condemned(store: RetryingStore, bag: Any, before: Any) -> None:
    """Refuse a bag that names a marked pack which the version before did not name.

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
    """Forget the marks that were read."""
    with _lock:
        _read.clear()


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
