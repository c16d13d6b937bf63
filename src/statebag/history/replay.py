"""Find the states that were entered and left, and where, from the events of a history.

An event names the event from which it follows. These numbers show the place of every event: in
which iteration of which Map, and in which branch of which Parallel. The events do not say two
things. To find the branch of a Parallel, this module compares its first state with the definition,
or else counts the order in which branches began. A state that was given up has the error of the
state around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from statebag.asl.model import Definition
from statebag.format.arguments import check_kind
from statebag.history.events import END_STATUSES, History

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from statebag.history.events import Event, Payload

__all__ = ["Failure", "Replay", "Status", "Transition", "first_states", "transitions"]

Status = Literal["open", "left", "caught", "failed", "timed out", "given up"]

_BEGUN = re.compile(r"(Activity|Task|LambdaFunction)Scheduled|(Map|Parallel)StateStarted")
_FAILED = re.compile(
    r"(Activity|Task|LambdaFunction)(Failed|TimedOut|ScheduleFailed|StartFailed|SubmitFailed)"
    r"|MapRunFailed|EvaluationFailed"
)
_TIMED_OUT = "States.Timeout"
_CONTAINERS = {"Map", "Parallel"}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error while a state was open.

    Attributes:
        event: The number of the event that reports it.
        time: When.
        error: The error's name; None if the history has none.
        cause: Its cause, which may quote values; None if the history has none.
    """

    event: int
    time: datetime
    error: str | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Transition:
    """One state that was entered, and perhaps left.

    Attributes:
        number: Its place in the order of entering, from 1.
        state: The state's name.
        kind: Its ASL `Type`.
        path: Where it ran: `Machine/Map[3]/Parse`, `Machine/Both[1]/Right`.
        entered: The number of the event with which it was entered.
        left: The number of the event with which it was left; None if it was not.
        last: The number of its own newest event.
        started: When it was entered.
        ended: When it was left or given up; None while it is open.
        status: `left` with an output; `caught`: left with an output that a Catch made of an error;
            `failed`, `timed out` or `given up` without one; `open`: it goes on.
        attempts: How often its task, or its iterations or branches, began.
        failures: Its errors, also those that a Retry handled.
        error: The name of the error that ended it, also if a Catch handled it.
        input: Its input.
        output: What it left; None if it did not.
        task: The API's details of the event that scheduled its newest attempt.
        length: Iterations of a Map; None for other states.
        map_run: The ARN of a distributed Map's run; None if there is none.
        busy: How many states in it are open.
        depth: How many Maps and Parallels it is in.
    """

    number: int
    state: str
    kind: str
    path: str
    entered: int
    started: datetime
    input: Payload | None
    last: int = 0
    left: int | None = None
    ended: datetime | None = None
    status: Status = "open"
    attempts: int = 0
    failures: tuple[Failure, ...] = ()
    error: str | None = None
    output: Payload | None = None
    task: Mapping[str, Any] | None = None
    length: int | None = None
    map_run: str | None = None
    busy: int = 0
    depth: int = 0


def transitions(history: History) -> list[Transition]:
    """Return the states of a history in the order in which they were entered."""
    check_kind("history", history, History, "a History")
    replay = Replay(history.machine, history.branches)
    for event in history.events:
        replay.take(event)
    return replay.result()


@dataclass(slots=True)
class _Visit:
    """A transition while its events are being read."""

    made: Transition
    parent: _Visit | None
    last: int = 0  # the number of its own newest event
    pending: Failure | None = None  # a failure that nothing has handled yet
    branches: list[str] = field(default_factory=list)  # first states, in the order of beginning
    shown: tuple[Transition, Transition] | None = None  # of the last result: from, and with counts

    @property
    def is_open(self) -> bool:
        return self.made.status == "open"

    def set(self, **changes: Any) -> None:
        self.made = replace(self.made, **changes)

    def end(self, event: Event, status: Status, error: str | None) -> None:
        if self.is_open:
            self.set(status=status, ended=event.time, error=error)

    def result(self, busy: int) -> Transition:
        if self.shown is not None:
            before, shown = self.shown
            if before is self.made and (shown.last, shown.busy) == (self.last, busy):
                return shown
        shown = replace(self.made, last=self.last, busy=busy)
        self.shown = (self.made, shown)
        return shown


@dataclass(frozen=True, slots=True)
class _Frame:
    """A state around an event, and the iteration or branch of it that has the event."""

    visit: _Visit
    index: int | None = None


_Stack = tuple[_Frame, ...]


class Replay:
    """Follow a history event by event, in the order of their numbers.

    Args:
        machine: The state machine's name.
        branches: The first states of the branches of each Parallel, if they are known.
    """

    def __init__(self, machine: str, branches: Mapping[str, Sequence[str]]) -> None:
        self._machine = machine
        self._branches = branches
        self._after: dict[int, _Stack] = {0: ()}
        self._visits: list[_Visit] = []
        self._ended_at: _Stack = ()
        self._to_reopen: set[int] = set()  # numbers of what failed before a redrive

    def result(self) -> list[Transition]:
        """Return the states so far in the order in which they were entered."""
        busy: dict[int, int] = {}
        for visit in self._visits:
            if visit.is_open and visit.parent is not None:
                busy[id(visit.parent)] = busy.get(id(visit.parent), 0) + 1
        return [visit.result(busy.get(id(visit), 0)) for visit in self._visits]

    def take(self, event: Event) -> None:
        """Take the next event."""
        stack = self._after.get(event.previous, ())
        kind = event.type
        if kind == "EvaluationFailed":
            stack = self._evaluated(event, stack)
        if kind.endswith("StateEntered"):
            stack = self._entered(event, stack)
        elif kind.endswith("StateExited"):
            stack = self._left(event, stack)
        elif kind.startswith("MapIteration"):
            stack = self._iteration(event, stack)
        elif kind in END_STATUSES:
            self._end(event, stack)
        elif kind == "ExecutionRedriven":
            stack = self._ended_at
            self._to_reopen = {
                one.visit.made.number for one in stack if one.visit.made.left is None
            }
        elif kind in {"MapStateStarted", "ParallelStateStarted"}:
            stack = self._begun_again(event, stack)
            self._reopen(stack)
            if stack:
                self._inside(event, stack[-1].visit)
        elif re.fullmatch(r"(Map|Parallel)State(Succeeded|Failed|Aborted)", kind):
            stack = self._container_ended(event, stack)
        elif stack:
            self._reopen(stack)
            self._inside(event, stack[-1].visit)
        if stack and kind not in END_STATUSES:
            top = stack[-1].visit
            top.last = max(top.last, event.id)
        self._after[event.id] = stack

    def _entered(self, event: Event, stack: _Stack) -> _Stack:
        name = str(event.details.get("name", ""))
        # A state on top that holds no other states was left without an event.
        while stack and stack[-1].visit.made.kind not in _CONTAINERS:
            stack[-1].visit.end(event, "given up", None)
            stack = stack[:-1]
        if stack and stack[-1].index is None and stack[-1].visit.made.kind == "Parallel":
            stack = (*stack[:-1], _Frame(stack[-1].visit, self._branch(stack[-1].visit, name)))
        self._reopen(stack)
        place = "".join(
            f"/{frame.visit.made.state}{'' if frame.index is None else f'[{frame.index}]'}"
            for frame in stack
        )
        made = Transition(
            number=len(self._visits) + 1,
            state=name,
            kind=event.type.removesuffix("StateEntered"),
            path=f"{self._machine}{place}/{name}",
            entered=event.id,
            started=event.time,
            input=event.payload,
            depth=len(stack),
        )
        visit = _Visit(made, stack[-1].visit if stack else None)
        self._visits.append(visit)
        return (*stack, _Frame(visit))

    def _evaluated(self, event: Event, stack: _Stack) -> _Stack:
        """Return the stack of the state whose expression failed.

        On AWS the event follows the event before its state was entered, and names the state.
        """
        name = event.details.get("state")
        if stack and stack[-1].visit.made.state == name:
            return stack
        for visit in reversed(self._visits):
            if visit.is_open and visit.made.state == name:
                own = self._after.get(visit.made.entered, ())
                if len(own) > len(stack) and all(
                    one.visit is other.visit and other.index in {None, one.index}
                    for one, other in zip(own, stack, strict=False)
                ):
                    return own
        return stack

    def _begun_again(self, event: Event, stack: _Stack) -> _Stack:
        """Return the stack of the Map or Parallel that begins; a retry follows a failure in it."""
        kind = event.type.partition("State")[0]
        below = stack
        while below and not (below[-1].visit.made.kind == kind and below[-1].visit.is_open):
            below = below[:-1]
        if not below:
            return stack
        visit = below[-1].visit
        if len(below) == len(stack) and stack[-1].index is None:
            return stack
        failure = next((one.visit.pending for one in reversed(stack) if one.visit.pending), None)
        failure = failure or self._latest_inside(visit) or self._latest_ended(visit)
        if failure is not None and failure not in visit.made.failures:
            visit.set(failures=(*visit.made.failures, failure))
        self._end_inside(visit, event)
        return (*below[:-1], _Frame(visit))

    def _latest_ended(self, visit: _Visit) -> Failure | None:
        """Return a failure for the newest state inside that failed, as a Fail state does."""
        inside = [
            one
            for one in self._visits[visit.made.number :]
            if one.made.status == "failed" and _is_below(one, visit)
        ]
        if not inside:
            return None
        made = inside[-1].made
        return Failure(inside[-1].last, made.ended or made.started, made.error, None)

    def _branch(self, parallel: _Visit, name: str) -> int:
        known = self._branches.get(parallel.made.state, ())
        if name in known:
            return known.index(name)
        if name not in parallel.branches:
            parallel.branches.append(name)
        return parallel.branches.index(name)

    def _left(self, event: Event, stack: _Stack) -> _Stack:
        name = str(event.details.get("name", ""))
        kind = event.type.removesuffix("StateExited")
        below = stack
        while below and (below[-1].visit.made.state, below[-1].visit.made.kind) != (name, kind):
            below = below[:-1]
        if not below:
            return stack  # no such state was entered on the way here
        visit = below[-1].visit
        failure = visit.pending
        if kind in _CONTAINERS:
            self._end_inside(visit, event)
        visit.last = event.id
        visit.set(
            left=event.id,
            output=event.payload,
            ended=event.time,
            status="left" if failure is None else "caught",
            error=None if failure is None else failure.error,
        )
        return below[:-1]

    def _iteration(self, event: Event, stack: _Stack) -> _Stack:
        name = str(event.details.get("name", ""))
        index = event.details.get("index")
        below = stack
        while below and (below[-1].visit.made.state, below[-1].visit.made.kind) != (name, "Map"):
            below = below[:-1]
        if not below:
            return stack
        visit = below[-1].visit
        if event.type in {"MapIterationFailed", "MapIterationAborted"}:
            gone = stack[len(below)].visit if len(stack) > len(below) else None
            failure = self._given_up(gone, event, stack)
            if event.type == "MapIterationFailed":
                visit.pending = failure
        return (*below[:-1], _Frame(visit, index if isinstance(index, int) else None))

    def _given_up(self, visit: _Visit | None, event: Event, stack: _Stack) -> Failure:
        """End the states that were open in a failed iteration; return its failure."""
        failure = next((f.visit.pending for f in reversed(stack) if f.visit.pending), None)
        failure = failure or Failure(event.id, event.time, None, None)
        if visit is not None:
            self._end_inside(visit, event)
            failed = event.type.endswith("Failed")
            visit.end(event, "failed" if failed else "given up", failure.error if failed else None)
        return failure

    def _container_ended(self, event: Event, stack: _Stack) -> _Stack:
        kind = event.type.partition("State")[0]
        below = stack
        while below and below[-1].visit.made.kind != kind:
            below = below[:-1]
        if not below:
            return stack
        visit = below[-1].visit
        if event.type.endswith("Failed"):
            failure = next((f.visit.pending for f in reversed(stack) if f.visit.pending), None)
            failure = _stated(event) or failure or self._latest_inside(visit)
            visit.pending = failure or Failure(event.id, event.time, None, None)
            if failure is not None and failure not in visit.made.failures:
                visit.set(failures=(*visit.made.failures, failure))
            for frame in stack[len(below) :]:
                frame.visit.end(event, "failed", visit.pending.error)
            self._end_inside(visit, event)
        elif event.type.endswith("Aborted"):
            self._end_inside(visit, event)
            visit.end(event, "given up", None)
        else:
            visit.pending = None
        return (*below[:-1], _Frame(visit))

    def _latest_inside(self, visit: _Visit) -> Failure | None:
        inside = [one.pending for one in self._visits if one.pending and _is_below(one, visit)]
        return max(inside, key=lambda failure: failure.event, default=None)

    def _end_inside(self, visit: _Visit, event: Event) -> None:
        """End the open states inside a state that ended, as failed or given up."""
        for one in self._visits[visit.made.number :]:
            if one.is_open and _is_below(one, visit):
                failure = one.pending
                error = None if failure is None else failure.error
                failed = failure is not None or one.made.kind == "Fail"
                one.end(event, "failed" if failed else "given up", error)

    def _inside(self, event: Event, visit: _Visit) -> None:
        kind = event.type
        if _BEGUN.fullmatch(kind):
            visit.pending = None
            visit.branches.clear()
            length = event.details.get("length")
            visit.set(
                attempts=visit.made.attempts + 1,
                task=event.details,
                length=length if isinstance(length, int) else visit.made.length,
            )
        elif _FAILED.fullmatch(kind):
            default = _TIMED_OUT if kind.endswith("TimedOut") else None
            visit.pending = _stated(event, default) or Failure(event.id, event.time, None, None)
            visit.set(failures=(*visit.made.failures, visit.pending))
        elif kind == "MapRunStarted":
            visit.set(map_run=event.details.get("mapRunArn"))
        elif kind.endswith("Aborted"):
            visit.end(event, "given up", None)
        elif kind.endswith("Succeeded"):
            visit.pending = None

    def _end(self, event: Event, stack: _Stack) -> None:
        self._ended_at = stack
        # The final error is that of the state which it came from, and of the states around that
        # one.
        stated = _stated(event, _TIMED_OUT if event.type == "ExecutionTimedOut" else None)
        failed: Status = "timed out" if event.type == "ExecutionTimedOut" else "failed"
        if event.type == "ExecutionFailed":
            for frame in stack:
                of_fail = frame.visit.made.kind == "Fail"
                if frame.visit.is_open and (stated is not None or of_fail):
                    frame.visit.end(event, failed, stated.error if stated else None)
        for visit in self._visits:
            if not visit.is_open:
                continue
            if event.type == "ExecutionTimedOut":
                visit.end(event, failed, stated.error if stated else None)
            elif visit.pending is not None and event.type != "ExecutionAborted":
                visit.end(event, "failed", visit.pending.error)
            else:
                visit.end(event, "given up", None)

    def _reopen(self, stack: _Stack) -> None:
        """Open a failed state again that a redrive resumes."""
        for frame in stack if self._to_reopen else ():
            if frame.visit.made.number in self._to_reopen:
                self._to_reopen.discard(frame.visit.made.number)
                frame.visit.pending = None
                frame.visit.set(status="open", ended=None, error=None)


def _stated(event: Event, default: str | None = None) -> Failure | None:
    """Return the failure that an event reports, if it has an error or a cause."""
    error = event.details.get("error")
    cause = event.details.get("cause")
    if error is None and cause is None and default is None:
        return None
    name = str(error) if error is not None else default
    return Failure(event.id, event.time, name, None if cause is None else str(cause))


def _is_below(one: _Visit, other: _Visit) -> bool:
    parent = one.parent
    while parent is not None:
        if parent is other:
            return True
        parent = parent.parent
    return False


def first_states(definition: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the first states of the branches of each Parallel of a definition, by its name."""
    return {
        state.name: [str(branch.start_at) for branch in state.machines]
        for state in Definition(definition).states.values()
        if state.kind == "Parallel"
    }
