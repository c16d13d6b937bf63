"""Hold one execution as the page shows it: its transitions, its status, its sizes."""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.history.events import history_of
from statebag.history.replay import transitions
from statebag.history.standing import standing
from statebag.ui.payload_sizes import PayloadSizes, sizes_of

if TYPE_CHECKING:
    from statebag.asl.arns import ExecutionArn
    from statebag.history.events import History
    from statebag.history.replay import Transition
    from statebag.history.standing import Standing
    from statebag.ui.history_source import HistorySource

__all__ = ["SeenExecution", "Snapshot"]

_STATES = ("StateEntered", "StateExited")
_STATE_EVENTS = ("ExecutionStarted", "ExecutionSucceeded")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The facts known about an execution at one moment.

    Attributes:
        history: Its events, without their payloads.
        made: Its transitions.
        stands: Its status.
        number: The number of the snapshot: a page asks for newer ones.
    """

    history: History
    made: list[Transition]
    stands: Standing
    number: int


class SeenExecution:
    """One execution; it is read again on each request, and never held whole in memory.

    Args:
        arn: Its ARN.
        source: Gives its events.
    """

    def __init__(self, arn: ExecutionArn, source: HistorySource) -> None:
        self.arn = arn
        self.source = source
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._goes_on: bool | None = None
        self._sizes: dict[int, PayloadSizes] = {}
        self._of_text: dict[int, PayloadSizes] = {}
        self._unknown: set[int] = set()  # events whose payload cannot be measured

    def snapshot(self) -> Snapshot:
        """Return what is known now.

        Raises:
            StatebagError: The history cannot be read.
        """
        with self._lock:
            grew = self.source.refresh()
            goes_on = self.source.goes_on()
            if self._snapshot is None or grew or goes_on != self._goes_on:
                self._goes_on = goes_on
                number = 1 if self._snapshot is None else self._snapshot.number + 1
                self._snapshot = self._made(goes_on, number)
            return self._snapshot

    def _made(self, goes_on: bool | None, number: int) -> Snapshot:
        history = history_of(
            self.arn.arn,
            self.arn.machine,
            self.source.log.events,
            branches=self.source.branches,
            goes_on=goes_on,
        )
        made = transitions(history)
        stands = standing(history, made, is_local=self.source.is_local)
        return Snapshot(history, made, stands, number)

    def payload_event(self, number: int | None = None) -> int:
        """Return the number of the event whose payload counts at an event.

        Args:
            number: An event. If it has no payload, the nearest earlier one on its way counts. None
                stands for the newest state.

        Raises:
            InvalidState: There is no such event, or no payload on the way to it.
        """
        history, log = self.snapshot().history, self.source.log
        if number is None:
            for event in reversed(history.events):
                if is_of_state(event.type) and log.payload_bytes(event.id) is not None:
                    return event.id
            raise InvalidState("the history has no state yet", hint="Ask again in a moment.")
        here = history.event(number)
        while log.payload_bytes(here.id) is None:
            if not 0 < here.previous < here.id:
                raise InvalidState(
                    f"event {number} and the events on the way to it have no payload"
                )
            here = history.event(here.previous)
        return here.id

    def bag(self, number: int) -> Any:
        """Return the payload of an event, decoded.

        Raises:
            InvalidState: It has none, or none that can be read.
        """
        payload = self.source.log.payload(number)
        if payload is None:
            raise InvalidState(
                f"event {number} has no payload", hint="Look at the event before or after it."
            )
        return payload.value()

    def sizes(self, number: int) -> PayloadSizes | None:
        """Return the sizes of the payload of an event; None if it has none that can be read."""
        known = self._sizes.get(number)
        if known is not None:
            return known
        if self.source.log.payload_bytes(number) is None:
            return None
        payload = self.source.log.payload(number)
        if payload is None or payload.text is None:
            return None
        # The input of a state is usually the output of the one before it.
        same = hash(payload.text)
        known = self._of_text.get(same)
        if known is None:
            known = self._of_text[same] = sizes_of(payload.text)
        self._sizes[number] = known
        return known

    def measure(self, most: int) -> bool:
        """Measure some more payloads; return whether all are measured.

        Args:
            most: How many payloads at most.
        """
        ahead = most
        for one in self.snapshot().made:
            for number in (one.entered, one.left):
                if number is None or number in self._sizes or number in self._unknown:
                    continue
                if not ahead:
                    return False
                ahead -= 1
                if self.sizes(number) is None:
                    self._unknown.add(number)
        return True

    def containers(self) -> dict[int, str]:
        """Return the path around the state of each event, by the event.

        Events of the execution itself are not included: nothing is around them.
        """
        found: dict[int, str] = {}
        for one in self.snapshot().made:
            around = "" if not one.depth else one.path[: len(one.path) - len(one.state)]
            found[one.entered] = around
            if one.left is not None:
                found[one.left] = around
        return found

    def measured(self, number: int) -> PayloadSizes | None:
        """Return the sizes of the payload of an event if they were measured; nothing is read."""
        return self._sizes.get(number)

    def known_sizes(self, number: int | None) -> tuple[int, int]:
        """Return the sealed and the opened bytes of an event's payload; -1 for what is not known.

        Nothing is read: the sealed size of a payload that was not measured is that of its text.
        """
        if number is None:
            return -1, -1
        known = self._sizes.get(number)
        if known is not None:
            return known.sealed, known.opened
        size = self.source.log.payload_bytes(number)
        return (-1 if size is None else size), -1

    def largest(self) -> int:
        """Return the bytes of the largest payload that passed from state to state."""
        return max(self.columns()[0], default=0)

    def columns(self) -> tuple[array[int], array[int]]:
        """Return the sealed and opened bytes of each transition: of its output, else its input."""
        sealed, opened = array("q"), array("q")
        for one in self.snapshot().made:
            of_output = self.known_sizes(one.left)
            one_sealed, one_opened = (
                of_output if of_output[0] >= 0 else self.known_sizes(one.entered)
            )
            sealed.append(one_sealed)
            opened.append(one_opened)
        return sealed, opened


def is_of_state(kind: str) -> bool:
    """Return whether the payload of a type of event passes from state to state."""
    return kind.endswith(_STATES) or kind in _STATE_EVENTS
