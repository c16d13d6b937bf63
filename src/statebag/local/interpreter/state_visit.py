"""Visit a state: its input, its events, and what its expressions see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.asl.largest_fields import largest_fields
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.format.json_depth import MAX_DEPTH
from statebag.local.interpreter.event_log import NOT_TRUNCATED
from statebag.local.interpreter.json_value import JsonValue
from statebag.local.interpreter.state_failure import (
    DATA_LIMIT,
    QUERY_FAILED,
    RUNTIME,
    StateFailure,
)
from statebag.local.interpreter.variables import Variables
from statebag.local.reads import Reading

if TYPE_CHECKING:
    from datetime import datetime

    from statebag.local.interpreter.single_execution import SingleExecution
    from statebag.telemetry.usage import Usage

__all__ = ["TOO_DEEP", "Lane", "StateVisit", "error_output", "iso_time"]


# Bytes up to which a value neither is too large nor nests too deep.
_SHORT = min(PAYLOAD_LIMIT, 2 * MAX_DEPTH)
TOO_DEEP = f"The output of the state nests deeper than {MAX_DEPTH} levels."


class Lane:
    """The data of one branch, iteration or execution.

    Attributes:
        execution: The execution that it belongs to.
        variables: The variables that it sees and sets.
        last: The id of its last event.
        item: Index and value of its item in an inline Map; None elsewhere.
        place: The path of the states in it, without their names.
    """

    __slots__ = ("execution", "item", "last", "place", "variables")

    def __init__(
        self,
        execution: SingleExecution,
        last: int,
        outer: Variables | None = None,
        item: tuple[int, Any] | None = None,
        place: str | None = None,
    ) -> None:
        self.execution = execution
        self.place = execution.place if place is None else place
        self.variables = Variables(outer)
        self.last = last
        self.item = item

    def event(self, kind: str, name: str | None = None, details: Any = None) -> int:
        """Write the next event of this lane, and return its id."""
        self.last = self.execution.log.add(kind, self.last, name, details)
        return self.last


class StateVisit:
    """A state that was entered.

    Attributes:
        lane: Where it runs.
        name: The state's name.
        kind: The state's type.
        input: The state's input.
        before: The id of the event before it was entered.
        entered: The id of the event with which it was entered.
        retries: How often it was retried; None for a state without a count.
        token: The task token of the current attempt; None if there is none.
        item: Index and value of the item that is being selected.
        shown: What JSONata sees as `$states.result` and `$states.errorOutput`, if present.
        number: Its place in the order in which states of the run were entered.
        attempts: How often its function was called.
        usage: What its function cost, all attempts together.
        error: The name of the error that ended it, even if a Catch took the error.
    """

    __slots__ = (
        "_at",
        "_left",
        "attempts",
        "before",
        "entered",
        "error",
        "input",
        "item",
        "kind",
        "lane",
        "name",
        "number",
        "retries",
        "shown",
        "token",
        "usage",
    )

    def __init__(self, lane: Lane, name: str, kind: str, given: JsonValue) -> None:
        self.lane = lane
        self.name = name
        self.kind = kind
        self.input = given
        self.before = lane.last
        log = lane.execution.log
        details = {"name": name, "input": given.text, "inputDetails": NOT_TRUNCATED}
        self.entered = lane.last = log.add(
            f"{kind}StateEntered", lane.last, "stateEnteredEventDetails", details
        )
        self._at: datetime = log.time
        self._left: datetime | None = None
        self.retries: int | None = None
        self.token: str | None = None
        self.item: tuple[int, Any] | None = lane.item
        self.shown: dict[str, Any] = {}
        self.number = 0
        self.attempts = 0
        self.usage: Usage | None = None
        self.error: str | None = None

    @property
    def path(self) -> str:
        """Its path: `Machine/Map[3]/Parse`."""
        return f"{self.lane.place}/{self.name}"

    @property
    def seconds(self) -> float:
        """Seconds from entering to leaving, or until now, on the clock of the run."""
        left = self._left or self.lane.execution.scheduler.now()
        return (left - self._at).total_seconds()

    @property
    def reading(self) -> Reading:
        """Checks what it reads."""
        world = self.lane.execution.world
        return Reading(self.name, world.bags, world.warn)

    def exit(self, output: JsonValue, assigned: dict[str, Any] | None = None) -> None:
        """Write that the state was left, and set the variables that it assigns.

        Raises:
            StateFailure: The output or the variables are too large.
        """
        if output.size > _SHORT:
            if output.size > PAYLOAD_LIMIT:
                raise self.too_large("output", output, final=True)
            if output.is_too_deep:
                raise self.runtime(TOO_DEEP, final=True)
        details: dict[str, Any] = {
            "name": self.name,
            "output": output.text,
            "outputDetails": NOT_TRUNCATED,
        }
        if assigned:
            details["assignedVariables"] = self._assign(assigned)
            details["assignedVariablesDetails"] = NOT_TRUNCATED
        lane = self.lane
        log = lane.execution.log
        lane.last = log.add(
            f"{self.kind}StateExited", lane.last, "stateExitedEventDetails", details
        )
        self._left = log.time

    def _assign(self, assigned: dict[str, Any]) -> dict[str, str]:
        texts = {name: JsonValue(value) for name, value in assigned.items()}
        if sum(one.size for one in texts.values()) > PAYLOAD_LIMIT:
            raise self.too_large("variables", JsonValue(assigned), final=True)
        self.lane.variables.assign(assigned)
        return {name: one.text for name, one in texts.items()}

    def context(self) -> dict[str, Any]:
        """Return the context object, `$$` or `$states.context`."""
        state: dict[str, Any] = {"Name": self.name, "EnteredTime": iso_time(self._at)}
        if self.retries is not None:
            state["RetryCount"] = self.retries
        context = {**self.lane.execution.context(), "State": state}
        if self.token is not None:
            context["Task"] = {"Token": self.token}
        if self.item is not None:
            context["Map"] = {"Item": {"Index": self.item[0], "Value": self.item[1]}}
        return context

    def failure(self, error: str, message: str, *, final: bool = False) -> StateFailure:
        """Return a failure of this state; its message names the state in the words of AWS."""
        return StateFailure(error, self._said(message), final=final)

    def runtime(self, message: str, *, final: bool = False) -> StateFailure:
        """Return a `States.Runtime` failure."""
        return self.failure(RUNTIME, message, final=final)

    def query_failure(self, message: str, location: str | None) -> StateFailure:
        """Return a failure of a JSONata expression, which has its own event."""
        return StateFailure(QUERY_FAILED, self._said(message), location=location, evaluation=True)

    def too_large(
        self, what: str, value: JsonValue, named: str | None = None, *, final: bool = False
    ) -> StateFailure:
        """Return the failure of a state or task with a value over the payload limit.

        AWS's message does not say how large the value is, or which fields make it large. The run
        adds that.

        Args:
            what: The role of the value in the state, such as its output.
            value: The value.
            named: The name that AWS uses instead; None for the state's.
            final: Whether neither a Retry nor a Catch handles it.
        """
        found = largest_fields(value.value)
        fields = ", ".join(f"{path} ({size:,} bytes)" for path, size in found)
        which = f". The largest fields: {fields}." if fields else "."
        self.lane.execution.world.warn(
            f"The {what} of the state {self.name!r} has {value.size:,} bytes, more than the "
            f"{PAYLOAD_LIMIT:,} of a payload{which}"
        )
        return StateFailure(
            DATA_LIMIT,
            f"The state/task '{named or self.name}' returned a result with a size exceeding the "
            "maximum number of bytes service limit.",
            final=final,
        )

    def note(self, failure: StateFailure) -> None:
        """Write the event of a failed expression.

        If nothing else happened in the state, it follows the event before the state was entered.
        """
        if not failure.evaluation:
            return
        failure.evaluation = False
        details = {"error": failure.error, "cause": failure.cause, "state": self.name}
        if failure.location is not None:
            details["location"] = failure.location
        if self.lane.last == self.entered and not failure.after_entering:
            self.lane.last = self.before
        self.lane.event("EvaluationFailed", "evaluationFailedEventDetails", details)

    def _said(self, message: str) -> str:
        return (
            f"An error occurred while executing the state '{self.name}' (entered at the event id "
            f"#{self.entered}). {message}"
        )


def iso_time(moment: datetime) -> str:
    """Return a time as the context object has it: `2026-01-02T03:04:05.678Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def error_output(failure: StateFailure) -> dict[str, Any]:
    """Return the input of a Catch: `Error` and `Cause`, as AWS fills them.

    A timeout has an empty cause; a Fail state and an answered token may have none.
    """
    cause = "" if failure.cause is None and failure.error == "States.Timeout" else failure.cause
    return {"Error": failure.error, "Cause": cause}
