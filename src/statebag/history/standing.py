"""Find the status of an execution: what it waits for, or why it ended, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from statebag.history.causes import advice_for
from statebag.history.events import END_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from statebag.history.events import History
    from statebag.history.replay import Transition

__all__ = ["Reason", "Standing", "Waiting", "standing"]

Reason = Literal[
    "token", "worker", "job", "function", "retry", "time", "iterations", "children", "next"
]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A state that is open, with no open state in it.

    Attributes:
        transition: The state.
        reason: What it waits for: its task `token`, an activity's `worker`, the end of a `job`, a
            `function`, its next `retry`, a `time`, `iterations` of a Map to begin, the `children`
            of a distributed one, or `next` if the history does not say.
        since: When that began.
        event: The number of the event that reports it.
        timeout: Seconds after which the task fails, if it has such a limit.
        heartbeat: Seconds without a heartbeat after which it fails, if it has such a limit.
    """

    transition: Transition
    reason: Reason
    since: datetime
    event: int
    timeout: int | None = None
    heartbeat: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """The status of an execution.

    Attributes:
        status: `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`; `LOST` if it has not
            ended and the process that ran it is gone.
        since: When that began.
        event: The number of the event that reports it.
        error: The name of the error that it ended with.
        cause: Its cause, which may hold values.
        state: The state in which it failed.
        waiting: The open states, the longest open first.
        advice: What to do, a line for each thing; None if there is nothing to do.
        map_run: The ARN of the run of a distributed Map whose children made it fail, also if a
            Catch took the Map's error first; None if there is none.
    """

    status: str
    since: datetime | None
    event: int
    error: str | None = None
    cause: str | None = None
    state: Transition | None = None
    waiting: tuple[Waiting, ...] = ()
    advice: str | None = None
    map_run: str | None = None


def standing(
    history: History,
    made: list[Transition],
    *,
    is_local: bool = False,
    failed_child: Callable[[str], str | None] | None = None,
) -> Standing:
    """Return the status of an execution.

    Args:
        history: Its history.
        made: Its transitions.
        is_local: Whether it ran on this machine.
        failed_child: Returns the ARN of the first child of a Map Run that failed, or None if none
            did. None if there is no such function.
    """
    if not history.events:
        return Standing("RUNNING", None, 0, advice="Its history is still empty: ask again.")
    newest = history.events[-1]
    status = END_STATUSES.get(newest.type)
    if status is None:
        return _going_on(history, made, is_local=is_local)
    cause = newest.details.get("cause")
    if status == "SUCCEEDED":
        return Standing(status, newest.time, newest.id)
    default = "States.Timeout" if status == "TIMED_OUT" else None
    named = newest.details.get("error") or default
    error = None if named is None else str(named)
    state = _where_it_failed(made, status)
    advice = None
    map_run = _failed_map_run(made, state)
    if state is not None:
        advice = advice_for(error, event=state.entered, arn=history.arn, is_local=is_local)
        if map_run is not None:
            advice = f"{_child_advice(map_run, failed_child, is_local=is_local)}{advice}"
    cause = None if cause is None else str(cause)
    return Standing(
        status, newest.time, newest.id, error, cause, state, advice=advice, map_run=map_run
    )


def _failed_map_run(made: list[Transition], state: Transition | None) -> str | None:
    """Return the run of the distributed Map that failed, or of the newest whose error was caught.

    After a Catch, a Fail state says that something failed, and the children say what.
    """
    if state is None or state.map_run is not None or state.kind != "Fail":
        return None if state is None else state.map_run
    caught = [one for one in made if one.status == "caught" and one.map_run is not None]
    return caught[-1].map_run if caught else None


def _child_advice(
    map_run: str, failed_child: Callable[[str], str | None] | None, *, is_local: bool
) -> str:
    """Return a line about the first child that failed; nothing if none did."""
    if not is_local:
        return (
            "Its failed children: aws stepfunctions list-executions --map-run-arn "
            f"{map_run} --status-filter FAILED (statebag log ARN shows one)\n"
        )
    child = None if failed_child is None else failed_child(map_run)
    return "" if child is None else f"Its first failed child: statebag log {child}\n"


def _where_it_failed(made: list[Transition], status: str) -> Transition | None:
    """Return the innermost state with the error; after an abort, one that was open."""
    wanted = {"FAILED": "failed", "TIMED_OUT": "timed out", "ABORTED": "given up"}[status]
    found = [one for one in made if one.status == wanted] or [
        one for one in made if one.status in {"failed", "timed out", "given up"}
    ]
    outer = max(found, key=_ending, default=None)
    if outer is None:
        return None
    # A Map or Parallel fails after a state inside it, and that state is the one to look at. The
    # history has no error of a Fail state that stands inside.
    inside = [
        one
        for one in found
        if one.path.startswith(f"{outer.path}[")
        and (one.error == outer.error or (one.kind == "Fail" and one.error is None))
    ]
    return max(inside, key=lambda one: (one.depth, *_ending(one)), default=outer)


def _ending(one: Transition) -> tuple[datetime, int]:
    return one.ended or one.started, one.entered


def _going_on(history: History, made: list[Transition], *, is_local: bool) -> Standing:
    newest = history.events[-1]
    waiting = tuple(
        sorted(
            (_waiting(history, one) for one in made if one.status == "open" and not one.busy),
            key=lambda one: one.since,
        )
    )
    if history.goes_on is False:
        gone = "The process that ran it is gone: run it again."
        return Standing("LOST", newest.time, newest.id, waiting=waiting, advice=gone)
    advice = _advice(history, waiting[0], is_local=is_local) if waiting else None
    return Standing("RUNNING", newest.time, newest.id, waiting=waiting, advice=advice)


def _waiting(history: History, one: Transition) -> Waiting:
    event = history.event(one.last or one.entered)
    task = one.task or {}
    timeout, heartbeat = task.get("timeoutInSeconds"), task.get("heartbeatInSeconds")
    return Waiting(
        one,
        _reason(one),
        event.time,
        event.id,
        timeout if isinstance(timeout, int) else None,
        heartbeat if isinstance(heartbeat, int) else None,
    )


def _reason(one: Transition) -> Reason:
    resource = str((one.task or {}).get("resource", ""))
    if one.failures and one.failures[-1].event == one.last:
        return "retry"
    if one.kind == "Wait":
        return "time"
    if one.kind == "Map":
        return "iterations" if one.map_run is None else "children"
    if one.kind != "Task" or one.task is None:
        return "next"
    if resource.endswith(".waitForTaskToken"):
        return "token"
    if ":activity:" in resource:
        return "worker"
    return "job" if ".sync" in resource else "function"


def _advice(history: History, first: Waiting, *, is_local: bool) -> str | None:
    arn = history.arn
    if first.reason == "token":
        # The token lets anybody who has it answer, so it is not shown here.
        own = "" if is_local else f" --execution {arn}"
        number = _sent_at(history, first)
        return (
            f"Its token is in what was sent: statebag cat {arn} --at {number}\n"
            f"Answer it: statebag answer TOKEN --output FILE{own}"
        )
    if first.reason == "children":
        run = first.transition.map_run
        return (
            None
            if is_local
            else f"Its children: aws stepfunctions list-executions --map-run-arn {run}"
        )
    return f"What it was given: statebag cat {arn} --at {first.transition.entered}"


def _sent_at(history: History, first: Waiting) -> int:
    """Return the event that scheduled the task."""
    number = first.event
    while number > first.transition.entered:
        event = history.event(number)
        if event.type.endswith("Scheduled"):
            return number
        number = event.previous
    return first.event
