"""Whether code reads bags through this library: a handler that is given stubs has to.

`statebag run` asks it of each handler. Each call that reads stubs says so here: those of a client,
a decorated handler, the state data manager.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from statebag.process.forking import fork_safe_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Aware", "reads_stubs", "watched_for_reading"]


class Aware:
    """Whether a piece of code has read stubs.

    Attributes:
        reads: True once it has.
    """

    __slots__ = ("reads",)

    def __init__(self) -> None:
        self.reads = False


_watching: ContextVar[tuple[Aware, ...]] = ContextVar("statebag_aware", default=())
_all: list[Aware] = []
_lock = fork_safe_lock()


@contextmanager
def watched_for_reading() -> Iterator[Aware]:
    """Watch the code inside, and the threads that it starts."""
    aware = Aware()
    token = _watching.set((*_watching.get(), aware))
    with _lock:
        _all.append(aware)
    try:
        yield aware
    finally:
        _watching.reset(token)
        with _lock:
            _all.remove(aware)


def reads_stubs() -> None:
    """Stubs are read here and now."""
    if not _all:
        return
    watching = _watching.get()
    if not watching:
        # A thread that the code started itself has no context of its own. To whom it belongs is
        # not known then; a wrong accusation is worse than one that is missed.
        with _lock:
            watching = tuple(_all)
    for aware in watching:
        aware.reads = True
