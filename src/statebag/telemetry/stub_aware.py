"""Find out whether code reads bags through this library, as a handler that gets stubs must.

`statebag run` checks each handler. Every call that reads stubs reports its value here: calls of a
client, of a decorated handler, and of the state data manager.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from statebag.process.forking import fork_safe_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Aware", "reads_stubs", "watched_for_reading"]


class Aware:
    """The record of whether some code has read stubs.

    Args:
        counts: Whether a value that is read holds one of the stubs in question.

    Attributes:
        reads: True once it has.
    """

    __slots__ = ("_counts", "reads")

    def __init__(self, counts: Callable[[Any], bool]) -> None:
        self._counts = counts
        self.reads = False

    def saw(self, value: Any) -> None:
        """Note that a value is read."""
        self.reads = self._counts(value) or self.reads  # called each time: it may note the value


_watching: ContextVar[tuple[Aware, ...]] = ContextVar("statebag_aware", default=())
_all: list[Aware] = []
_lock = fork_safe_lock()


@contextmanager
def watched_for_reading(counts: Callable[[Any], bool]) -> Iterator[Aware]:
    """Watch the code inside, and the threads that it starts.

    Args:
        counts: Whether a value that is read holds one of the stubs in question.
    """
    aware = Aware(counts)
    token = _watching.set((*_watching.get(), aware))
    with _lock:
        _all.append(aware)
    try:
        yield aware
    finally:
        _watching.reset(token)
        with _lock:
            _all.remove(aware)


def reads_stubs(value: Any) -> None:
    """Note that the stubs in a value are being read."""
    if not _all:
        return
    watching = _watching.get()
    if not watching:
        # A thread that the code started itself has no context of its own. To whom it belongs is
        # not known then; a wrong accusation is worse than one that is missed.
        with _lock:
            watching = tuple(_all)
    for aware in watching:
        aware.saw(value)
