"""Run a Map: one machine for each item, in this execution or in separate executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.asl.quotas import INLINE_CONCURRENCY
from statebag.local.interpreter.error_handlers import ErrorHandlers
from statebag.local.interpreter.json_value import JsonValue
from statebag.local.interpreter.map_settings import MapSettings
from statebag.local.interpreter.parallel_state import left_inside, note_failure
from statebag.local.interpreter.scheduler import StrandGroup
from statebag.local.interpreter.single_execution import lane_steps
from statebag.local.interpreter.state_failure import StateFailure
from statebag.local.interpreter.state_program import StateProgram
from statebag.local.interpreter.state_visit import Lane

if TYPE_CHECKING:
    from collections.abc import Generator

    from statebag.asl.model import State
    from statebag.local.interpreter.machine_program import MachineProgram
    from statebag.local.interpreter.state_program import Left
    from statebag.local.interpreter.state_visit import StateVisit

__all__ = ["MapProgram"]


class MapProgram(StateProgram):
    """A Map state whose iterations are part of this execution.

    Args:
        state: The state of the definition.
        processor: The machine that runs for each item.
    """

    blocks = True

    def __init__(self, state: State, processor: MachineProgram) -> None:
        super().__init__(state)
        self.machines = [processor]
        self._processor = processor
        self._handlers = ErrorHandlers(state)
        self._map = MapSettings(state)

    def steps(self, visit: StateVisit) -> Generator[None, Any, Left]:
        """Run the iterations, and return the output, the variables and the next state's name."""
        return (yield from self._handlers.guarded(visit, self._attempt, self._finish, note_failure))

    def _finish(self, visit: StateVisit, results: list[Any]) -> Left:
        output, assigned = self.flow.left_with(visit, results)
        return output, assigned, self.next

    def _attempt(self, visit: StateVisit) -> Generator[None, Any, list[Any]]:
        effective = self.flow.effective(visit)
        items = self._map.items(visit, effective)
        most = self._map.concurrency(visit, effective) or INLINE_CONCURRENCY
        lane = visit.lane
        started = lane.event(
            "MapStateStarted", "mapStateStartedEventDetails", {"length": len(items)}
        )
        group = StrandGroup(lane.execution.scheduler)
        results: list[Any] = [None] * len(items)

        def start(index: int, previous: int) -> None:
            visit.item = (index, items[index])
            given = JsonValue(self._map.selected(visit, effective, items[index]))
            visit.item = lane.item
            place = f"{visit.path}[{index}]"
            inner = Lane(lane.execution, previous, lane.variables, (index, items[index]), place)
            group.start(self._iteration(inner, given), inner)

        ahead = min(len(items), most, INLINE_CONCURRENCY)
        try:
            for index in range(ahead):
                start(index, started)
            for _ in items:
                inner, strand = yield from group.next_ended()
                index = inner.item[0]
                if strand.failure is not None:
                    lane.last = inner.last
                    raise left_inside(strand)
                lane.last, output = strand.value
                results[index] = output.value
                if ahead < len(items):
                    # An iteration follows the last event inside the one that made room for it.
                    start(ahead, inner.last)
                    ahead += 1
        finally:
            for inner in group.cancel():
                if not lane.execution.log.ended:
                    self._event("Aborted", inner)
        lane.execution.log.add("MapStateSucceeded", lane.last)
        return results

    def _iteration(
        self, inner: Lane, given: JsonValue
    ) -> Generator[None, Any, tuple[int, JsonValue]]:
        """Run an iteration, and return the id of the event that ends it, and its output.

        The next event follows the last event inside, which stays the lane's last one.
        """
        inner.last = self._event("Started", inner)
        try:
            output = yield from lane_steps(inner, self._processor, given)
        except StateFailure:
            self._event("Failed", inner)
            raise
        return self._event("Succeeded", inner), output

    def _event(self, what: str, inner: Lane) -> int:
        assert inner.item is not None
        kind = f"MapIteration{what}"
        details = {"name": self.name, "index": inner.item[0]}
        return inner.execution.log.add(kind, inner.last, f"mapIteration{what}EventDetails", details)
