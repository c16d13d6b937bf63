"""Open many values in order, and read a batch or two ahead."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any

from statebag.format.arguments import check_iterable
from statebag.process.forking import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from statebag.process.forking import Task

__all__ = ["streamed"]

# Values opened together. Chosen: twice the requests that `fetch` sends at once
_BATCH = 128
# Batches that are read while one is used, at the same time: requests of one follow those
# of the other. Chosen: more only take memory
_AHEAD = 2


def streamed(open_batch: Callable[[list[Any]], list[Any]], values: Iterable[Any]) -> Iterator[Any]:
    """Yield the opened values in order, with a few batches of them in memory.

    Args:
        open_batch: Opens some values; called in other threads, in a copy of this context.
        values: The values to open.

    Raises:
        StatebagError: From `open_batch`, when its batch is reached.
        Exception: From `values`, after all that came before it.
    """
    coming = _Coming(iter(check_iterable("bags", values, "a list of bags")))
    ahead: deque[Task[list[Any]]] = deque()
    with Workers(_AHEAD, "statebag-stream") as pool:

        def read_ahead() -> None:
            while len(ahead) < _AHEAD and (batch := coming.batch()):
                ahead.append(pool.submit(open_batch, batch))

        read_ahead()
        while ahead:
            opened = ahead.popleft().result()
            read_ahead()  # before these are used: meanwhile, as many requests are sent as before
            yield from opened
    if coming.error is not None:
        raise coming.error


class _Coming:
    """The values that are still to come.

    Attributes:
        error: What their iterator raised; it is raised again once all before it were used.
    """

    def __init__(self, values: Iterator[Any]) -> None:
        self._values = values
        self.error: Exception | None = None

    def batch(self) -> list[Any]:
        """Return the next values; none after the last one, and none after an error."""
        found: list[Any] = []
        try:
            if self.error is None:
                found.extend(islice(self._values, _BATCH))  # keeps what came before an error
        except Exception as error:  # noqa: BLE001  # raised by `streamed`
            self.error = error
        return found
