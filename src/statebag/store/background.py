"""Writing objects in the background, a few at a time, and learning what became of them."""

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
    """Puts objects while the caller goes on.

    Args:
        store: Where to.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool = Workers(_AT_ONCE, "statebag-write")
        self._waiting: deque[Task[None]] = deque()

    def put(self, name: str, data: bytes) -> None:
        """Begin to write; waits first where as many are under way as memory is meant for.

        Raises:
            StoreUnavailable, NotPermitted: An earlier object could not be written.
        """
        while len(self._waiting) >= _AT_ONCE:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._store.put, name, data))

    def settle(self) -> None:
        """Return when everything is durable, or raise what went wrong first."""
        try:
            while self._waiting:
                self._waiting.popleft().result()
        finally:
            self._pool.close()
