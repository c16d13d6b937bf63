"""Find functions that get a stub and do not open it, but use it as if it were the value."""

from __future__ import annotations

import builtins
import json
import threading
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from statebag import errors
from statebag.local.reads import RefusedError
from statebag.local.stubs import first_stub, marks_of, read_of, unread_place
from statebag.telemetry.stub_aware import watched_for_reading
from statebag.telemetry.usage import Usage, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from statebag.local.interpreter.state_visit import StateVisit
    from statebag.local.lambda_invocation import Answer

__all__ = ["NOT_OPENED", "UnopenedStubs"]

NOT_OPENED = "Statebag.NotOpened"
"""The error of a run in which a function got a stub and did not open it."""

_OWN_ERRORS = frozenset(errors.__all__)
_LARGEST = ("plain_bytes", "bag_bytes")  # of a Usage: these are peaks, the rest are sums


class UnopenedStubs:
    """Watches the functions of one run.

    Args:
        allowed: Patterns (`*`, `?`) of names of functions that may leave stubs unread.
        warn: Called with each problem that does not end the run.
    """

    def __init__(self, allowed: Collection[str], warn: Callable[[str], None]) -> None:
        self._allowed = allowed
        self._warn = warn
        self._read: set[str] = set()
        self._failed_unread: list[tuple[str, str, str]] = []
        self._lock = threading.Lock()

    def watched(
        self, name: str, event: Any, visit: StateVisit, call: Callable[[], Answer]
    ) -> Answer:
        """Call a function, and add what it costs to the state that calls it.

        Args:
            name: The function's name.
            event: Its event.
            visit: The visit of the state.
            call: Calls it.

        Raises:
            RefusedError: It got a stub and did not open it.
        """
        visit.attempts += 1
        stub = first_stub(event)
        marks = frozenset() if stub is None else marks_of(event)
        read: set[str] = set()

        def given(value: Any) -> bool:
            found = read_of(marks, value)
            read.update(found)
            return bool(found) or not marks

        with measured() as usage, watched_for_reading(given) as aware:
            answer = call()
        visit.usage = usage if visit.usage is None else _together(visit.usage, usage)
        if aware.reads:
            with self._lock:
                self._read.add(name)
            self._failed_beside(name, unread_place(event, frozenset(read)), visit.name, answer)
        elif stub is not None:
            self._left_unread(name, stub, visit.name, answer)
        return answer

    def check(self) -> None:
        """Refuse a run that succeeded despite errors of a function that never read its stubs.

        A function may have failed because it found a stub instead of a value, or for another
        reason. A function that failed before it read, as in some tests, but read in a later attempt
        is correct. An error that ends the run is visible anyway.

        Raises:
            RefusedError: There was one.
        """
        for name, stub, state in self._never_read():
            self._not_opened(name, stub, state)

    def warn_of_failed(self) -> None:
        """After a failed run, warn of functions that failed and had not opened a stub.

        An error that ends the run is visible, but not that a stub may have caused it.
        """
        for name, stub, state in self._never_read():
            self._warn_of(name, stub, state)

    def _never_read(self) -> list[tuple[str, str, str]]:
        with self._lock:
            return [one for one in self._failed_unread if one[0] not in self._read]

    def _failed_beside(self, name: str, stub: str | None, state: str, answer: Answer) -> None:
        """Warn that a function opened one stub, but failed like code that meets another one."""
        if stub is None or not answer.failed:
            return
        kind = json.loads(answer.text)["errorType"]
        if kind not in _OWN_ERRORS and _is_built_in(kind):
            self._warn_of(name, stub, state)

    def _warn_of(self, name: str, stub: str, state: str) -> None:
        self._warn(
            f"The state {state!r} gives a stub to the function {name} at {stub} of its event. "
            f"{name} did not open it, and failed. If it works with the value there, put "
            "@statebag.step around its handler, or open the value with Statebag().open."
        )

    def _left_unread(self, name: str, stub: str, state: str, answer: Answer) -> None:
        kind = json.loads(answer.text)["errorType"] if answer.failed else None
        if kind in _OWN_ERRORS:
            return
        if kind is None or _is_built_in(kind):
            self._not_opened(name, stub, state)
            return
        with self._lock:
            self._failed_unread.append((name, stub, state))

    def _not_opened(self, name: str, stub: str, state: str) -> None:
        """Report that a function got a stub and did not read it through this library."""
        found = (
            f"The state {state!r} gives a stub to the function {name} at {stub} of its event, and "
            f"{name} did not open it: it worked on the stub instead of the value."
        )
        if any(fnmatchcase(name, pattern) for pattern in self._allowed):
            self._warn(found)
            return
        remedy = (
            " Put @statebag.step around its handler, open the value in it with Statebag().open, "
            "or pass it control paths only. If it passes the bag on and reads nothing in it, "
            f"decorate it with @statebag.step(only=[]), or allow it: --allow-unopened {name}."
        )
        raise RefusedError(NOT_OPENED, found + remedy)


def _is_built_in(error: str) -> bool:
    """Return whether an error is a built-in one that code raises if it finds a stub."""
    kind = getattr(builtins, error, None)
    return isinstance(kind, type) and issubclass(kind, Exception)


def _together(one: Usage, other: Usage) -> Usage:
    left, right = one.as_dict(), other.as_dict()
    return Usage(
        **{
            name: max(left[name], right[name]) if name in _LARGEST else left[name] + right[name]
            for name in left
        }
    )
