"""Write objects in the background, a few at a time, and report the first failure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from statebag.process.forking import Workers

if TYPE_CHECKING:
    from statebag.process.forking import Task
    from statebag.store.contract import Store

__all__ = ["BackgroundWriter"]

_AT_ONCE = 2  # objects. Chosen: one is written while the next is made


class BackgroundWriter:
    """Put objects while the caller continues.

    Args:
        store: The store to write to.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool = Workers(_AT_ONCE, "statebag-write")
        self._waiting: deque[Task[None]] = deque()

    def put(self, name: str, data: bytes) -> None:
        """Begin to write; if two objects are being written, wait for the older one first.

        Raises:
            StoreUnavailable, NotPermitted: The store did not take an earlier object.
        """
        while len(self._waiting) >= _AT_ONCE:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._store.put, name, data))

    def settle(self) -> None:
        """Wait until everything is durable; raise the first error."""
        try:
            while self._waiting:
                self._waiting.popleft().result()
        finally:
            self._pool.close()
