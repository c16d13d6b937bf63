"""Waits: their length, and how a run may shorten them.

AWS waits as long as it says. The interpreter counts whole seconds, so that a fraction of a
second never ends; reads a timestamp as local time and drops its offset; and looks twice a
second whether a nested execution has ended. Here the seconds of Wait states and of Retry
intervals are multiplied by the run's `wait_scale`, and a nested execution is noticed at once.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)

from statebag.local.corrections.patch import Patch

if TYPE_CHECKING:
    from statebag.local.moto_run import Run

__all__ = ["patches"]

_SYNC_SECONDS = 0.02


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""

    def _wait_interval(self: Any, env: Any, wait_seconds: float) -> None:  # noqa: ARG001 - a method
        end = time.monotonic() + wait_seconds * run.wait_scale
        while env.is_running():
            left = end - time.monotonic()
            if left <= 0:
                return
            env.program_state_event.wait(left)

    def _get_wait_seconds(self: Any, env: Any) -> float:
        self.string.eval(env=env)
        text = env.stack.pop()
        try:
            left = datetime.fromisoformat(text) - datetime.now(UTC)  # needs an offset
        except (TypeError, ValueError) as error:
            raise FailureEventException(self._create_failure_event(env, text)) from error
        return max(0.0, left.total_seconds())

    def sleep(seconds: float) -> None:
        time.sleep(seconds * run.wait_scale)

    return [
        Patch(WaitFunction, "_wait_interval", _wait_interval),
        Patch(Timestamp, "_get_wait_seconds", _get_wait_seconds),
        Patch(retrier_decl, "time", SimpleNamespace(sleep=sleep)),
        Patch(state_task_service_callback, "_DELAY_SECONDS_SYNC_CONDITION_CHECK", _SYNC_SECONDS),
    ]
