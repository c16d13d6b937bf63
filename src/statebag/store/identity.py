"""Identify a store, since what is remembered about one store is true only of that one."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING
from weakref import finalize

from statebag.process.forking import fork_safe_lock

if TYPE_CHECKING:
    from collections.abc import Hashable

    from statebag.store.contract import Store

__all__ = ["Identity", "asks_for_nothing", "identity_of", "salt_of"]

Identity = tuple["Hashable", ...]

_numbers = count(1)
_numbered: dict[int, int] = {}
_lock = fork_safe_lock()


def identity_of(store: Store) -> Identity:
    """Return a value that is the same for two stores only if they have the same objects and keys.

    It is the store's attribute `identity` (a tuple of hashable values). A store without one, such
    as a user's own, has the identity of the Python object, since two equal addresses may lead to
    different places.
    """
    identity = getattr(store, "identity", None)
    if isinstance(identity, tuple):
        return identity
    # Not by the object itself: two that compare equal may lead to different places.
    key = id(store)
    with _lock:
        number = _numbered.get(key)
        if number is None:
            number = next(_numbers)
            with suppress(TypeError):  # it takes no weak reference: another number each time
                finalize(store, _numbered.pop, key, None).atexit = False
                _numbered[key] = number
    return ("object", number)


def asks_for_nothing(store: Store) -> bool:
    """Return whether a look-up in the store costs next to nothing, so that it need not be avoided.

    A folder and a store in memory say so by `is_local`.
    """
    return getattr(store, "is_local", False) is True


def salt_of(store: Store) -> bytes:
    """Return JSON text for each pack of a store, so that the pack's name depends on the keys.

    It is empty if the store does not encrypt.
    """
    salt = getattr(store, "salt", b"")
    return salt if isinstance(salt, bytes) else b""
