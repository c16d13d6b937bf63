"""Run tasks that wait for an answer to their token: `.waitForTaskToken`, and activities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.format.json_depth import loads
from statebag.local.interpreter.state_failure import TIMEOUT, StateFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from statebag.local.interpreter.scheduler import Scheduler, Timer
    from statebag.local.interpreter.task_state import TaskCall
    from statebag.local.tokens import TokenDesk

    Outcome = Callable[[], Any]

__all__ = ["AnsweredTask"]


class AnsweredTask:
    """A task that ends when its token is answered.

    It can be answered as soon as it is made, even while the function that takes its token still
    runs. Answers may come from any thread; they are processed in the thread of the run.

    Args:
        call: The attempt.
        token: Its token.
        desk: Takes the answers to tokens.
    """

    def __init__(self, call: TaskCall, token: str, desk: TokenDesk) -> None:
        self._call = call
        self._desk = desk
        self.token = token
        self._scheduler: Scheduler = call.visit.lane.execution.scheduler
        self._strand = self._scheduler.current
        self._waits = False
        self._outcome: Outcome | None = None
        self._timers: dict[str, Timer] = {}
        post = self._scheduler.post
        desk.add(
            token,
            state=call.visit.name,
            execution=call.visit.lane.execution.arn,
            succeed=lambda text: post(lambda: self._end(lambda: loads(text))),
            fail=lambda error, cause: post(lambda: self._end(lambda: _raised(error, cause))),
            beat=lambda: post(self._beat),
            is_open=lambda: self._outcome is None,
        )
        self._limit("timeout", call.timeout)
        self._limit("heartbeat", call.heartbeat)

    def wait(self) -> Generator[None, Any, Any]:
        """Wait for the answer, and return the output.

        Raises:
            StateFailure: It failed, or took too long.
        """
        self._scheduler.expecting += 1
        try:
            while self._outcome is None:
                self._waits = True
                yield
        finally:
            self._scheduler.expecting -= 1
            self.close()
        return self._outcome()

    def close(self) -> None:
        """Take no further answers."""
        for timer in self._timers.values():
            timer.cancel()
        self._desk.discard(self.token)

    def _limit(self, name: str, seconds: float | None) -> None:
        if seconds is not None:
            self._timers[name] = self._scheduler.after(
                seconds, lambda: self._end(lambda: _late(heartbeat=name == "heartbeat"))
            )

    def _beat(self) -> None:
        if self._outcome is None and "heartbeat" in self._timers:
            self._timers["heartbeat"].cancel()
            self._limit("heartbeat", self._call.heartbeat)

    def _end(self, outcome: Outcome) -> None:
        if self._outcome is None:
            self._outcome = outcome
            if self._waits:
                self._scheduler.wake(self._strand)


def _raised(error: str | None, cause: str | None) -> Any:
    raise StateFailure(error, cause)


def _late(*, heartbeat: bool) -> Any:
    raise StateFailure(TIMEOUT, None, heartbeat=heartbeat)
