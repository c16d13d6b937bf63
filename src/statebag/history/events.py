"""Read events of GetExecutionHistory, from AWS or from a run on this machine.

boto3 has times as `datetime`, and the local engine as text; each type of event has its details
under another name. This module reads all events into one form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from statebag.errors import InvalidState
from statebag.format.arguments import check_iterable, check_kind, check_optional
from statebag.history.payload_texts import CARRIERS, LaterText

__all__ = ["END_STATUSES", "Event", "History", "Payload", "history_of"]

END_STATUSES = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
"""The status of an execution, by the type of the event that ends it."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The JSON text that an event carries.

    Attributes:
        event: The event's number.
        given: The text, or where it is; None if it is missing, and the type of the event has one.
        truncated: Whether the text was cut or left out when the event was recorded.
    """

    event: int
    given: str | LaterText | None
    truncated: bool = False

    @property
    def text(self) -> str | None:
        """Return the text; it may have to be read from a file."""
        return self.given.read() if isinstance(self.given, LaterText) else self.given

    @property
    def size(self) -> int:
        """Return the bytes of the text in UTF-8."""
        return len((self.text or "").encode("utf-8", "surrogatepass"))

    def value(self) -> Any:
        """Return the JSON value: a bag, or any value that the workflow passed on.

        Raises:
            InvalidState: The history does not hold it whole, or it is not JSON that can be opened.
                The message does not quote it.
        """
        from statebag.errors import BlobCorrupt  # noqa: PLC0415 - with the codec, when used
        from statebag.format import json_check, json_text  # noqa: PLC0415

        if self.truncated:
            raise InvalidState(
                f"the payload of event {self.event} was cut short when it was stored",
                hint="What is left of it cannot be opened; look at the event before or after it.",
            )
        text = self.text
        if text is None:
            raise InvalidState(
                f"event {self.event} was stored without its payload",
                hint="Read the history with its execution data.",
            )
        try:
            value = json_text.decode(text.encode())
            json_check.check_json(value)
        except UnicodeEncodeError:
            raise InvalidState(
                f"the payload of event {self.event} has a lone surrogate, which UTF-8 cannot hold"
            ) from None
        except (BlobCorrupt, InvalidState):
            raise InvalidState(
                f"the payload of event {self.event} is not JSON that statebag can open"
            ) from None
        return value


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        id: Its number, from 1.
        previous: The number of the event from which it follows; 0 for the first ones.
        type: Its type in the API, such as `TaskStateEntered`.
        time: When, in UTC.
        details: The details that the API gives for this type; a long payload may be a `LaterText`.
    """

    id: int
    previous: int
    type: str
    time: datetime
    details: Mapping[str, Any]

    @property
    def payload(self) -> Payload | None:
        """Return the payload; None if the event has none."""
        for name in CARRIERS:
            about = self.details.get(f"{name}Details")
            truncated = isinstance(about, dict) and about.get("truncated") is True
            text = self.details.get(name)
            there = isinstance(text, str | LaterText)
            if there or truncated:
                return Payload(self.id, text if there else None, truncated)
        if self.type.endswith(("StateEntered", "StateExited")):
            return Payload(self.id, None)
        return None

    @property
    def is_state(self) -> bool:
        """Whether its payload passes from state to state, instead of being a task's request."""
        return self.type.endswith(("StateEntered", "StateExited")) or self.type in {
            "ExecutionStarted",
            "ExecutionSucceeded",
        }


@dataclass(frozen=True, slots=True)
class History:
    """All events of an execution so far.

    Attributes:
        arn: The execution's ARN.
        machine: The state machine's name.
        events: The events, in the order of their numbers.
        branches: The first states of the branches of each Parallel, if they are known.
        goes_on: False if the execution has not ended, but the process that ran it is gone. None if
            that is not known.
    """

    arn: str
    machine: str
    events: tuple[Event, ...]
    branches: Mapping[str, Sequence[str]] = field(default_factory=dict)
    goes_on: bool | None = None
    _by_id: dict[int, Event] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_id.update((event.id, event) for event in self.events)

    def event(self, number: int) -> Event:
        """Return the event with a number.

        Raises:
            InvalidState: There is none.
        """
        found = self._by_id.get(number)
        if found is None:
            last = self.events[-1].id if self.events else 0
            raise InvalidState(
                f"the execution has no event {number}: its last one is {last}",
                hint="`statebag log` shows the numbers.",
            )
        return found

    def payload_at(self, number: int | None = None) -> Payload:
        """Return the payload at an event, or the last one on the way to it.

        Args:
            number: The event. If it has no payload, the nearest earlier one on its way counts. None
                stands for the newest state: the last input or output of a state, or the final
                output.

        Raises:
            InvalidState: There is no such event, or no event on its way has a payload.
        """
        if number is None:
            for event in reversed(self.events):
                if event.is_state and event.payload is not None:
                    return event.payload
            raise InvalidState("the history has no state yet", hint="Ask again in a moment.")
        here: Event | None = self.event(number)
        if here is not None and here.payload is None:
            here = self._with_state(here)
        while here is not None:
            if here.payload is not None:
                return here.payload
            # A number only ever leads to a lower one, so a forged history cannot make a loop.
            before = here.previous
            here = self._by_id.get(before) if before < here.id else None
        raise InvalidState(f"event {number} and the events on the way to it have no payload")

    def _with_state(self, event: Event) -> Event:
        """Return the event from which to look for the payload of one that has none.

        The event that ends an execution may have no previous event. A failed expression has the
        previous event of its state. In both cases, this is the event of the state before.
        """
        name = event.details.get("state") if event.type == "EvaluationFailed" else None
        if name is None and event.previous:
            return event
        for number in range(event.id - 1, 0, -1):
            before = self._by_id.get(number)
            if before is None or not before.is_state:
                continue
            if name is None or before.details.get("name") == name:
                return before
        return event


def history_of(
    arn: str,
    machine: str,
    events: Iterable[Mapping[str, Any]],
    *,
    branches: Mapping[str, Sequence[str]] | None = None,
    goes_on: bool | None = None,
) -> History:
    """Return the history made of events of GetExecutionHistory, in any order.

    If two events have one number, the later one counts.

    Raises:
        InvalidState: A value is not such an event.
    """
    found: dict[int, Event] = {}
    check_kind("arn", arn, str, "a str")
    check_kind("machine", machine, str, "a str")
    check_optional({"branches": branches}, Mapping, "an object by name")
    for given in check_iterable("events", events, "a list of events"):
        try:
            event = _event(given)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InvalidState(f"event {len(found) + 1} of the history is malformed") from None
        found[event.id] = event
    ordered = tuple(found[number] for number in sorted(found))
    return History(arn, machine, ordered, branches or {}, goes_on)


def _event(given: Mapping[str, Any]) -> Event:
    details: dict[str, Any] = {}
    for name, value in given.items():
        if name.endswith("EventDetails") and isinstance(value, dict):
            details.update(value)
    kind = given["type"]
    return Event(
        id=int(given["id"]),
        previous=int(given.get("previousEventId", 0)),
        type=str(getattr(kind, "value", kind)),
        time=_time(given["timestamp"]),
        details=details,
    )


def _time(given: Any) -> datetime:
    if isinstance(given, int | float):
        return datetime.fromtimestamp(given, UTC)
    moment = given if isinstance(given, datetime) else datetime.fromisoformat(given)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
