"""Run a Task: apply its limits, write its events, and get its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.local.interpreter.data_flow import read_value
from statebag.local.interpreter.error_handlers import ErrorHandlers
from statebag.local.interpreter.json_value import JsonValue
from statebag.local.interpreter.payload_template import JsonataExpression, is_expression
from statebag.local.interpreter.state_failure import TIMEOUT, StateFailure
from statebag.local.interpreter.state_program import StateProgram
from statebag.local.interpreter.task_events import TaskEvents
from statebag.local.interpreter.task_resource import task_resource

if TYPE_CHECKING:
    from collections.abc import Generator

    from statebag.asl.model import State
    from statebag.local.interpreter.state_program import Left
    from statebag.local.interpreter.state_visit import StateVisit
    from statebag.local.interpreter.task_resource import TaskResource

__all__ = ["TaskCall", "TaskProgram"]


@dataclass(frozen=True, slots=True)
class TaskCall:
    """One attempt of a Task.

    Attributes:
        visit: The visit of its state.
        resource: What is called.
        given: The arguments.
        timeout: The longest time that it may take, in seconds; None for no limit.
        heartbeat: Seconds within which it must report; None for no limit.
        events: Writes its events.
    """

    visit: StateVisit
    resource: TaskResource
    given: JsonValue
    timeout: float | None
    heartbeat: float | None
    events: TaskEvents

    @property
    def patience(self) -> float | None:
        """Seconds until it times out, if nothing is reported; None for no limit."""
        limits = [one for one in (self.timeout, self.heartbeat) if one is not None]
        return min(limits, default=None)

    def timed_out(self) -> StateFailure:
        """Return the failure of a task that took too long."""
        heartbeat = self.heartbeat is not None and self.heartbeat == self.patience
        return StateFailure(TIMEOUT, None, heartbeat=heartbeat)


class TaskProgram(StateProgram):
    """A Task state."""

    blocks = True

    def __init__(self, state: State, region: str) -> None:
        super().__init__(state)
        self._handlers = ErrorHandlers(state)
        self.resource = task_resource(self.fields["Resource"], region)

    def steps(self, visit: StateVisit) -> Generator[None, Any, Left]:
        """Run attempts, and return the output, the variables and the name of the next state."""
        visit.retries = 0
        return (yield from self._handlers.guarded(visit, self._attempt, self._finish))

    def _finish(self, visit: StateVisit, result: Any) -> Left:
        output, assigned = self.flow.left_with(visit, result)
        return output, assigned, self.next

    def _attempt(self, visit: StateVisit) -> Generator[None, Any, Any]:
        visit.shown = {}
        # A placeholder, which a mock answers, may stand for an action that takes a token.
        if self.resource.pattern == "waitForTaskToken" or self.resource.kind == "unknown":
            visit.token = f"AQ{uuid4().hex}{uuid4().hex}"  # one for each attempt
        value = self.flow.arguments(visit)
        given = visit.input if value is visit.input.value else JsonValue(value)
        if given.size > PAYLOAD_LIMIT:
            raise visit.too_large("arguments", given, final=True)
        timeout = self._seconds(visit, "TimeoutSeconds")
        heartbeat = self._seconds(visit, "HeartbeatSeconds")
        events = TaskEvents(visit.lane, self.resource)
        call = TaskCall(visit, self.resource, given, timeout, heartbeat, events)
        events.scheduled(given, timeout, heartbeat)
        try:
            result = JsonValue((yield from visit.lane.execution.world.answer(call)))
            if result.size > PAYLOAD_LIMIT:
                raise visit.too_large("result", result, self.resource.type or self.resource.arn)
        except StateFailure as failure:
            events.failed(failure)
            raise
        events.succeeded(result)
        return result.value

    def _seconds(self, visit: StateVisit, name: str) -> int | None:
        """Return a limit in seconds, which may be literal, computed, or read by a path."""
        if f"{name}Path" in self.fields:
            path = self.fields[f"{name}Path"]
            value = read_value(path, visit, self.flow.effective(visit))
            if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
                raise visit.runtime(
                    f"The {name}Path parameter does not reference a positive integer: {path} == "
                    f"{JsonValue(value).text}"
                )
            return value
        value = self.fields.get(name)
        if is_expression(value):
            expression = JsonataExpression(str(value), name)
            value = expression.typed(visit, "number")
            if value != int(value) or value <= 0:
                raise visit.query_failure(
                    f"The JSONata expression '{expression.code}' specified for the field "
                    f"'{name}' returned {value}, which is not a positive integer.",
                    name,
                )
            return int(value)
        return value
