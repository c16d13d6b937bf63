"""Hold one execution as the page shows it: its transitions, its status, its sizes."""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.history.events import History, history_of
from statebag.history.replay import Replay
from statebag.history.standing import standing
from statebag.ui.payload_sizes import PayloadSizes, sizes_of
from statebag.ui.state_moments import Moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from statebag.asl.arns import ExecutionArn
    from statebag.history.events import Event
    from statebag.history.replay import Transition
    from statebag.history.standing import Standing
    from statebag.ui.history_source import HistorySource

__all__ = ["SeenExecution", "Snapshot"]

# Bytes of a history that the first look reads, and how many times more each further one. Measured:
# 4 MiB take 60 ms; so a history of 250 MB is read in six looks.
_FIRST_BYTES = 4 * 1024 * 1024
_GROWTH = 2  # measured, as above

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
        newest: Its newest event, even if those before it were not read; None if there is none.
        is_whole: Whether all events were read; until then, `stands` comes from the newest one.
        share: How much was read, from 0 to 1.
    """

    history: History
    made: list[Transition]
    stands: Standing
    number: int
    newest: Event | None
    is_whole: bool = True
    share: float = 1.0


class SeenExecution:
    """One execution, which is read again on each request, and never held in memory as a whole.

    Args:
        arn: Its ARN.
        source: Gives its events.
    """

    moments_at_once = 1_000  # chosen: they are read within a second or two

    def __init__(self, arn: ExecutionArn, source: HistorySource) -> None:
        self.arn = arn
        self.key = arn.arn
        self.source = source
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._goes_on: bool | None = None
        self._events: list[Event] = []
        self._taken = 0  # events of the source that were followed
        self._replay: Replay | None = None
        self._ahead = _FIRST_BYTES
        self._is_new = False  # whether nobody has looked since the first read
        self._sizes: dict[int, PayloadSizes] = {}
        self._of_text: dict[int, PayloadSizes] = {}
        self._unknown: set[int] = set()  # events whose payload cannot be measured

    def snapshot(self) -> Snapshot:
        """Return what is known after everything written so far was read.

        Raises:
            StatebagError: The history cannot be read.
        """
        with self._lock:
            return self._read(None)

    def look(self) -> Snapshot:
        """Return what is known after a bounded read; each call reads more, until all is read.

        Raises:
            StatebagError: The history cannot be read.
        """
        with self._lock:
            if self._is_new and self._snapshot is not None:  # this moment's first read
                self._is_new = False
                return self._snapshot
            self._is_new = False
            made = self._read(self._ahead)
            if not made.is_whole:
                self._ahead *= _GROWTH
            return made

    def known(self) -> Snapshot:
        """Return the last snapshot; nothing is read, unless there is none.

        Raises:
            StatebagError: The history cannot be read.
        """
        if self._snapshot is None:
            self.look()
            self._is_new = True
        return self._snapshot or self.look()

    def _read(self, most: int | None) -> Snapshot:
        source = self.source
        grew = source.refresh(most)
        goes_on = source.goes_on()
        before = self._snapshot
        is_same = before is not None and before.is_whole == source.is_whole
        if before is None or grew or goes_on != self._goes_on or not is_same:
            self._goes_on = goes_on
            self._snapshot = self._made(goes_on, 1 if before is None else before.number + 1)
        return self._snapshot or self._made(goes_on, 1)

    def _made(self, goes_on: bool | None, number: int) -> Snapshot:
        source = self.source
        new = history_of("", "", source.log.events[self._taken :]).events
        self._taken = len(source.log.events)
        last = self._events[-1].id if self._events else 0
        self._events += new
        if self._replay is None or (new and new[0].id <= last):  # not in the order of numbers
            self._events = list(history_of("", "", source.log.events).events)
            self._replay = Replay(self.arn.machine, source.branches)
            new = tuple(self._events)
        for event in new:
            self._replay.take(event)
        history = self._history(self._events, goes_on)
        made = self._replay.result()
        if source.is_whole:
            newest = history.events[-1] if history.events else None
            stands = standing(history, made, is_local=source.is_local)
            return Snapshot(history, made, stands, number, newest)
        given = source.newest()
        end = self._history(() if given is None else history_of("", "", [given]).events, goes_on)
        stands = standing(end, [], is_local=source.is_local)
        newest = end.events[0] if end.events else None
        return Snapshot(history, made, stands, number, newest, is_whole=False, share=source.share())

    def _history(self, events: Iterable[Event], goes_on: bool | None) -> History:
        return History(self.arn.arn, self.arn.machine, tuple(events), self.source.branches, goes_on)

    def payload_event(self, number: int | None = None) -> int:
        """Return the number of the event whose payload is the state at an event.

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

    def mark(self, number: int) -> str:
        """Return an empty mark: another run of the name is another `SeenExecution`."""
        del number
        return ""

    def kind_of(self, number: int) -> str:
        """Return the type of an event."""
        return self.snapshot().history.event(number).type

    def moments(self, at: int, after: int) -> Iterator[Moment]:
        """Yield the events after one that have a state, of the same branch or iteration as `at`."""
        around_of = self.containers()
        home = around_of.get(at, "")
        for event in self.snapshot().history.events:
            if event.id <= after or not is_of_state(event.type):
                continue
            if around_of.get(event.id, "") != home:
                continue
            if self.source.log.payload_bytes(event.id) is None:
                continue
            read = partial(self.source.log.payload, event.id)
            yield Moment(event.id, event.type, event.details.get("name"), read)

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
        for one in self.known().made:
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
        for one in self.known().made:
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
