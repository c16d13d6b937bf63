"""What tells one store from every other: what is remembered of a store is true of it alone."""

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
    """The same value for two stores only where both have the same objects, read with the same keys.

    A store says so itself, by an attribute `identity` (a tuple of hashable values). One that does
    not, such as a store of a user's own, is told apart as the object that it is: two addresses
    that look alike may lead to different places.
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
    """Whether a look-up in the store costs next to nothing, so that none needs to be saved.

    A folder and this process's memory say so by `is_local`.
    """
    return getattr(store, "is_local", False) is True


def salt_of(store: Store) -> bytes:
    """JSON text that belongs into each pack of a store, by which its name depends on the key.

    Empty for a store that does not encrypt.
    """
    salt = getattr(store, "salt", b"")
    return salt if isinstance(salt, bytes) else b""
