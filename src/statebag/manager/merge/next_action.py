"""Decide what the workflow does next, by rules in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.manager.merge.control import whole_number
from statebag.manager.merge.verdict import failure_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.manager.statuses import Statuses

__all__ = ["next_action", "reaches_end", "standing"]


def next_action(
    result: Mapping[str, Any],
    state: Mapping[str, Any],
    statuses: Statuses,
    *,
    otherwise: str = "CONTINUE",
) -> str:
    """Return the next action after a result.

    In this order: a failure; the result's own `next_action`; its `status`; `COMPLETE` when
    `segment_to_run` has reached `total_segments`; `otherwise`.

    Args:
        result: A step's result.
        state: The state that the result was merged into.
        statuses: The table of statuses.
        otherwise: The next action for a result that decides nothing.

    Raises:
        InvalidState: The table does not have the `next_action` or the status.
    """
    if failure_of(result, statuses) is not None:
        return "FAILED"
    own, status = result.get("next_action"), result.get("status")
    if own is not None:
        return statuses.by_name(own)
    if status is not None:
        return statuses.by_status(status)
    return "COMPLETE" if reaches_end(state) else otherwise


def standing(state: Mapping[str, Any], statuses: Statuses) -> str:
    """Return the next action that a state already has, if no result decides."""
    own = statuses.of_name(state.get("next_action"))
    if own is not None:
        return own
    return "COMPLETE" if reaches_end(state) else "CONTINUE"


def reaches_end(state: Mapping[str, Any]) -> bool:
    """Return whether `segment_to_run` has reached `total_segments`; False if one is unknown."""
    total, segment = state.get("total_segments"), state.get("segment_to_run")
    if total is None or segment is None:
        return False
    return whole_number(segment, "segment_to_run") >= whole_number(total, "total_segments")
