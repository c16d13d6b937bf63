"""Calls a function that may take too long: in a thread that is left behind if it does."""

from __future__ import annotations

import contextvars
import queue
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LimitedCaller", "TooLongError"]


class TooLongError(Exception):
    """The function did not return in time; its thread goes on until it does."""


class LimitedCaller:
    """Calls functions one after another.

    A call without a limit runs in the caller's thread, where a debugger finds it. The others share
    one thread, until a function does not return in time.

    Attributes:
        left_behind: How many functions did not return in time.
    """

    def __init__(self) -> None:
        self.left_behind = 0
        self._calls: queue.SimpleQueue[Any] | None = None

    def call(self, function: Callable[[], Any], seconds: float | None) -> Any:
        """Return what a function returns.

        Args:
            function: What is called.
            seconds: How long it may take, in real time; None for no limit.

        Raises:
            TooLongError: It took longer.
            BaseException: What the function raised.
        """
        if seconds is None:
            return function()
        answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()
        if self._calls is None:
            self._calls = queue.SimpleQueue()
            threading.Thread(
                target=_serve, args=(self._calls,), name="statebag-function", daemon=True
            ).start()
        self._calls.put((contextvars.copy_context(), function, answers))
        try:
            succeeded, value = answers.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            self.left_behind += 1
            self.close()
            raise TooLongError from None
        except BaseException:
            self.close()  # an interrupt at the keyboard: the thread is of no more use
            raise
        if succeeded:
            return value
        raise value

    def close(self) -> None:
        """Let the thread end, when the function in it has returned."""
        calls, self._calls = self._calls, None
        if calls is not None:
            calls.put(None)


def _serve(calls: queue.SimpleQueue[Any]) -> None:
    while (call := calls.get()) is not None:
        context, function, answers = call
        try:
            answers.put((True, context.run(function)))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            answers.put((False, error))
