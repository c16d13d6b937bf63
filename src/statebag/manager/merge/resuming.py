"""Decide where a workflow continues after a segment, a pause or a fork.

A result that waits or forks adds a resume point to the state: what the workflow waits for, and the
segment to continue at. Only an answer removes the point of a pause, and only a join that of a fork,
so each of them moves the workflow once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.unopened import equal
from statebag.manager.merge.control import whole_number
from statebag.manager.merge.history import is_repeated
from statebag.manager.merge.next_action import reaches_end, standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.manager.statuses import Statuses

__all__ = [
    "RESUME_POINT",
    "after_answer",
    "after_join",
    "after_result",
    "awaits_answer",
    "awaits_join",
    "join_place",
    "named_segment",
    "pausing",
    "pending_action",
]

RESUME_POINT = "resume_point"
"""The field with `after`, the next action that the workflow waits in, and `segment_to_run`."""

_SEGMENT = "segment_to_run"
_FORK = "PARALLEL_GROUP"


def named_segment(result: Mapping[str, Any]) -> int | None:
    """Return the next segment that a result names.

    Raises:
        InvalidState: It is not a whole number.
    """
    named = result.get("next_segment_to_run")
    return None if named is None else whole_number(named, "next_segment_to_run")


def after_result(
    state: Mapping[str, Any],
    before: Mapping[str, Any],
    result: Mapping[str, Any],
    action: str,
    statuses: Statuses,
    *,
    moves: bool,
) -> tuple[dict[str, Any], str]:
    """Return the state at the segment after a result, and the next action.

    Args:
        state: The state with the result merged, at the segment that the result names, if any.
        before: The state before.
        result: The result.
        action: The next action that the result decides.
        statuses: The table.
        moves: Whether it is the result of a segment, so that a `CONTINUE` without a segment moves
            to the next one.

    Raises:
        InvalidState: The segments are counted, and `segment_to_run` is not a number: the workflow
            would run the same segment for ever.
    """
    if is_repeated(result, before):
        place = {name: before[name] for name in (_SEGMENT, RESUME_POINT) if name in before}
        return {**state, **place}, standing(before, statuses)
    moved = _taken(state)
    named = named_segment(result)
    if named is None and not equal(moved.get(_SEGMENT), before.get(_SEGMENT)):
        named = _segment(moved)  # the control field of the result names it
    following = _following(moved) if named is None else named
    if action == _FORK or statuses.waits(action):
        return {**moved, RESUME_POINT: _point(action, following)}, action
    if action == "CONTINUE" and moves and named is None:
        was_behind_the_last = reaches_end(moved)
        if following is not None:
            moved[_SEGMENT] = following
        if reaches_end(moved) and not was_behind_the_last:
            action = "COMPLETE"
    return moved, action


def pending_action(state: Mapping[str, Any]) -> str | None:
    """Return the next action in which the workflow waits; None if there is no resume point."""
    point = state.get(RESUME_POINT)
    after = point.get("after") if isinstance(point, dict) else None
    return after if isinstance(after, str) else None


def awaits_answer(state: Mapping[str, Any], statuses: Statuses) -> bool:
    """Return whether the state says that the workflow waits for an answer."""
    return statuses.waits(pending_action(state)) or statuses.waits(state.get("next_action"))


def awaits_join(state: Mapping[str, Any]) -> bool:
    """Return whether the workflow waits for its branches; after a failed join it does not."""
    return state.get("next_action") == _FORK


def after_answer(
    state: Mapping[str, Any], result: Mapping[str, Any], statuses: Statuses
) -> dict[str, Any]:
    """Return the state at the segment that follows an answer.

    It is the segment that the answer names, else that of the pause, else the next one.
    """
    is_pause = statuses.waits(pending_action(state))
    moved = _taken(state) if is_pause else dict(state)
    following = named_segment(result)
    if following is None and is_pause:
        following = _segment(state[RESUME_POINT])
    if following is None:
        following = _following(moved)
    return moved if following is None else {**moved, _SEGMENT: following}


def after_join(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state at the segment that follows a fork; unchanged if no fork is recorded."""
    if pending_action(state) != _FORK:
        return dict(state)
    moved, following = _taken(state), _segment(state[RESUME_POINT])
    return moved if following is None else {**moved, _SEGMENT: following}


def join_place(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a state that identifies a join, and is the same before and after it."""
    point = state.get(RESUME_POINT)
    following = _segment(point) if isinstance(point, dict) else None
    return dict(state) if following is None else {**state, _SEGMENT: following}


def pausing(state: Mapping[str, Any], action: str) -> dict[str, Any]:
    """Return the state that waits for an answer at the segment after a join.

    Args:
        state: The state before the join.
        action: The next action in which it waits.
    """
    point = state.get(RESUME_POINT)
    following = _segment(point) if isinstance(point, dict) else None
    return {**state, RESUME_POINT: _point(action, following)}


def _taken(state: Mapping[str, Any]) -> dict[str, Any]:
    point = state.get(RESUME_POINT)
    is_ours = isinstance(point, dict) and "after" in point
    return {key: value for key, value in state.items() if key != RESUME_POINT or not is_ours}


def _point(action: str, following: int | None) -> dict[str, Any]:
    point: dict[str, Any] = {"after": action}
    return point if following is None else {**point, _SEGMENT: following}


def _segment(holder: Mapping[str, Any]) -> int | None:
    """Return the number of a segment; None if there is no segment, or segments have names."""
    try:
        return whole_number(holder.get(_SEGMENT), _SEGMENT)
    except InvalidState:
        return None


def _following(state: Mapping[str, Any]) -> int | None:
    segment = _segment(state)
    return None if segment is None else segment + 1
