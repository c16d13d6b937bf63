"""What a step tells those who watch it.

A watcher gets counters, names and sizes, never a value of a state. A watcher that fails does not
fail the step.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from statebag.telemetry import usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from statebag.telemetry.usage import Usage

__all__ = ["Done", "Span", "Watcher", "span", "spans_through", "watched"]


class Done(msgspec.Struct, frozen=True):
    """One step of a workflow that has ended.

    Attributes:
        function: The Lambda function's name; empty where there is none.
        action: The state data manager's action, or `step`.
        execution: The execution's id as the event gives it; None where it gives none.
        scope: Where the step's objects go; None if the event gives none.
        state: The state's name, from the event's `state_name`; None where it gives none.
        seconds: From the event to the answer, the handler's own work included.
        usage: What it cost.
        error: The name of the error that it ended with; None where it ended well.
    """

    function: str
    action: str
    execution: str | None
    scope: str | None
    state: str | None
    seconds: float
    usage: Usage
    error: str | None


class Watcher(Protocol):
    """Told of each step."""

    def ended(self, done: Done) -> None:
        """A step has ended."""
        ...


class Span(Protocol):
    """A piece of work on a trace."""

    def set(self, **attributes: int | str) -> None:
        """Say more of it: counts, sizes and names."""
        ...


class _NoSpan:
    def set(self, **attributes: int | str) -> None:
        pass


_NOTHING: AbstractContextManager[Span] = nullcontext(_NoSpan())
_start: Callable[[str], AbstractContextManager[Span]] | None = None


def span(name: str) -> AbstractContextManager[Span]:
    """A span around a piece of work; nothing at all where nobody traces."""
    return _NOTHING if _start is None else _start(name)


def spans_through(start: Callable[[str], AbstractContextManager[Span]] | None) -> None:
    """From now on spans are started by this function; None starts none."""
    global _start  # noqa: PLW0603 (one tracer a process, as OpenTelemetry has it)
    _start = start


@contextmanager
def watched(
    watchers: tuple[Watcher, ...],
    event: Any,
    context: Any,
    action: str,
    execution: str | None,
    scope: str | None,
) -> Iterator[None]:
    """Around one step: tells all watchers how it ended.

    Args:
        watchers: Whom to tell; nothing is measured for nobody.
        event: The Lambda's event; only `state_name` is looked at.
        context: The Lambda's context.
        action: What is done.
        execution: The execution's id.
        scope: Where objects go.
    """
    if not watchers:
        yield
        return
    began = perf_counter()
    error: str | None = None
    try:
        with usage.measured() as spent, span("statebag.step") as step:
            if scope is not None:
                step.set(scope=scope)
            yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        state = event.get("state_name") if isinstance(event, dict) else None
        done = Done(
            function=getattr(context, "function_name", ""),
            action=action,
            execution=execution,
            scope=scope,
            state=state if isinstance(state, str) else None,
            seconds=perf_counter() - began,
            usage=spent,
            error=error,
        )
        for watcher in watchers:
            _tell(watcher, done)


def _tell(watcher: Watcher, done: Done) -> None:
    try:
        watcher.ended(done)
    except Exception as error:  # noqa: BLE001 (a step's result is worth more than its metrics)
        import logging  # noqa: PLC0415 (slow, and only here)

        logging.getLogger("statebag").warning(
            "%s could not be told of a step: %s", type(watcher).__name__, type(error).__name__
        )
