"""Report the end of each step to watchers.

A watcher gets counters, names and sizes, never a value of a state. If a watcher fails, the step
does not.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from statebag.format.names import scope_of_execution
from statebag.telemetry import usage
from statebag.telemetry.log_warnings import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from statebag.telemetry.usage import Usage

__all__ = [
    "Done",
    "Span",
    "StepNames",
    "Watcher",
    "belongs_to",
    "current_names",
    "span",
    "spans_through",
    "watched",
]


class Done(msgspec.Struct, frozen=True):
    """One step of a workflow that has ended.

    Attributes:
        function: The Lambda function's name; empty if there is none.
        action: The state data manager's action, or `step`.
        execution: `<state machine>/<execution name>`, which `scope_of_execution` makes from the id
            in the event or its state. None if they have no id.
        execution_arn: Its ARN, if the id is an ARN.
        scope: Where the step's objects go; None if the event gives none.
        state: The state's name, from the event's `state_name`; None if it has none.
        seconds: The time from the event to the answer, including the handler's own work.
        usage: What it cost.
        error: The name of the error that it ended with; None if it succeeded.
    """

    function: str
    action: str
    execution: str | None
    execution_arn: str | None
    scope: str | None
    state: str | None
    seconds: float
    usage: Usage
    error: str | None


class Watcher(Protocol):
    """A listener that is called for each step."""

    def ended(self, done: Done) -> None:
        """Receive the report of a step that ended."""
        ...


class Span(Protocol):
    """A span of a trace."""

    def set(self, **attributes: int | str) -> None:
        """Add attributes: counts, sizes and names."""
        ...


class _NoSpan:
    def set(self, **attributes: int | str) -> None:
        pass


_NOTHING: AbstractContextManager[Span] = nullcontext(_NoSpan())
_start: Callable[[str], AbstractContextManager[Span]] | None = None


def span(name: str) -> AbstractContextManager[Span]:
    """Return a span around a piece of work, which does nothing unless tracing is on."""
    return _NOTHING if _start is None else _start(name)


def spans_through(start: Callable[[str], AbstractContextManager[Span]] | None) -> None:
    """Set the function that starts spans; None turns them off."""
    global _start  # noqa: PLW0603 (one tracer a process, as OpenTelemetry has it)
    _start = start


class StepNames(msgspec.Struct):
    """The names that every metric, span and log line of one step has, as in `Done`."""

    function: str | None
    action: str
    execution: str | None
    execution_arn: str | None
    scope: str | None
    state: str | None

    def as_dict(self) -> dict[str, str]:
        """Return the names that are known."""
        names = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: value for name, value in names if value is not None}

    def of_execution(self, identity: str | None) -> None:
        """Take the names of an execution from its id, in whatever form."""
        self.execution = None if identity is None else scope_of_execution(identity)
        self.execution_arn = None if identity in {None, self.execution} else identity


_now: ContextVar[StepNames | None] = ContextVar("statebag_step", default=None)


def current_names() -> dict[str, str]:
    """Return the names of the current step, in this thread or in one that it started."""
    names = _now.get()
    return {} if names is None else names.as_dict()


def belongs_to(identity: str | None, scope: str) -> None:
    """Record which execution the current step belongs to, once its state has shown it.

    Args:
        identity: The execution's id; None if the state has none.
        scope: Where objects go.
    """
    names = _now.get()
    if names is not None:
        names.scope = scope
        if identity is not None:
            names.of_execution(identity)


@contextmanager
def watched(
    watchers: tuple[Watcher, ...],
    event: Any,
    context: Any,
    action: str,
    execution: str | None,
    scope: str | None,
) -> Iterator[None]:
    """Run one step, and report its end to all watchers.

    Args:
        watchers: The watchers; if there are none, nothing is measured.
        event: The event of the Lambda function; only `state_name` is read.
        context: The Lambda's context.
        action: What is done.
        execution: The execution's id, an ARN or `<state machine>/<execution name>`.
        scope: Where objects go.
    """
    if not watchers:
        yield
        return
    state = event.get("state_name") if isinstance(event, dict) else None
    names = StepNames(
        getattr(context, "function_name", None) or None,
        action,
        None,
        None,
        scope,
        state if isinstance(state, str) else None,
    )
    names.of_execution(execution)
    token = _now.set(names)
    began = perf_counter()
    error: str | None = None
    try:
        with usage.measured() as spent, span("statebag.step") as step:
            try:
                yield
            finally:
                known = names.as_dict()
                known.pop("function", None)  # the tracer's resource says it
                step.set(**known)
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        done = Done(
            function=names.function or "",
            action=names.action,
            execution=names.execution,
            execution_arn=names.execution_arn,
            scope=names.scope,
            state=names.state,
            seconds=perf_counter() - began,
            usage=spent,
            error=error,
        )
        for watcher in watchers:
            _tell(watcher, done)
        _now.reset(token)


def _tell(watcher: Watcher, done: Done) -> None:
    try:
        watcher.ended(done)
    except Exception as error:  # noqa: BLE001 (a step's result is worth more than its metrics)
        warn(
            "NotReported",
            "%s failed on the report of a step: %s",
            type(watcher).__name__,
            type(error).__name__,
        )
