"""Opening many values one after another, a batch ahead of whoever takes them."""

from __future__ import annotations

from collections import deque
from contextvars import copy_context
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

__all__ = ["streamed"]

_BATCH = 128  # values that are opened side by side
_AHEAD = 2  # batches, the one that is being taken not counted


def streamed(open_batch: Callable[[list[Any]], list[Any]], values: Iterable[Any]) -> Iterator[Any]:
    """The opened values, in order; no more than some batches of them are in memory.

    Args:
        open_batch: Opens some values; called in another thread, in a copy of this context.
        values: What is opened.

    Raises:
        StatebagError: From `open_batch`, when its batch is reached.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # few handlers stream

    coming = iter(values)
    ahead: deque[Future[list[Any]]] = deque()
    pool = ThreadPoolExecutor(1, thread_name_prefix="statebag-stream")
    try:
        while True:
            while len(ahead) < _AHEAD and (batch := list(islice(coming, _BATCH))):
                ahead.append(pool.submit(copy_context().run, open_batch, batch))
            if not ahead:
                return
            yield from ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
