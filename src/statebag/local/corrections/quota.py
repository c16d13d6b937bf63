# ruff: noqa: SLF001 - corrects the inside of the interpreter
r"""The payload quota: 262,144 bytes of compact UTF-8 JSON pass, one more fails.

AWS reports `States.DataLimitExceeded` when the output of a connector or of a state, or the
input of a state after its Parameters, is over the quota (Developer Guide, "Handling errors").
The interpreter compares with `<`, counts separators' spaces and `\uXXXX` escapes, takes a
string without its quotes, counts the envelope of a Lambda task that has none, does not look at
inputs at all, and checks a state's final output where no Catch can name the error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser import quotas
from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    JSONPATH_ROOT_PATH,
    StringJsonPath,
)
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import (
    StateTaskLambda,
)
from moto.stepfunctions.parser.asl.utils import json_path

from statebag.asl.payload import payload_size
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.local.corrections.failures import DATA_LIMIT, failed_with
from statebag.local.corrections.patch import Patch, wherever

if TYPE_CHECKING:
    from statebag.local.moto_run import Run

__all__ = ["BareInvocation", "patches"]


class BareInvocation(dict[str, Any]):
    """The result of a task whose Resource is a function: only its payload counts."""


def patches(_: Run) -> list[Patch]:
    """The patches of this correction."""
    evaluate = ExecutionState._evaluate_with_timeout
    task_parameters = StateTask._eval_parameters
    lambda_parameters = StateTaskLambda._eval_parameters

    def is_within_size_quota(value: Any) -> bool:
        counted = value["Payload"] if isinstance(value, BareInvocation) else value
        return payload_size(counted) <= PAYLOAD_LIMIT

    def _evaluate_with_timeout(self: Any, env: Any) -> None:
        evaluate(self, env)
        path = getattr(self.output_path, "string_sampler", None)
        if not env.stack or type(path) is not StringJsonPath:
            return  # JSONata, or a path into the context: checked when the state is left
        output = env.stack[-1]
        if path.json_path != JSONPATH_ROOT_PATH:
            try:
                output = json_path.extract_json(path.json_path, output)
            except json_path.NoSuchJsonPathError:
                return  # the state fails for it, in its own words
        self._verify_size_quota(env=env, value=output)

    def checked(original: Any) -> Any:
        def _eval_parameters(self: Any, env: Any) -> Any:
            parameters = original(self, env)
            counted = parameters
            if original is lambda_parameters:
                counted = parameters["Payload"]
            size = payload_size(counted)
            if size > PAYLOAD_LIMIT:
                raise failed_with(
                    env,
                    DATA_LIMIT,
                    f"The input of the task '{self.name}' has {size} bytes after its parameters "
                    f"were applied, more than the maximum of {PAYLOAD_LIMIT}.",
                )
            return parameters

        return _eval_parameters

    return [
        *wherever(quotas.is_within_size_quota, is_within_size_quota),
        Patch(ExecutionState, "_evaluate_with_timeout", _evaluate_with_timeout),
        Patch(StateTask, "_eval_parameters", checked(task_parameters)),
        Patch(StateTaskLambda, "_eval_parameters", checked(lambda_parameters)),
    ]
