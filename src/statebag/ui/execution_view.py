"""Return one execution as JSON values for the page: an overview, its steps, its timeline.

No value of a state is in any of them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.history.causes import shown_cause
from statebag.history.log import standing_dict
from statebag.ui.machine_graph import draw, draw_seen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.history.replay import Transition
    from statebag.ui.seen_execution import SeenExecution

__all__ = ["STEPS_AT_ONCE", "graph_of", "overview", "step_page", "timeline_of"]

STEPS_AT_ONCE = 500
"""Steps of one answer. Chosen: some screens of them."""

_MEASURED_AT_ONCE = 400  # payloads that one answer measures. Chosen: a fifth of a second
_LEFT_WELL = {"left", "open"}


def overview(seen: SeenExecution, *, causes: bool = False) -> dict[str, Any]:
    """Return what the head of the page shows: the status, times, and what to do next.

    Args:
        seen: The execution.
        causes: Whether to show causes that may quote values.

    Returns:
        Each call reads more of a long history. `reading` is the share that was read so far, and
        steps and errors are those in it; once everything was read, it is None.
    """
    snapshot = seen.look()
    events, newest = snapshot.history.events, snapshot.newest
    stands = standing_dict(snapshot.stands, causes=causes)
    failures = sum(len(one.failures) for one in snapshot.made)
    return {
        "arn": seen.arn.arn,
        "machine": seen.arn.machine,
        "name": seen.arn.name,
        "is_local": seen.source.is_local,
        "number": snapshot.number,
        "started": events[0].time.isoformat() if events else None,
        "seconds": (newest.time - events[0].time).total_seconds() if events and newest else None,
        "events": len(events) if snapshot.is_whole or newest is None else newest.id,
        "reading": None if snapshot.is_whole else snapshot.share,
        "transitions": len(snapshot.made),
        "longest": max((_seconds(one) or 0.0 for one in snapshot.made), default=0.0),
        "failures": failures,
        "retries": sum(max(0, one.attempts - 1) for one in snapshot.made),
        "limit": PAYLOAD_LIMIT,
        "largest": seen.largest(),
        "stands": {**stands, "has_cause": bool(snapshot.stands.cause)},
    }


def graph_of(seen: SeenExecution) -> dict[str, Any]:
    """Return the drawing of its machine, and what each state did so far."""
    made = seen.known().made
    definition = seen.source.definition
    drawing = draw_seen(made) if definition is None else draw(definition)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in made:
        of_state = counts[one.state]
        of_state["entered"] += 1
        of_state[one.status] += 1
        of_state["failures"] += len(one.failures)
        of_state["event"] = one.entered
        size = max(seen.known_sizes(one.entered)[0], seen.known_sizes(one.left)[0])
        of_state["largest"] = max(of_state["largest"], size)
    return {
        "width": drawing.width,
        "height": drawing.height,
        "boxes": [{**box, "did": dict(counts.get(box["name"], {}))} for box in drawing.boxes],
        "lines": drawing.lines,
        "left_out": drawing.left_out,
        "is_seen_only": definition is None,
    }


def timeline_of(seen: SeenExecution, points: int) -> dict[str, Any]:
    """Return the size of each step's payload, joined into at most `points` points.

    Each call measures some more payloads, so that more opened sizes are known.

    Args:
        seen: The execution.
        points: How many points at most.

    Returns:
        `first`: the number of the first step of each point; `sealed` and `opened`: the largest
        bytes in it, -1 if none are known; `bad`: whether a step in it failed.
    """
    is_measured = seen.measure(_MEASURED_AT_ONCE)
    made = seen.known().made
    sealed, opened = seen.columns()
    width = max(1, -(-len(made) // max(points, 1)))
    starts = range(0, len(made), width)
    return {
        "limit": PAYLOAD_LIMIT,
        "steps": len(made),
        "width": width,
        "first": [start + 1 for start in starts],
        "events": [made[start].entered for start in starts],
        "sealed": [max(sealed[start : start + width]) for start in starts],
        "opened": [max(opened[start : start + width]) for start in starts],
        "bad": [any(_is_bad(one) for one in made[start : start + width]) for start in starts],
        "is_measured": is_measured,
        "largest_opened": max(opened, default=-1),
    }


def step_page(
    seen: SeenExecution,
    start: int,
    count: int,
    *,
    only: str = "all",
    text: str = "",
    causes: bool = False,
) -> dict[str, Any]:
    """Return some steps, in the order in which they were entered.

    Args:
        seen: The execution.
        start: The first one among the selected steps, from 0.
        count: How many at most.
        only: `all`, `errors` (those that failed or were retried) or `open`.
        text: Only steps whose path has this text, in any case of letters.
        causes: Whether to show causes that may quote values.
    """
    wanted = text.casefold()
    made = seen.known().made
    chosen = made
    if only != "all" or wanted:
        chosen = [one for one in made if _is_chosen(one, only, wanted)]
    shown = chosen[start : start + min(count, STEPS_AT_ONCE)]
    return {
        "start": start,
        "total": len(chosen),
        "steps": [_step(seen, one, causes=causes) for one in shown],
    }


def _is_bad(one: Transition) -> bool:
    return bool(one.failures) or one.status not in _LEFT_WELL


def _is_chosen(one: Transition, only: str, wanted: str) -> bool:
    if only == "errors" and not _is_bad(one):
        return False
    if only == "open" and one.status != "open":
        return False
    return wanted in one.path.casefold()


def _step(seen: SeenExecution, one: Transition, *, causes: bool) -> dict[str, Any]:
    given, left = seen.known_sizes(one.entered), seen.known_sizes(one.left)
    return {
        "number": one.number,
        "state": one.state,
        "kind": one.kind,
        "path": one.path,
        "depth": one.depth,
        "entered": one.entered,
        "left": one.left,
        "started": one.started.isoformat(),
        "seconds": _seconds(one),
        "status": one.status,
        "attempts": one.attempts,
        "error": one.error,
        "input": given[0],
        "input_opened": given[1],
        "output": left[0],
        "output_opened": left[1],
        "failures": _failures(one, causes=causes),
    }


def _seconds(one: Transition) -> float | None:
    return None if one.ended is None else (one.ended - one.started).total_seconds()


def _failures(one: Transition, *, causes: bool) -> Iterable[dict[str, Any]]:
    return [
        {
            "event": failure.event,
            "error": failure.error,
            "cause": shown_cause(failure.error, failure.cause, everything=causes),
            "has_cause": bool(failure.cause),
        }
        for failure in one.failures
    ]
