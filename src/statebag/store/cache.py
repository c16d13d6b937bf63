"""Keep verified blobs in memory, within a bound of bytes."""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import TYPE_CHECKING

from statebag.process.forking import fork_safe_lock

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

__all__ = ["BlobCache"]

# What an entry takes besides its key and data: the dictionary's slot with its links, the pair
# that holds data and size, and the size itself; some 230 bytes on 64-bit CPython, rounded up.
_ENTRY_BYTES = 256


class BlobCache:
    """The least recently used bytes leave first. Thread-safe.

    Blobs are immutable, so nothing expires. Only `bytes` are taken, so what is handed out
    cannot be changed by whoever gets it.

    Args:
        max_bytes: What keys and data together may take in memory; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[tuple[Hashable, ...], tuple[bytes, int]] = OrderedDict()
        self._bytes_held = 0
        self._lock = fork_safe_lock()

    @property
    def bytes_held(self) -> int:
        """What all entries take in memory, keys included."""
        return self._bytes_held

    def get(self, key: tuple[Hashable, ...]) -> bytes | None:
        """Return the bytes of a key, or None if the cache does not have them."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: tuple[Hashable, ...], data: bytes) -> None:
        """Keep bytes, unless they are larger than half the bound and would drive out the rest.

        Raises:
            TypeError: The data is not exactly `bytes`; a `bytearray` or a view can change.
        """
        if type(data) is not bytes:
            raise TypeError(f"data must be bytes, not {type(data).__name__}")
        size = _ENTRY_BYTES + sum(map(sys.getsizeof, (key, *key, data)))
        with self._lock:
            replaced = self._entries.pop(key, None)
            if replaced is not None:
                self._bytes_held -= replaced[1]
            if size > self._max_bytes // 2:
                return
            self._entries[key] = (data, size)
            self._bytes_held += size
            while self._bytes_held > self._max_bytes:
                _, (_, left) = self._entries.popitem(last=False)
                self._bytes_held -= left

    def put_each(self, items: Iterable[tuple[tuple[Hashable, ...], bytes]]) -> None:
        """Keep the bytes of several keys, as `put` does."""
        for key, data in items:
            self.put(key, data)

    def get_each(self, keys: Iterable[tuple[Hashable, ...]]) -> list[bytes | None]:
        """Return the bytes of several keys, None for each that the cache does not have."""
        return [self.get(key) for key in keys]

    def keys(self) -> list[tuple[Hashable, ...]]:
        """Return the keys in the cache."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._entries.clear()
            self._bytes_held = 0
