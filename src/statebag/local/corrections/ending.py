# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""Says when an execution has ended, and gives its context object the values that AWS gives.

The interpreter has to be polled for the end. Its `$$.Execution.StartTime` is no text, and
`$$.Execution.RedriveCount` is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from statebag.local.corrections.patch import Patch

if TYPE_CHECKING:
    from statebag.local.moto_run import Run

__all__ = ["patches"]


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""
    terminated = BaseExecutionWorkerCommunication.terminated
    environment = ExecutionWorker._get_evaluation_environment

    def _terminated(self: Any) -> None:
        try:
            terminated(self)
        except RuntimeWarning as error:  # the interpreter ended in the middle of a state
            self.execution.exec_status = ExecutionStatus.FAILED
            self.execution.error, self.execution.cause = "States.Runtime", str(error)
        finally:
            run.ended(self.execution.exec_arn).set()

    def _get_evaluation_environment(self: Any) -> Any:
        env = environment(self)
        data: Any = env.states.context_object.context_object_data["Execution"]
        data["StartTime"] = iso_8601_datetime_with_milliseconds(data["StartTime"])
        data["RedriveCount"] = 0
        return env

    return [
        Patch(BaseExecutionWorkerCommunication, "terminated", _terminated),
        Patch(ExecutionWorker, "_get_evaluation_environment", _get_evaluation_environment),
    ]
