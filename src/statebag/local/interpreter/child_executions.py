"""Run the executions that a workflow starts: `startExecution`, `.sync` and `.sync:2`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.format.json_depth import loads
from statebag.local.interpreter.json_value import JsonValue
from statebag.local.interpreter.state_failure import StateFailure

if TYPE_CHECKING:
    from collections.abc import Generator

    from statebag.local.interpreter.local_world import LocalWorld
    from statebag.local.interpreter.scheduler import Strand
    from statebag.local.interpreter.single_execution import SingleExecution
    from statebag.local.interpreter.task_state import TaskCall

__all__ = ["ChildExecutions", "NoMachineError", "NotStartedError"]


class NoMachineError(LookupError):
    """There is no machine of that name; the message is that of AWS."""


class NotStartedError(ValueError):
    """An execution of that name exists already, or its input is not JSON."""


class ChildExecutions:
    """The executions that were started in one run, other than the first one.

    Args:
        world: The world that they share.

    Attributes:
        failure: An error of one of them that is not its own failure: it ends the run.
    """

    def __init__(self, world: LocalWorld) -> None:
        self._world = world
        self.by_arn: dict[str, SingleExecution] = {}
        self._strands: dict[str, Strand] = {}
        self._waiters: dict[str, Strand] = {}
        self.failure: Exception | None = None

    def start(self, machine_arn: str, given: Any, name: str | None) -> SingleExecution:
        """Start an execution, which runs concurrently with the others.

        Args:
            machine_arn: The ARN of a machine, also with a version or an alias.
            given: The input, or its JSON text.
            name: The execution's name; a random one if None.

        Raises:
            NoMachineError: There is no such machine.
            NotStartedError: The name was used before, or the input is not JSON.
        """
        _, _, tail = machine_arn.partition(":stateMachine:")
        machine = tail.partition(":")[0]
        if machine not in self._world.machines:
            raise NoMachineError(f"State Machine Does Not Exist: '{machine_arn}'")
        if isinstance(given, str):
            try:
                value = JsonValue(loads(given))
            except ValueError:
                raise NotStartedError("Invalid State Machine Execution Input") from None
        else:
            value = JsonValue({} if given is None else given)
        program = self._world.machines[machine]
        execution = self._world.execution(
            program, value, machine=machine, name=name or str(uuid4())
        )
        if execution.arn in self.by_arn:
            raise NotStartedError(f"Execution Already Exists: '{execution.arn}'")
        self.by_arn[execution.arn] = execution
        scheduler = self._world.scheduler
        self._strands[execution.arn] = scheduler.start(execution.steps(), self._ended)
        return execution

    def answer(self, call: TaskCall) -> Generator[None, Any, Any]:
        """Return or raise the outcome of a `states:startExecution`."""
        given = call.given.value if isinstance(call.given.value, dict) else {}
        name = "StepFunctions"
        try:
            execution = self.start(
                str(given.get("StateMachineArn")), given.get("Input"), given.get("Name")
            )
        except NoMachineError as error:
            raise StateFailure(f"{name}.StateMachineDoesNotExistException", _told(error)) from error
        except NotStartedError as error:
            raise StateFailure(f"{name}.ExecutionAlreadyExistsException", _told(error)) from error
        begun = {
            "ExecutionArn": execution.arn,
            "StartDate": int(execution.started.timestamp() * 1000),
        }
        if not call.resource.pattern.startswith("sync"):
            return begun
        call.events.submitted(JsonValue(begun))
        yield from self._awaited(call, execution)
        described = self.described(execution, parsed=call.resource.pattern == "sync:2")
        if execution.status != "SUCCEEDED":
            raise StateFailure("States.TaskFailed", JsonValue(described).text)
        return described

    def described(self, execution: SingleExecution, *, parsed: bool) -> dict[str, Any]:
        """Return the result of `.sync`, with Input and Output as values or as JSON texts."""
        output = execution.output
        described = {
            "Cause": execution.cause,
            "Error": execution.error,
            "ExecutionArn": execution.arn,
            "Input": execution.input.value if parsed else execution.input.text,
            "InputDetails": {"Included": True},
            "Name": execution.name,
            "RedriveCount": 0,
            "StartDate": int(execution.started.timestamp() * 1000),
            "StateMachineArn": execution.machine_arn,
            "Status": execution.status,
            "StopDate": int(self._world.scheduler.now().timestamp() * 1000),
        }
        if output is not None:
            described["Output"] = output.value if parsed else output.text
            described["OutputDetails"] = {"Included": True}
        return {name: described[name] for name in sorted(described) if described[name] is not None}

    def abort(self) -> None:
        """End all executions that still run."""
        for arn, execution in self.by_arn.items():
            execution.abort()
            self._strands[arn].cancel()

    @property
    def running(self) -> bool:
        """Return whether any execution still runs."""
        return any(strand.live for strand in self._strands.values())

    def _awaited(self, call: TaskCall, execution: SingleExecution) -> Generator[None, Any, None]:
        """Wait until a child has ended; it is aborted if the task is given up."""
        scheduler = self._world.scheduler
        strand = self._strands[execution.arn]
        self._waiters[execution.arn] = scheduler.current
        late: list[bool] = []

        def over() -> None:
            late.append(True)
            scheduler.wake(self._waiters[execution.arn])

        timer = None if call.timeout is None else scheduler.after(call.timeout, over)
        try:
            while strand.live and not late:
                yield
        finally:
            del self._waiters[execution.arn]
            if timer is not None:
                timer.cancel()
            if strand.live:
                execution.abort()
                strand.cancel()
        if late:
            raise call.timed_out()

    def _ended(self, strand: Strand) -> None:
        self.failure = self.failure or strand.failure
        for arn, one in self._strands.items():
            if one is strand and arn in self._waiters:
                self._world.scheduler.wake(self._waiters[arn])


def _told(error: Exception) -> str:
    return (
        f"{error} (Service: AWSStepFunctions; Status Code: 400; Error Code: "
        f"StateMachineDoesNotExist; Request ID: {uuid4()}; Proxy: null)"
        if isinstance(error, NoMachineError)
        else str(error)
    )
