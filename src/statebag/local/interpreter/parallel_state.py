"""Run a Parallel: branches that run concurrently, and fail together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.local.interpreter.error_handlers import ErrorHandlers
from statebag.local.interpreter.json_value import JsonValue
from statebag.local.interpreter.scheduler import StrandGroup
from statebag.local.interpreter.single_execution import lane_steps
from statebag.local.interpreter.state_failure import RUNTIME, StateFailure
from statebag.local.interpreter.state_program import StateProgram
from statebag.local.interpreter.state_visit import Lane

if TYPE_CHECKING:
    from collections.abc import Generator

    from statebag.asl.model import State
    from statebag.local.interpreter.machine_program import MachineProgram
    from statebag.local.interpreter.scheduler import Strand
    from statebag.local.interpreter.state_program import Left
    from statebag.local.interpreter.state_visit import StateVisit

__all__ = ["ParallelProgram", "left_inside", "note_failure"]


class ParallelProgram(StateProgram):
    """A Parallel state.

    Args:
        state: The state of the definition.
        branches: The machines of its branches.
    """

    blocks = True

    def __init__(self, state: State, branches: list[MachineProgram]) -> None:
        super().__init__(state)
        self.machines = branches
        self._handlers = ErrorHandlers(state)

    def steps(self, visit: StateVisit) -> Generator[None, Any, Left]:
        """Run the branches, and return the output, the variables and the next state's name."""
        return (yield from self._handlers.guarded(visit, self._attempt, self._finish, note_failure))

    def _finish(self, visit: StateVisit, results: list[Any]) -> Left:
        output, assigned = self.flow.left_with(visit, results)
        return output, assigned, self.next

    def _attempt(self, visit: StateVisit) -> Generator[None, Any, list[Any]]:
        value = self.flow.arguments(visit)
        given = visit.input if value is visit.input.value else JsonValue(value)
        lane = visit.lane
        started = lane.event("ParallelStateStarted")
        group = StrandGroup(lane.execution.scheduler)
        results: list[Any] = [None] * len(self.machines)
        try:
            for number, branch in enumerate(self.machines):
                place = f"{visit.path}[{number}]"
                inner = Lane(lane.execution, started, lane.variables, lane.item, place)
                group.start(lane_steps(inner, branch, given), (number, inner))
            for _ in self.machines:
                (number, inner), strand = yield from group.next_ended()
                lane.last = inner.last
                if strand.failure is not None:
                    raise left_inside(strand)
                results[number] = strand.value.value
        finally:
            group.cancel()
        # The event after the state follows the last event inside, not this one.
        lane.execution.log.add("ParallelStateSucceeded", lane.last)
        return results


def left_inside(strand: Strand) -> Exception:
    """Return the failure with which a branch or an iteration ends the state around it."""
    failure = strand.failure
    assert failure is not None
    if not isinstance(failure, StateFailure):
        return failure
    return StateFailure(
        failure.error,
        failure.cause,
        final=failure.final,
        heartbeat=failure.heartbeat,
        inner=True,
    )


def note_failure(visit: StateVisit, failure: StateFailure) -> None:
    """Write that a Parallel or a Map failed; if its own path finds nothing, there is no event."""
    if failure.inner or failure.error != RUNTIME:
        visit.lane.event(f"{visit.kind}StateFailed")
