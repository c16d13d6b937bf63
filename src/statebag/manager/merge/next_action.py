"""What the workflow does next: one fixed order of rules, and one table of statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_type import json_type
from statebag.manager.merge.control import whole_number

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["BY_STATUS", "NEXT_ACTIONS", "advance", "next_action", "reaches_end"]

NEXT_ACTIONS: tuple[str, ...] = (
    "STARTED",
    "CONTINUE",
    "COMPLETE",
    "FAILED",
    "HALTED",
    "PAUSED_FOR_HITP",
    "PAUSED_FOR_ASYNC_LLM",
    "PARALLEL_GROUP",
    "SEQUENTIAL_BRANCH",
)

BY_STATUS: dict[str, str] = {
    "COMPLETE": "COMPLETE",
    "COMPLETED": "COMPLETE",
    "SUCCEEDED": "COMPLETE",
    "SUCCESS": "COMPLETE",
    "FAILED": "FAILED",
    "ERROR": "FAILED",
    "CONTINUE": "CONTINUE",
    "RUNNING": "CONTINUE",
    "PAUSED_FOR_HITP": "PAUSED_FOR_HITP",
    "PAUSED_FOR_ASYNC_LLM": "PAUSED_FOR_ASYNC_LLM",
    "PARALLEL_GROUP": "PARALLEL_GROUP",
    "SEQUENTIAL_BRANCH": "SEQUENTIAL_BRANCH",
}


def next_action(
    result: Mapping[str, Any], state: Mapping[str, Any], *, added: Collection[str] = ()
) -> str:
    """The next action after a result.

    In this order: an error; the result's own `next_action`, if it is a known one; its
    `status`; `COMPLETE` when `segment_to_run` has reached `total_segments`; `CONTINUE`.

    Args:
        result: A step's result.
        state: The state that the result was merged into.
        added: Further next actions that the manager's settings name.

    Raises:
        InvalidState: A status that is in no table.
    """
    if result.get("error"):
        return "FAILED"
    own = result.get("next_action")
    if isinstance(own, str) and (own in NEXT_ACTIONS or own in added):
        return own
    status = result.get("status")
    if status is not None:
        return _by_status(status)
    return "COMPLETE" if reaches_end(state) else "CONTINUE"


def _by_status(status: Any) -> str:
    if isinstance(status, str) and status in BY_STATUS:
        return BY_STATUS[status]
    raise InvalidState(
        "status has none of the known names"
        if isinstance(status, str)
        else f"status must be a string, not {json_type(status)}",
        path="$.status",
        hint=f"Use {', '.join(BY_STATUS)}, or give the result a next_action.",
    )


def reaches_end(state: Mapping[str, Any]) -> bool:
    """Whether `segment_to_run` has reached `total_segments`, where both are known."""
    total, segment = state.get("total_segments"), state.get("segment_to_run")
    if total is None or segment is None:
        return False
    return whole_number(segment, "segment_to_run") >= whole_number(total, "total_segments")


def advance(state: Mapping[str, Any], result: Mapping[str, Any], *, by: int) -> dict[str, Any]:
    """The state at the segment that the result names, else `by` segments further.

    Args:
        state: With `segment_to_run`; where it has none, only a named segment is set.
        result: With `next_segment_to_run`, if it names one.
        by: 0 or 1.
    """
    named = result.get("next_segment_to_run")
    if named is not None:
        return {**state, "segment_to_run": whole_number(named, "next_segment_to_run")}
    segment = state.get("segment_to_run")
    if segment is None or not by:
        return dict(state)
    return {**state, "segment_to_run": whole_number(segment, "segment_to_run") + by}
