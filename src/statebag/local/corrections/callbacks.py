# ruff: noqa: SLF001 - corrects the inside of the interpreter
"""Task tokens: one for each attempt, answered once, in any region, and from other processes.

AWS gives every attempt of a task its own token, takes the first answer alone (later ones are
`TaskTimedOut`), takes heartbeats of tasks that ask for none, rejects an output over 262,144
bytes or that is no JSON, and has no default timeout for a task that has a heartbeat.

The interpreter keeps one token for all attempts, so that a failure that was answered fails the
retry too; takes any number of answers; refuses a heartbeat that comes while the task is being
started, and forgets an answer that does; takes any output; drops the cause of a failure; gives a
task with a heartbeat 60 seconds; and looks for a token in the client's region alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.exceptions import AWSError
from moto.core.responses import EmptyResult
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (  # noqa: E501 - a name of the interpreter
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (  # noqa: E501 - a name of the interpreter
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.format.json_depth import loads
from statebag.local.corrections.patch import Patch
from statebag.local.tokens import TokenRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.local.moto_run import Run

__all__ = ["patches"]


class _RefusedError(AWSError):
    STATUS = 400

    def __init__(self, kind: str, message: str) -> None:
        self.TYPE = kind
        super().__init__(message)


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""
    service_execution = StateTaskService._eval_execution
    wait_for_token = StateTaskServiceCallback._eval_wait_for_task_token
    setup_heartbeat = CallbackEndpoint.setup_heartbeat_endpoint
    from_props = ExecutionState.from_state_props

    def callback_eval_body(self: Any, env: Any) -> None:
        if self._is_integration_pattern():
            self._assert_integration_pattern_is_supported()
        CommonStateField._eval_body(self, env)

    def service_eval_execution(self: Any, env: Any) -> None:
        if not isinstance(self, StateTaskServiceCallback) or self.resource.condition is None:
            service_execution(self, env)
            return
        context = env.states.context_object
        token = context.update_task_token()
        endpoint = env.callback_pool_manager.add(token)
        if self.resource.condition == ResourceCondition.WaitForTaskToken:
            _offer(run, self, env, token, endpoint)
        try:
            service_execution(self, env)
        finally:
            run.tokens.discard(token)
            context.context_object_data.pop("Task", None)

    def _eval_wait_for_task_token(self: Any, env: Any, *args: Any, **kwargs: Any) -> Any:
        if self.resource.condition == ResourceCondition.WaitForTaskToken:
            run.waiting_for_token(
                env.states.context_object.context_object_data["Task"]["Token"], self.name
            )
        return wait_for_token(self, env, *args, **kwargs)

    def setup_heartbeat_endpoint(self: Any, heartbeat_seconds: int) -> Any:
        endpoint: Any = setup_heartbeat(self, heartbeat_seconds)
        if self.get_outcome() is not None:
            endpoint.notify()
        return endpoint

    def from_state_props(self: Any, state_props: Any) -> None:
        from_props(self, state_props)
        if isinstance(self.timeout, TimeoutSeconds) and self.timeout.is_default:
            self.timeout = TimeoutSeconds(TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS)

    def send_task_success(self: Any, task_token: str, outcome: str) -> None:  # noqa: ARG001 - a method
        size = len(outcome.encode("utf-8", "surrogatepass"))
        if size > PAYLOAD_LIMIT:
            raise _RefusedError(
                "ValidationException",
                f"1 validation error detected: Value at 'output' has {size} bytes and failed to "
                "satisfy constraint: Member must have length less than or equal to "
                f"{PAYLOAD_LIMIT}",
            )
        try:
            loads(outcome)
        except ValueError as error:
            raise _RefusedError("InvalidOutput", "Invalid Output: the output is no JSON") from error
        _or_refuse(lambda: run.tokens.succeed(task_token, outcome))

    def send_task_failure(self: StepFunctionResponse) -> EmptyResult:
        token = self._get_param("taskToken")
        error, cause = self._get_param("error"), self._get_param("cause")
        _or_refuse(lambda: run.tokens.fail(token, error, cause))
        return EmptyResult()

    def send_task_heartbeat(self: Any, task_token: str) -> None:  # noqa: ARG001 - a method
        _or_refuse(lambda: run.tokens.beat(task_token))

    return [
        Patch(StateTaskServiceCallback, "_eval_body", callback_eval_body),
        Patch(StateTaskService, "_eval_execution", service_eval_execution),
        Patch(StateTaskServiceCallback, "_eval_wait_for_task_token", _eval_wait_for_task_token),
        Patch(CallbackEndpoint, "setup_heartbeat_endpoint", setup_heartbeat_endpoint),
        Patch(ExecutionState, "from_state_props", from_state_props),
        Patch(StepFunctionsParserBackend, "send_task_success", send_task_success),
        Patch(StepFunctionResponse, "send_task_failure", send_task_failure),
        Patch(StepFunctionsParserBackend, "send_task_heartbeat", send_task_heartbeat),
    ]


def _offer(run: Run, state: Any, env: Any, token: str, endpoint: Any) -> None:
    """Let a token be answered until its task ends."""

    def fail(error: str | None, cause: str | None) -> None:
        endpoint.notify(CallbackOutcomeFailure(token, error=error, cause=cause))

    run.tokens.add(
        token,
        state=state.name,
        execution=env.states.context_object.context_object_data["Execution"]["Id"],
        succeed=lambda output: endpoint.notify(CallbackOutcomeSuccess(token, output=output)),
        fail=fail,
        beat=endpoint.notify_heartbeat,
        is_open=env.is_running,
    )


def _or_refuse(deliver: Callable[[], None]) -> None:
    try:
        deliver()
    except TokenRefused as refused:
        if refused.timed_out:
            raise _RefusedError(
                "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'"
            ) from refused
        raise _RefusedError("InvalidToken", "Invalid Token: 'Invalid token'") from refused
