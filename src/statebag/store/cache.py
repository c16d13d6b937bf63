"""Keep verified blobs in memory, within a bound of bytes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from statebag.process.forking import fork_safe_lock
from statebag.process.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from threading import Lock

__all__ = ["BlobCache"]

# What an entry takes besides its key and data: the dictionary's slot with its links; at most some
# 230 bytes on 64-bit CPython, rounded up.
_ENTRY_BYTES = 256


class BlobCache:
    """A thread-safe cache of bytes, which drops the least recently used first.

    Blobs are immutable, so nothing expires. The cache takes only `bytes`, so no caller can change
    what it returns.

    Args:
        max_bytes: The largest amount of memory for keys and data together; 0 keeps nothing.
        lock: Guards each section; by default its own.
    """

    def __init__(self, max_bytes: int, lock: Lock | None = None) -> None:
        self._entries: Recent[tuple[Hashable, ...], bytes] = Recent(
            max_bytes, largest=max_bytes // 2
        )
        self._lock = lock or fork_safe_lock()

    @property
    def bytes_held(self) -> int:
        """The memory that all entries take, with their keys."""
        return self._entries.size

    def get(self, key: tuple[Hashable, ...]) -> bytes | None:
        """Return the bytes of a key, or None if the cache does not have them."""
        with self._lock:
            return self._entries.get(key)

    def put(self, key: tuple[Hashable, ...], data: bytes) -> None:
        """Keep bytes, unless they are larger than half the bound and would evict the rest.

        Raises:
            TypeError: The data is not exactly `bytes`; a `bytearray` or a view can change.
        """
        self.put_each([(key, data)])

    def put_each(self, items: Iterable[tuple[tuple[Hashable, ...], bytes]]) -> None:
        """Keep the bytes of several keys, as `put` does."""
        entries = []
        for key, data in items:
            if type(data) is not bytes:
                raise TypeError(f"data must be bytes, not {type(data).__name__}")
            if self._entries.bound:
                entries.append((key, data, _size(key, data)))
        if entries:
            with self._lock:
                self._entries.put_each(entries)

    def get_each(self, keys: Iterable[tuple[Hashable, ...]]) -> list[bytes | None]:
        """Return the bytes of several keys, None for each that the cache does not have."""
        with self._lock:
            return self._entries.get_each(keys)

    def keys(self) -> list[tuple[Hashable, ...]]:
        """Return the keys in the cache."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._entries.clear()


def _size(key: tuple[Hashable, ...], data: bytes) -> int:
    return _ENTRY_BYTES + sum(map(sys.getsizeof, (key, *key, data)))
