"""Run one execution, with its history and its context object, to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.local.interpreter.event_log import NOT_TRUNCATED, EventLog, HistoryFullError
from statebag.local.interpreter.state_failure import StateFailure
from statebag.local.interpreter.state_visit import TOO_DEEP, Lane, StateVisit, iso_time
from statebag.local.reads import RefusedError

if TYPE_CHECKING:
    from collections.abc import Generator

    from statebag.local.interpreter.json_value import JsonValue
    from statebag.local.interpreter.local_world import LocalWorld
    from statebag.local.interpreter.machine_program import MachineProgram

__all__ = ["SingleExecution", "failure_details", "lane_steps"]

_LOOKED_EVERY = 256  # visits of states between two looks at the real clock. Chosen: some 5 ms
_ABORTED = frozenset({"Task", "Wait", "Parallel", "Map"})  # states that have an event for it


class SingleExecution:
    """An execution of a machine.

    Args:
        world: The world that all executions of a run share.
        program: The machine.
        given: The input.
        arn: The execution's ARN.
        machine_arn: The machine's ARN.
        log: Its history.
        place: The path of its states, without their names.
        root: Whether it is the run's main execution.
        express: Whether its id is that of an Express execution.

    Attributes:
        id: Its id in the context object.
        status: `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`.
        output: The output; None unless it succeeded.
        error: The error's name; None if there is none.
        cause: The error's cause; None if there is none.
        started: The time of its start.
    """

    def __init__(
        self,
        world: LocalWorld,
        program: MachineProgram,
        given: JsonValue,
        *,
        arn: str,
        machine_arn: str,
        log: EventLog,
        place: str,
        root: bool = False,
        express: bool = False,
    ) -> None:
        self.world = world
        self.scheduler = world.scheduler
        self.program = program
        self.input = given
        self.arn = arn
        # As AWS writes it (Developer Guide, "Express workflows": `express:<machine>:<name>:<id>`).
        self.id = f"{arn.replace(':execution:', ':express:')}:{uuid4()}" if express else arn
        self.name = arn.rpartition(":")[2]
        self.machine_arn = machine_arn
        self.log = log
        self.place = place
        self._is_root = root
        self.status = "RUNNING"
        self.output: JsonValue | None = None
        self.error: str | None = None
        self.cause: str | None = None
        self._context: dict[str, Any] | None = None
        self.started = self.scheduler.now()

    def context(self) -> dict[str, Any]:
        """Return the part of the context object that is the same in all of its states."""
        if self._context is None:
            self._context = {
                "Execution": {
                    "Id": self.id,
                    "Input": self.input.value,
                    "StartTime": iso_time(self.started),
                    "Name": self.name,
                    "RoleArn": self.world.role,
                    "RedriveCount": 0,
                },
                "StateMachine": {
                    "Id": self.machine_arn,
                    "Name": self.machine_arn.rpartition(":")[2],
                },
            }
        return self._context

    def pause(self, seconds: float) -> Generator[None, Any, None]:
        """Let some seconds of the clock pass."""
        if seconds <= 0:
            return
        scheduler = self.scheduler
        strand = scheduler.current
        timer = scheduler.after(seconds, lambda: scheduler.wake(strand))
        try:
            yield
        finally:
            timer.cancel()

    def steps(self) -> Generator[None, Any, None]:
        """Run from the first event to the last."""
        details = {
            "input": self.input.text,
            "inputDetails": NOT_TRUNCATED,
            "roleArn": self.world.role,
        }
        self.log.add("ExecutionStarted", 0, "executionStartedEventDetails", details)
        lane = Lane(self, 0)  # the first state follows no event
        try:
            output = yield from self._within_time(lane)
            if self._is_root and self.status == "RUNNING":
                self.world.stubs.check()
        except RefusedError as refused:
            self.fail(refused.error, refused.cause, lane.last)
            raise
        except StateFailure as failure:
            self.fail(failure.error, failure.cause, lane.last)
        except HistoryFullError:
            cause = "The execution reached the maximum number of history events (25000)."
            self.fail("States.Runtime", cause, lane.last)
        else:
            if self.status == "RUNNING":
                self.status, self.output = "SUCCEEDED", output
                ended = {"output": output.text, "outputDetails": NOT_TRUNCATED}
                kind, name = "ExecutionSucceeded", "executionSucceededEventDetails"
                self.log.end(kind, lane.last, name, ended)

    def fail(self, error: str | None, cause: str | None, last: int) -> None:
        """End the execution with an error."""
        if self.status == "RUNNING":
            self.status, self.error, self.cause = "FAILED", error, cause
            details = failure_details(error, cause)
            self.log.end("ExecutionFailed", last, "executionFailedEventDetails", details)

    def abort(self) -> None:
        """End the execution from outside; the event for that follows no other event."""
        if self.status == "RUNNING":
            self.status = "ABORTED"
            self.log.end("ExecutionAborted", 0, "executionAbortedEventDetails", {})

    def time_out(self, last: int = 0) -> None:
        """End the execution because its time is up."""
        if self.status == "RUNNING":
            self.status, self.error = "TIMED_OUT", "States.Timeout"
            details = {"error": self.error}
            self.log.end("ExecutionTimedOut", last, "executionTimedOutEventDetails", details)

    def _within_time(self, lane: Lane) -> Generator[None, Any, Any]:
        """Run the machine, at most for its TimeoutSeconds."""
        seconds = self.program.timeout
        steps = lane_steps(lane, self.program, self.input)
        if seconds is None:
            return (yield from steps)
        scheduler = self.scheduler
        waiter = scheduler.current
        inner = scheduler.start(steps, lambda _: scheduler.wake(waiter))

        def over() -> None:
            self.time_out(lane.last)
            inner.cancel()
            scheduler.wake(waiter)

        timer = scheduler.after(seconds, over)
        try:
            yield
        finally:
            timer.cancel()
            inner.cancel()
        if inner.failure is not None:
            raise inner.failure
        return inner.value


def lane_steps(
    lane: Lane, program: MachineProgram, given: JsonValue
) -> Generator[None, Any, JsonValue]:
    """Run a machine, and return its output.

    Args:
        lane: The lane in which it runs.
        program: The machine.
        given: Its input.

    Raises:
        StateFailure: A state of it failed.
    """
    scheduler = lane.execution.scheduler
    states = lane.execution.world.states
    name: str | None = program.start
    visits = 0
    while name is not None:
        state = program.states[name]
        visit = StateVisit(lane, name, state.kind, given)
        states.entered(visit)
        try:
            if state.blocks:
                given, assigned, name = yield from state.steps(visit)
            else:
                given, assigned, name = state.run(visit)
            visit.exit(given, assigned)
        except StateFailure as failure:
            visit.note(failure)
            visit.error = failure.error
            states.left(visit)
            raise
        except RecursionError as error:
            raise visit.runtime(TOO_DEEP) from error
        except RefusedError as refused:
            visit.error = refused.error
            states.left(visit)
            raise
        except GeneratorExit:
            if lane.execution.log.ended:
                states.dropped(visit)
            else:
                _note_abort(lane, visit)
                states.left(visit)
            raise
        states.left(visit, given.size)
        if name is not None and scheduler.is_busy:
            scheduler.again()
            yield
        visits += 1
        if visits % _LOOKED_EVERY == 0:
            scheduler.look_at_deadline()  # a loop of Passes never waits
    return given


def _note_abort(lane: Lane, visit: StateVisit) -> None:
    """Write that a state was given up, because a sibling failed."""
    if visit.kind in _ABORTED:
        try:
            lane.event(f"{visit.kind}StateAborted")
        except HistoryFullError:
            return  # the execution fails with its next event


def failure_details(error: str | None, cause: str | None) -> dict[str, Any]:
    """Return the details of an event of failure, without those that are not known."""
    details = {"error": error, "cause": cause}
    return {name: one for name, one in details.items() if one is not None}
