"""What one run shares between the engine and the corrections of the interpreter."""

from __future__ import annotations

import builtins
import json
import threading
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from statebag import errors
from statebag.asl.payload import payload_size
from statebag.local.execution import Handler, LocalTransition, Observer
from statebag.local.expressions import Expressions
from statebag.local.lambda_invocation import Answer, invoke
from statebag.local.reads import Bags, Refusal, RefusedError
from statebag.local.stubs import first_stub, marks_of, read_of, unread_place
from statebag.telemetry.stub_aware import watched_for_reading
from statebag.telemetry.usage import Usage, measured

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from statebag.local.records import Records
    from statebag.local.tokens import TokenDesk

__all__ = ["NOT_OPENED", "Run", "Visit"]

NOT_OPENED = "Statebag.NotOpened"
"""The error of a run in which a function was given a stub and did not open it."""

_OWN_ERRORS = frozenset(errors.__all__)
_LARGEST = ("plain_bytes", "bag_bytes")  # of a Usage: these are peaks, the rest are sums


@dataclass
class Visit:
    """A state from its entering to its leaving.

    Attributes:
        state: The interpreter's state object.
        error: The error that the state ended with, also where a Catch took it.
    """

    number: int
    name: str
    kind: str
    path: str
    state: Any
    input_bytes: int
    started: float = field(default_factory=time.perf_counter)
    usage: Usage | None = None
    attempts: int = 0
    error: str | None = None


@dataclass
class Run:
    """One call of `run_definition`.

    Attributes:
        name: The state machine's name.
        region: The region in every ARN.
        functions: Handlers by function name.
        observer: Told of every state.
        wait_scale: What the seconds of Wait states and of Retry intervals are multiplied by.
        tokens: Where waiting task tokens are kept.
        records: Where histories are kept; None where they are not.
        expressions: Evaluates what may never end.
        branches: The first states of all Parallels that have been seen.
        bags: The bags that were made in the run.
        allow_unopened: Patterns of names of functions that may leave stubs unread.
        failure: What an observer raised; it ends the run.
        refusal: Why the run was ended, where it was.
        warnings: What was found and did not end the run, each once.
        timed_out: Whether the run was given up for its own `timeout_seconds`.
        given_up_in: The paths of the states that were at work then.
    """

    name: str
    region: str
    functions: Mapping[str, Handler]
    observer: Observer
    wait_scale: float
    tokens: TokenDesk
    records: Records | None = None
    expressions: Expressions = field(default_factory=Expressions)
    branches: dict[str, list[str]] = field(default_factory=dict)
    bags: Bags = field(default_factory=Bags)
    allow_unopened: Collection[str] = ()
    failure: BaseException | None = None
    refusal: Refusal | None = None
    warnings: dict[str, None] = field(default_factory=dict)
    timed_out: bool = False
    given_up_in: tuple[str, ...] = ()
    _transitions: list[LocalTransition] = field(default_factory=list)
    _entered: int = 0
    _open: dict[int, str] = field(default_factory=dict)
    _calls: int = 0
    _read: set[str] = field(default_factory=set)
    _failed_unread: list[tuple[str, str, Visit | None]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _idle: threading.Condition = field(default_factory=threading.Condition)
    _ended: dict[str, threading.Event] = field(default_factory=dict)

    @property
    def transitions(self) -> tuple[LocalTransition, ...]:
        """All states that were left, in the order in which they were entered."""
        with self._lock:
            return tuple(sorted(self._transitions, key=lambda transition: transition.number))

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The paths of the states that were entered and not left, without those around them."""
        with self._lock:
            paths = tuple(self._open.values())
        return tuple(
            path
            for path in paths
            if not any(other.startswith((f"{path}/", f"{path}[")) for other in paths)
        )

    def enter(self, state: Any, kind: str, path: str, value: Any) -> Visit:
        """A state was entered with `value` as its input."""
        with self._lock:
            self._entered += 1
            visit = Visit(self._entered, state.name, kind, path, state, payload_size(value))
            self._open[visit.number] = path
            self._tell(lambda: self.observer.state_entered(visit.name, kind, path))
        return visit

    def leave(self, visit: Visit, output_bytes: int) -> None:
        """A state was left."""
        transition = LocalTransition(
            number=visit.number,
            state=visit.name,
            kind=visit.kind,
            path=visit.path,
            seconds=time.perf_counter() - visit.started,
            input_bytes=visit.input_bytes,
            output_bytes=output_bytes,
            usage=visit.usage,
            error=visit.error,
            attempts=visit.attempts,
        )
        with self._lock:
            self._open.pop(visit.number, None)
            self._transitions.append(transition)
            self._tell(lambda: self.observer.state_left(transition))

    def waiting_for_token(self, token: str, state: str) -> None:
        """A task was started and waits for its token."""
        with self._lock:
            self._tell(lambda: self.observer.waiting_for_token(token, state))

    def _tell(self, call: Any) -> None:
        try:
            call()
        except BaseException as error:
            self.failure = self.failure or error
            self.wake()
            raise

    def call(
        self, name: str, event: Any, visit: Visit | None, timeout_seconds: float | None
    ) -> Answer:
        """Call a function's handler, and count what it costs for the state that calls it."""
        with self._idle:
            self._calls += 1
        try:
            stub = first_stub(event)
            marks = frozenset() if stub is None else marks_of(event)
            read: set[str] = set()

            def given(value: Any) -> bool:
                found = read_of(marks, value)
                read.update(found)
                return bool(found) or not marks

            with measured() as usage, watched_for_reading(given) as aware:
                answer = invoke(
                    self.functions[name],
                    event,
                    name=name,
                    region=self.region,
                    timeout_seconds=timeout_seconds,
                )
        finally:
            with self._idle:
                self._calls -= 1
                self._idle.notify_all()
        if visit is not None:
            visit.attempts += 1
            visit.usage = usage if visit.usage is None else _together(visit.usage, usage)
        if aware.reads:
            with self._lock:
                self._read.add(name)
            self._failed_beside(name, unread_place(event, frozenset(read)), visit, answer)
        elif stub is not None:
            self._left_unread(name, stub, visit, answer)
        return answer

    def check_read(self) -> None:
        """Refuse a run that succeeded over errors of a function that never read its stubs.

        An error of a function's own may have to do with a stub that it found in place of a value,
        or not. Who failed once before reading, as some tests do, and read at another try, is in
        the right; and an error that ends the run is seen.
        """
        with self._lock:
            left = [one for one in self._failed_unread if one[0] not in self._read]
        for name, stub, visit in left:
            try:
                self._not_opened(name, stub, visit)
            except RefusedError:
                return

    def warn_of_unread(self) -> None:
        """Say of a run that failed which functions failed with a stub that they had not opened.

        An error that ends the run is seen, but not that a stub may be why.
        """
        with self._lock:
            left = [one for one in self._failed_unread if one[0] not in self._read]
        for name, stub, visit in left:
            self._warn_of(name, stub, visit)

    def _failed_beside(
        self, name: str, stub: str | None, visit: Visit | None, answer: Answer
    ) -> None:
        """Say that a function which opened one stub failed, as code does that finds another."""
        if stub is None or not answer.failed:
            return
        kind = json.loads(answer.text)["errorType"]
        if kind not in _OWN_ERRORS and _is_built_in(kind):
            self._warn_of(name, stub, visit)

    def _warn_of(self, name: str, stub: str, visit: Visit | None) -> None:
        state = visit.name if visit is not None else name
        with self._lock:
            self.warnings[
                f"The state {state!r} gives a stub to the function {name} at {stub} of its event. "
                f"{name} did not open it, and failed. If it works with the value there, put "
                "@statebag.step around its handler, or open the value with Statebag().open."
            ] = None

    def _left_unread(self, name: str, stub: str, visit: Visit | None, answer: Answer) -> None:
        kind = json.loads(answer.text)["errorType"] if answer.failed else None
        if kind in _OWN_ERRORS:
            return
        if kind is None or _is_built_in(kind):
            self._not_opened(name, stub, visit)
            return
        with self._lock:
            self._failed_unread.append((name, stub, visit))

    def refuse(self, refusal: Refusal) -> None:
        """End the run as one that failed; no Catch takes it."""
        with self._lock:
            self.refusal = self.refusal or refusal
        self.wake()

    def check_goes_on(self) -> None:
        """Let no state begin in a run that was ended, whatever a Catch takes.

        Raises:
            RefusedError: It was.
        """
        if self.refusal is not None:
            raise RefusedError(self.refusal.cause)

    def _not_opened(self, name: str, stub: str, visit: Visit | None) -> None:
        """A function was given a stub, and did not read it through this library."""
        state = visit.name if visit is not None else name
        found = (
            f"The state {state!r} gives a stub to the function {name} at {stub} of its event, and "
            f"{name} did not open it: it worked on the stub in place of the value."
        )
        if any(fnmatchcase(name, pattern) for pattern in self.allow_unopened):
            with self._lock:
                self.warnings[found] = None
            return
        remedy = (
            f" Put @statebag.step around its handler, open the value in it with Statebag().open, "
            f"or pass it control paths only. If it hands the bag on and reads nothing of it, "
            f"decorate it with @statebag.step(only=[]), or allow it: --allow-unopened {name}."
        )
        self.refuse(Refusal(NOT_OPENED, state, found + remedy))
        raise RefusedError(found)

    def wait_for_states(self, seconds: float) -> None:
        """Wait until all states were left that were entered, so that each is a transition."""
        until = time.monotonic() + seconds
        while len(self._transitions) < self._entered and time.monotonic() < until:
            time.sleep(0.005)

    def wait_for_handlers(self, seconds: float) -> bool:
        """Wait until no handler is being called any more; False if some still is."""
        with self._idle:
            return self._idle.wait_for(lambda: self._calls == 0, seconds)

    def ended(self, arn: str) -> threading.Event:
        """The event that is set when the execution of this ARN has ended."""
        with self._lock:
            return self._ended.setdefault(arn, threading.Event())

    def wake(self) -> None:
        """Set all end events: the run must stop."""
        with self._lock:
            for event in self._ended.values():
                event.set()


def _is_built_in(error: str) -> bool:
    """Whether an error is one that code raises which finds a stub in place of a value."""
    kind = getattr(builtins, error, None)
    return isinstance(kind, type) and issubclass(kind, Exception)


def _together(one: Usage, other: Usage) -> Usage:
    left, right = one.as_dict(), other.as_dict()
    return Usage(
        **{
            name: max(left[name], right[name]) if name in _LARGEST else left[name] + right[name]
            for name in left
        }
    )
