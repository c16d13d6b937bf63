"""`sync_branch` for a state inside the branch's own state, as in a Map's iterator.

`{branch_id, segment_to_run, loop_counter, partition_map, state_data}`: a result merges into
`state_data`. The branch's own progress is next to it, because `state_data` predates the fork.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_text import wire_size
from statebag.format.json_type import json_type
from statebag.format.unopened import Unopened
from statebag.manager.actions.event_reader import BOOKKEEPING
from statebag.manager.actions.update import merged, sync
from statebag.manager.merge.resuming import RESUME_POINT, pending_action

if TYPE_CHECKING:
    from statebag.manager.actions.invocation import Invocation

__all__ = ["sync_branch"]

_INNER = "state_data"
_PROGRESS = ("segment_to_run", "loop_counter")
"""How far a branch is: fields of its own, which its routers read."""
_TOTAL = "total_segments"
_FORK = "PARALLEL_GROUP"
_PLAIN = ("branch_id", "branch_index", *_PROGRESS)


def sync_branch(invocation: Invocation) -> dict[str, Any]:
    """Return `{branch_state, next_action}`."""
    fields = invocation.branch_state()
    if fields.get(_INNER) is None:
        return sync(invocation, "branch_state")
    inner = fields[_INNER]
    if isinstance(inner, Unopened):
        inner = invocation.top(inner)
    if not isinstance(inner, dict):
        raise InvalidState(
            f"state_data must be an object, not {json_type(inner)}",
            path=f"$.branch_state.{_INNER}",
        )
    unread = {name: inner[name] for name in BOOKKEEPING if name in inner}
    inner = {**inner, **invocation.opened(unread)}
    raw = invocation.event["branch_state"].get(_INNER)
    own = {name: fields[name] for name in _PROGRESS if fields.get(name) is not None}
    total = _total(fields)
    if total is not None:
        own[_TOTAL] = total
    if pending_action(inner) == _FORK:  # the workflow waits, not this branch
        inner = {name: value for name, value in inner.items() if name != RESUME_POINT}
    state, action = merged(invocation, {**inner, **own}, raw, moves=True)
    state = {name: value for name, value in state.items() if name != _TOTAL or name in inner}
    if _TOTAL in inner:
        state[_TOTAL] = inner[_TOTAL]
    state["next_action"] = action
    fields = {**fields, **{name: state[name] for name in _PROGRESS if name in state}}
    return _answer(invocation, fields, state, action)


def _total(fields: dict[str, Any]) -> Any:
    """Return the branch's number of segments, by its `total_segments` or its partition map.

    The state's own `total_segments` counts those of the workflow.
    """
    if fields.get(_TOTAL) is not None:
        return fields[_TOTAL]
    listed = fields.get("partition_map")
    if isinstance(listed, Unopened):
        return listed.count if listed.kind == "array" else None
    return len(listed) if isinstance(listed, list) else None


def _answer(
    invocation: Invocation, fields: dict[str, Any], state: dict[str, Any], action: str
) -> dict[str, Any]:
    """Seal the two states separately, so that the control fields of both stay plain for routers."""
    room = invocation.bound - wire_size({"branch_state": 0, "next_action": action})
    outside = invocation.sealed_fields({**fields, _INNER: None}, room // 2, (*_PLAIN, _INNER))
    inside = invocation.sealed_state(state, room - wire_size(outside))
    return {"branch_state": {**outside, _INNER: inside}, "next_action": action}
