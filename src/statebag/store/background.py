"""Writing objects in the background, a few at a time, and learning what became of them."""

from __future__ import annotations

from collections import deque
from contextvars import copy_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future

    from statebag.store.contract import Store

__all__ = ["BackgroundWriter"]

_AT_ONCE = 2


class BackgroundWriter:
    """Puts objects while the caller goes on.

    Args:
        store: Where to.
    """

    def __init__(self, store: Store) -> None:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # few handlers write so

        self._store = store
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="statebag-write")
        self._waiting: deque[Future[None]] = deque()

    def put(self, name: str, data: bytes) -> None:
        """Begin to write; waits first where as many are under way as memory is meant for.

        Raises:
            StoreUnavailable, NotPermitted: An earlier object could not be written.
        """
        while len(self._waiting) >= _AT_ONCE:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(copy_context().run, self._store.put, name, data))

    def settle(self) -> None:
        """Return when everything is durable, or raise what went wrong first."""
        try:
            while self._waiting:
                self._waiting.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)
