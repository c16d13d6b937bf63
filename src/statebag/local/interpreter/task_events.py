"""Write the events of a Task: of a function, an activity, or an action of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.local.interpreter.event_log import NOT_TRUNCATED
from statebag.local.interpreter.state_failure import TIMEOUT

if TYPE_CHECKING:
    from statebag.local.interpreter.json_value import JsonValue
    from statebag.local.interpreter.state_failure import StateFailure
    from statebag.local.interpreter.state_visit import Lane
    from statebag.local.interpreter.task_resource import TaskResource

__all__ = ["TaskEvents"]

_PREFIXES = {
    "function": "LambdaFunction",
    "unknown": "LambdaFunction",  # a placeholder of a function, which a mock answers
    "activity": "Activity",
    "action": "Task",
}


class TaskEvents:
    """Writes the events of one attempt.

    Args:
        lane: Where they are written.
        resource: What is called.
    """

    __slots__ = ("_details", "_lane", "_prefix", "_resource")

    def __init__(self, lane: Lane, resource: TaskResource) -> None:
        self._lane = lane
        self._resource = resource
        self._prefix = _PREFIXES[resource.kind]
        self._details = {}
        if resource.kind == "action":
            self._details = {"resourceType": resource.type, "resource": resource.called}

    def scheduled(self, given: JsonValue, timeout: float | None, heartbeat: float | None) -> None:
        """Write that the task was scheduled and, unless a worker has to take it, started."""
        details: dict[str, Any] = dict(self._details)
        if self._resource.kind == "action":
            region = self._lane.execution.world.region
            details |= {"region": region, "parameters": given.text}
        else:
            details |= {
                "resource": self._resource.arn,
                "input": given.text,
                "inputDetails": NOT_TRUNCATED,
            }
        if timeout is not None:
            details["timeoutInSeconds"] = timeout
        if heartbeat is not None:
            details["heartbeatInSeconds"] = heartbeat
        self._write("Scheduled", details)
        if self._resource.kind == "action":
            self._write("Started", dict(self._details))
        elif self._resource.kind != "activity":
            self._lane.event("LambdaFunctionStarted")

    def taken(self, worker: str | None) -> None:
        """Write that a worker took the task of an activity."""
        self._write("Started", {} if worker is None else {"workerName": worker})

    def submitted(self, output: JsonValue) -> None:
        """Write that the service took the task, which goes on."""
        details = {**self._details, "output": output.text, "outputDetails": NOT_TRUNCATED}
        self._write("Submitted", details)

    def succeeded(self, output: JsonValue) -> None:
        """Write that the task succeeded."""
        details = {**self._details, "output": output.text, "outputDetails": NOT_TRUNCATED}
        self._write("Succeeded", details)

    def failed(self, failure: StateFailure) -> None:
        """Write that the task failed, or took too long."""
        details = dict(self._details)
        if failure.error is not None:
            details["error"] = failure.error
        if failure.cause is not None:
            details["cause"] = failure.cause
        self._write("TimedOut" if failure.error == TIMEOUT else "Failed", details)

    def _write(self, what: str, details: dict[str, Any]) -> None:
        kind = f"{self._prefix}{what}"
        self._lane.event(kind, f"{kind[0].lower()}{kind[1:]}EventDetails", details)
