"""Keep the memory of a process, which makes a warm Lambda function faster.

Memory saves requests and never changes a result. Its key contains everything that it depends on:
the store, and the keys of its objects and stubs.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import msgspec

from statebag.opening.known import Bases, Known
from statebag.process.forking import fork_safe_lock
from statebag.store.cache import BlobCache
from statebag.store.presence import Presence

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

__all__ = ["Memory", "forget", "memory_of", "nothing_remembered"]

# Stores that a process remembers. Chosen: as many as it keeps clients (`default_client`)
_MEMORIES = 32

# One for all that is remembered: each section under it is a few dictionary operations, and a fork
# waits for one lock instead of several for each store.
_lock = fork_safe_lock()
_is_off: ContextVar[bool] = ContextVar("statebag_memory_is_off", default=False)


class Memory(msgspec.Struct, frozen=True):
    """The memory of one store.

    Attributes:
        known: Stubs of values that were stored or verified.
        bases: The latest values of fields, with their texts.
        texts: Verified texts of blobs; all stores share them and their bound.
        presence: When the store was last known to hold each pack.
    """

    known: Known
    bases: Bases
    texts: BlobCache
    presence: Presence

    @classmethod
    def empty(cls) -> Memory:
        """Return a memory that remembers nothing from call to call."""
        return cls(Known(lock=_lock), Bases(0, _lock), BlobCache(0, _lock), Presence(lock=_lock))

    @classmethod
    def of_nothing(cls) -> Memory:
        """Return a memory that remembers nothing, not even within a call."""
        return cls(Known(0, _lock), Bases(0, _lock), BlobCache(0, _lock), Presence(lock=_lock))

    def reading(self, scopes: tuple[str, ...]) -> Memory:
        """Return the same memory for seals that may also refer to more scopes (encoded)."""
        return Memory(
            self.known.reading(scopes), self.bases.reading(scopes), self.texts, self.presence
        )

    def forget_packs(self, packs: Iterable[str]) -> None:
        """Stop relying on these packs: the store does not have them."""
        self.known.forget_packs(packs)
        self.bases.forget_packs(packs)


def memory_of(identity: tuple[Hashable, ...], max_bytes: int) -> Memory:
    """Return the memory of a store.

    Args:
        identity: `identity_of` the store, and the keys of stubs.
        max_bytes: Bound of the texts that it keeps.
    """
    if _is_off.get():
        return Memory.empty()
    presence, known, bases = _of_store(identity)
    if max_bytes not in bases:  # of a store, for clients with different bounds
        bases[max_bytes] = Bases(max_bytes, _lock)
    return Memory(known, bases[max_bytes], _texts(max_bytes), presence)


@lru_cache(_MEMORIES)
def _of_store(
    identity: tuple[Hashable, ...],
) -> tuple[Presence, Known, dict[int, Bases]]:
    del identity
    return Presence(lock=_lock), Known(lock=_lock), {}


@cache
def _texts(max_bytes: int) -> BlobCache:
    return BlobCache(max_bytes, _lock)


def forget() -> None:
    """Forget the memory of all stores."""
    for remembered in (_of_store, _texts):
        remembered.cache_clear()


@contextmanager
def nothing_remembered() -> Iterator[None]:
    """Begin each call in this block with an empty memory; results must not change."""
    token = _is_off.set(True)
    try:
        yield
    finally:
        _is_off.reset(token)
