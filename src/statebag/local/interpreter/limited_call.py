"""Call a function that may take too long, in a thread that is left behind if it does."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LimitedCaller", "TooLongError"]

# Seconds. Chosen: much longer than a turn of a thread, and much shorter than any limit.
_SLICE = 0.05


class TooLongError(Exception):
    """The function did not return in time; its thread goes on until it does."""


class LimitedCaller:
    """Calls functions one after another.

    A call without a limit runs in the caller's thread, where a debugger finds it. Other calls share
    one thread, until a function does not return in time.

    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Any] | None = None
        self._thread: threading.Thread | None = None
        self._left_behind: list[threading.Thread] = []

    def call(
        self, function: Callable[[], Any], seconds: float | None, left: float | None = None
    ) -> Any:
        """Return what a function returns.

        Args:
            function: The function.
            seconds: How long it may take; None for no limit. Only time in which this process ran
                counts: a busy machine does not make a function time out.
            left: Real seconds left, however they are used; None for no limit.

        Raises:
            TooLongError: It took longer.
            BaseException: What the function raised.
        """
        if seconds is None and left is None:
            return function()
        answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        if self._calls is None:
            self._calls = queue.SimpleQueue()
            self._thread = threading.Thread(
                target=_serve, args=(self._calls,), name="statebag-function", daemon=True
            )
            self._thread.start()
        self._calls.put((contextvars.copy_context(), function, answers))
        try:
            succeeded, value = _awaited(answers, seconds, left)
        except queue.Empty:
            self._leave_behind()
            raise TooLongError from None
        except BaseException:
            self._leave_behind()  # an interrupt at the keyboard
            raise
        if succeeded:
            return value
        raise value

    def close(self) -> None:
        """Let the thread end when the function in it has returned."""
        calls, self._calls = self._calls, None
        if calls is not None:
            calls.put(None)

    def are_done(self, seconds: float) -> bool:
        """Wait for functions that were left behind, up to a limit; return whether all ended."""
        until = time.monotonic() + seconds
        for thread in self._left_behind:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._left_behind)

    def _leave_behind(self) -> None:
        assert self._thread is not None
        self._left_behind.append(self._thread)
        self.close()


def _awaited(
    answers: queue.SimpleQueue[tuple[bool, Any]], seconds: float | None, left: float | None
) -> tuple[bool, Any]:
    """Wait for an answer in slices, each of which counts at most its intended length."""
    until = None if left is None else time.monotonic() + left
    while True:
        limits = [_SLICE]
        if seconds is not None:
            limits.append(seconds)
        if until is not None:
            limits.append(until - time.monotonic())
        slice_ = max(min(limits), 0.0)
        try:
            return answers.get(timeout=slice_)
        except queue.Empty:
            if slice_ < _SLICE:
                raise
        if seconds is not None:
            seconds -= slice_


def _serve(calls: queue.SimpleQueue[Any]) -> None:
    while (call := calls.get()) is not None:
        context, function, answers = call
        try:
            answers.put((True, context.run(function)))
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting thread
            answers.put((False, error))
