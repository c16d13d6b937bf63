"""Make a line of a log for each transition: its sizes, and what it changed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from statebag.asl.payload import payload_size
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.errors import StatebagError
from statebag.history.causes import shown_cause
from statebag.opening.bag_difference import bag_differences
from statebag.opening.inspection import inspect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from statebag.history.events import Payload
    from statebag.history.replay import Failure, Transition
    from statebag.history.standing import Standing, Waiting

__all__ = ["MOST_CHANGES", "Line", "LogPlace", "as_dict", "log_of", "standing_dict"]

MOST_CHANGES = 200
"""Changes of one transition that are listed; of the others, the number is reported. Chosen: a
reader looks at some, and a transition may change a million."""


@dataclass(frozen=True, slots=True)
class LogPlace:
    """A change: its path, its kind, and the opened sizes before and after, in bytes."""

    path: str
    kind: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Line:
    """A transition with its sizes and changes.

    Attributes:
        transition: The transition.
        state_bytes: Bytes of the opened output's JSON text; None if not known.
        bag_bytes: Bytes of the output as the engine's limit counts it; None if not known.
        changes: The differences between its input and its output; None if not known.
        changes_left_out: How many more there are.
        note: Why something is not known; None if everything is.
    """

    transition: Transition
    state_bytes: int | None = None
    bag_bytes: int | None = None
    changes: tuple[LogPlace, ...] | None = None
    changes_left_out: int = 0
    note: str | None = None


def log_of(
    made: Iterable[Transition], differences: Callable[[Any, Any], Iterable[Any]] | None = None
) -> Iterator[Line]:
    """Yield the line of each transition.

    Args:
        made: The transitions.
        differences: Returns the differences of two bags, such as `Statebag.differences`, which
            reads the store. If it is None, only the bags are compared.
    """
    for one in made:
        yield _line(one, differences)


def _line(one: Transition, differences: Callable[[Any, Any], Iterable[Any]] | None) -> Line:
    if one.output is None or (one.output.given is None and not one.output.truncated):
        return Line(one)
    bag_bytes: int | None = None
    state_bytes: int | None = None
    try:
        after = _value(one.output)
        bag_bytes = payload_size(after)
        state_bytes = inspect(after).root.size
        if one.input is None:
            return Line(one, state_bytes, bag_bytes)
        found = iter((differences or bag_differences)(_value(one.input), after))
        changes = tuple(
            LogPlace(change.path, change.kind, change.before, change.after)
            for change in islice(found, MOST_CHANGES)
        )
        left_out = sum(1 for _ in found)
    except StatebagError as error:
        # If one state cannot be read, still show the others; the error names no value.
        return Line(one, state_bytes, bag_bytes, note=str(error))
    return Line(one, state_bytes, bag_bytes, changes, left_out)


def _value(payload: Payload) -> Any:
    return payload.value()


def as_dict(line: Line, *, causes: bool = False) -> dict[str, Any]:
    """Return a line as a JSON value; sizes in bytes, times in UTC.

    Args:
        line: The line.
        causes: Whether to include causes that may hold values of the state.
    """
    one = line.transition
    changes = None
    if line.changes is not None:
        changes = [
            {
                "path": change.path,
                "kind": change.kind,
                "before": change.before,
                "after": change.after,
            }
            for change in line.changes
        ]
    share = None if line.bag_bytes is None else round(line.bag_bytes / PAYLOAD_LIMIT, 6)
    return {
        "number": one.number,
        "event": one.entered,
        "exit_event": one.left,
        "last_event": one.last,
        "time": _text(one.started),
        "ended": None if one.ended is None else _text(one.ended),
        "state": one.state,
        "kind": one.kind,
        "path": one.path,
        "status": one.status,
        "attempts": one.attempts,
        "error": one.error,
        "failures": [_failure(failure, causes=causes) for failure in one.failures],
        "state_bytes": line.state_bytes,
        "bag_bytes": line.bag_bytes,
        "limit_share": share,
        "changes": changes,
        "changes_left_out": line.changes_left_out,
        "map_run": one.map_run,
        "note": line.note,
    }


def standing_dict(stands: Standing, *, causes: bool = False) -> dict[str, Any]:
    """Return the status of an execution as a JSON value, the last line of a log."""
    state = stands.state
    return {
        "status": stands.status,
        "since": None if stands.since is None else _text(stands.since),
        "event": stands.event,
        "error": stands.error,
        "cause": shown_cause(stands.error, stands.cause, everything=causes),
        "state": None if state is None else state.path,
        "state_event": None if state is None else state.entered,
        "waiting": [_open(one) for one in stands.waiting],
        "advice": stands.advice,
    }


def _failure(failure: Failure, *, causes: bool) -> dict[str, Any]:
    return {
        "event": failure.event,
        "time": _text(failure.time),
        "error": failure.error,
        "cause": shown_cause(failure.error, failure.cause, everything=causes),
    }


def _open(one: Waiting) -> dict[str, Any]:
    return {
        "state": one.transition.path,
        "event": one.event,
        "reason": one.reason,
        "since": _text(one.since),
        "timeout": one.timeout,
        "heartbeat": one.heartbeat,
    }


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
