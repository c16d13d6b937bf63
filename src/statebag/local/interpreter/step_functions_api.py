"""Answer the API of Step Functions inside a run, for Tasks that call it and for handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.asl.arns import ACCOUNT
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.format.json_depth import loads
from statebag.local.interpreter.child_executions import NoMachineError, NotStartedError
from statebag.local.tokens import TokenRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.local.interpreter.local_world import LocalWorld

__all__ = ["ApiError", "StepFunctionsApi"]


class ApiError(Exception):
    """An error with which the service answers.

    Attributes:
        code: Its code.
        message: Its message.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class StepFunctionsApi:
    """Answers the actions of Step Functions that a workflow of the run can use.

    Args:
        world: The run's world.
    """

    def __init__(self, world: LocalWorld) -> None:
        self._world = world
        self._actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "sendtasksuccess": self._succeed,
            "sendtaskfailure": self._fail,
            "sendtaskheartbeat": self._beat,
            "startexecution": self._start,
            "describeexecution": self._describe,
            "liststatemachines": self._list,
        }

    def knows(self, action: str) -> bool:
        """Return whether it answers an action."""
        return action.lower() in self._actions

    def call(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        """Answer an action.

        Args:
            action: Its name.
            given: Its parameters; the case of their names does not matter.

        Returns:
            The answer, with names as the API has them.

        Raises:
            ApiError: The service would answer with an error.
        """
        return self._actions[action.lower()]({name.lower(): one for name, one in given.items()})

    def _succeed(self, given: dict[str, Any]) -> dict[str, Any]:
        output = given.get("output")
        text = output if isinstance(output, str) else None
        if text is None or len(text.encode("utf-8", "surrogatepass")) > PAYLOAD_LIMIT:
            raise ApiError(
                "ValidationException",
                "1 validation error detected: Value at 'output' failed to satisfy constraint: "
                f"Member must be a text of at most {PAYLOAD_LIMIT} bytes",
            )
        token = str(given.get("tasktoken"))
        if not self._world.tokens.knows(token):
            raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'")
        try:
            loads(text)
        except ValueError:
            raise ApiError("InvalidOutput", "Invalid Output: the output is not JSON") from None
        return _delivered(lambda: self._world.tokens.succeed(token, text))

    def _fail(self, given: dict[str, Any]) -> dict[str, Any]:
        token = str(given.get("tasktoken"))
        error, cause = given.get("error"), given.get("cause")
        return _delivered(lambda: self._world.tokens.fail(token, error, cause))

    def _beat(self, given: dict[str, Any]) -> dict[str, Any]:
        return _delivered(lambda: self._world.tokens.beat(str(given.get("tasktoken"))))

    def _start(self, given: dict[str, Any]) -> dict[str, Any]:
        try:
            execution = self._world.children.start(
                str(given.get("statemachinearn")), given.get("input"), given.get("name")
            )
        except NoMachineError as error:
            raise ApiError("StateMachineDoesNotExist", str(error)) from error
        except NotStartedError as error:
            raise ApiError("ExecutionAlreadyExists", str(error)) from error
        return {"executionArn": execution.arn, "startDate": execution.started}

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        arn = str(given.get("executionarn"))
        execution = self._world.children.by_arn.get(arn)
        if execution is None:
            raise ApiError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        described = {
            "executionArn": arn,
            "stateMachineArn": execution.machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": execution.started,
            "input": execution.input.text,
            "output": None if execution.output is None else execution.output.text,
            "error": execution.error,
            "cause": execution.cause,
        }
        return {name: one for name, one in described.items() if one is not None}

    def _list(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - as every action
        home = f"arn:aws:states:{self._world.region}:{ACCOUNT}:stateMachine"
        return {
            "stateMachines": [
                {
                    "stateMachineArn": f"{home}:{name}",
                    "name": name,
                    "type": "STANDARD",
                    "creationDate": self._world.scheduler.started,
                }
                for name in self._world.machines
            ]
        }


def _delivered(deliver: Callable[[], None]) -> dict[str, Any]:
    try:
        deliver()
    except TokenRefused as refused:
        if refused.timed_out:
            message = "Task Timed Out: 'Provided task does not exist anymore'"
            raise ApiError("TaskTimedOut", message) from refused
        raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'") from refused
    return {}
