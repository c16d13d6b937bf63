# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""Which errors a Retry or a Catch takes, and the names that errors keep on their way.

AWS: `States.ALL` takes every error but `States.DataLimitExceeded` and `States.Runtime`;
`States.TaskFailed` takes every error but `States.Timeout`; `States.Runtime` always fails the
execution; a task without a heartbeat matches `States.HeartbeatTimeout` as well as
`States.Timeout` (Developer Guide, "Handling errors"). That the wildcard `States.TaskFailed`
leaves `States.DataLimitExceeded` alone is a reading of "terminal error".

The interpreter: `States.ALL` takes everything; an error named `States.…` that leaves a branch or
an iteration becomes a ValueError, hence `States.Runtime`; and a path that is not there, in a task
whose Resource is a function, is an error named `Exception`, where AWS says `States.Runtime`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import (
    StateTaskLambda,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import HeartbeatTimeoutError
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from statebag.asl.payload import payload_text
from statebag.local.corrections.failures import DATA_LIMIT, failed_with
from statebag.local.corrections.patch import Patch

if TYPE_CHECKING:
    from statebag.local.moto_run import Run

__all__ = ["is_taken", "patches"]


def is_taken(error: str | None, wanted: set[str], *, heartbeat: bool = False) -> bool:
    """Whether an `ErrorEquals` of the names `wanted` takes an error of this name."""
    if error == "States.Runtime":
        return False
    if error in wanted or (heartbeat and "States.HeartbeatTimeout" in wanted):
        return True
    if error == DATA_LIMIT:
        return False
    return "States.ALL" in wanted or ("States.TaskFailed" in wanted and error != "States.Timeout")


def patches(_: Run) -> list[Patch]:
    """The patches of this correction."""
    from_error = StateTask._from_error
    lambda_from_error = StateTaskLambda._from_error

    def _eval_body(self: Any, env: Any) -> None:
        error = env.stack.pop()
        wanted = {named.error_name for named in self.error_names}
        name = error.error_name if error is not None else None
        heartbeat = getattr(error, "statebag_heartbeat", False)
        env.stack.append(is_taken(name, wanted, heartbeat=heartbeat))

    def __init__(self: Any, error_name: str | None) -> None:  # noqa: N807 - takes the place of one
        ErrorName.__init__(self, error_name)

    def _from_error(self: Any, env: Any, ex: Exception) -> Any:
        event: Any = from_error(self, env, ex)
        if isinstance(ex, HeartbeatTimeoutError):
            event.error_name.statebag_heartbeat = True
        return event

    def _lambda_from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, NoSuchJsonPathError):
            cause = (
                f"The JSONPath '{ex.json_path}' specified for the field '{env.next_field_name}' "
                f"could not be found in the input '{payload_text(ex.data)}'"
            )
            return failed_with(env, "States.Runtime", cause).failure_event
        return lambda_from_error(self, env, ex)

    return [
        Patch(ErrorEqualsDecl, "_eval_body", _eval_body),
        Patch(CustomErrorName, "__init__", __init__),
        Patch(StateTask, "_from_error", _from_error),
        Patch(StateTaskLambda, "_from_error", _lambda_from_error),
    ]
