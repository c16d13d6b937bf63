"""Set the environment variables of functions that share one process.

Each Lambda function has its own environment; a process has one. Calls of functions with the same
variables run in parallel. A call with other variables waits until these are done. Then only calls
with its variables run. Calls are admitted in order of arrival, so none waits for ever. A function
that calls another one in its own thread gives up its turn until it gets the answer.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["environment_filled", "environment_now", "environment_restored", "environment_set"]

_Variables = frozenset[tuple[str, str]]


class _Turns:
    """Admits groups of calls, with one group's variables at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._current: _Variables = frozenset()
        self._saved: dict[str, str | None] = {}
        self._inside = 0
        self._waiting: deque[object] = deque()
        self._held = threading.local()

    def enter(self, variables: _Variables) -> None:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            self._changed.wait_for(
                lambda: (
                    self._waiting[0] is ticket and (self._inside == 0 or self._current == variables)
                )
            )
            self._waiting.popleft()
            if self._inside == 0:
                self._set(variables)
            self._inside += 1
            # The next in line may belong to the same group.
            self._changed.notify_all()

    def leave(self) -> None:
        with self._changed:
            self._inside -= 1
            if self._inside == 0:
                self._unset()
            self._changed.notify_all()

    @contextmanager
    def turn(self, variables: _Variables) -> Iterator[None]:
        outer: _Variables | None = getattr(self._held, "variables", None)
        if outer is not None:
            self.leave()
        try:
            self.enter(variables)
            self._held.variables = variables
            try:
                yield
            finally:
                self.leave()
        finally:
            self._held.variables = outer
            if outer is not None:
                self.enter(outer)

    def _set(self, variables: _Variables) -> None:
        self._current = variables
        self._saved = {name: os.environ.get(name) for name, _ in variables}
        os.environ.update(dict(variables))

    def _unset(self) -> None:
        _put_back(self._saved)
        self._saved = {}


def _put_back(variables: Mapping[str, str | None]) -> None:
    """Restore the earlier values of variables; unset those that had none."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


_turns = _Turns()


@contextmanager
def environment_set(variables: Mapping[str, str]) -> Iterator[None]:
    """Set `variables` in `os.environ` for the code inside, and restore the earlier values after it.

    Block while code of a function with other variables runs in another thread.
    """
    with _turns.turn(frozenset(variables.items())):
        yield


@contextmanager
def environment_filled(variables: Mapping[str, str]) -> Iterator[None]:
    """Set `variables` in `os.environ` for the code inside, in all threads.

    Restore the earlier value of each at the end.
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        _put_back(before)


def environment_now(names: Iterable[str]) -> dict[str, str]:
    """Return those of the named variables that are set."""
    return {name: os.environ[name] for name in names if name in os.environ}


@contextmanager
def environment_restored() -> Iterator[None]:
    """Undo, at the end, all changes that the code inside made to `os.environ`."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
