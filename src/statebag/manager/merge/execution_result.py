"""Merge an `execution_result` into a state, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_type import json_type
from statebag.manager.merge.control import take_control
from statebag.manager.merge.fork import forked
from statebag.manager.merge.history import LAST_ID, append_id, append_once, logs_of
from statebag.manager.merge.resuming import named_segment
from statebag.manager.merge.verdict import SAYS_FAILURE, caught, failure_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from statebag.manager.statuses import Statuses

__all__ = ["MEANT", "READ", "is_of_segment", "merge_final_state", "merge_result"]

_MEANT = (
    "status",
    "next_action",
    "next_segment_to_run",
    "new_history_logs",
    "append_id",
    "final_state_s3_path",
    "error",
)

READ: tuple[str, ...] = tuple(dict.fromkeys((*_MEANT, *SAYS_FAILURE)))
"""Fields that a merge reads; what else a result holds may stay unopened."""

MEANT: frozenset[str] = frozenset({*_MEANT, "final_state", "branches"})
_REST = "last_execution_result"


def is_of_segment(result: Mapping[str, Any], control: Collection[str]) -> bool:
    """Return whether a result is that of a segment, and does not only set control fields."""
    return any(
        value is not None and (name not in control or name in _MEANT)
        for name, value in result.items()
    )


def merge_result(
    state: Mapping[str, Any],
    result: Mapping[str, Any],
    control: Collection[str],
    statuses: Statuses,
    *,
    branches: list[Any] | None = None,
) -> dict[str, Any]:
    """Return the state after a result; fields that the result does not name are unchanged.

    Args:
        state: The state; if the result has a `final_state`, with `current_state` opened at its top.
        result: The result, with the fields of `READ` opened, and `final_state` at its top.
        control: Names of the control fields.
        statuses: The table of statuses.
        branches: The opened list of the result's `branches`, if it has any.

    Raises:
        InvalidState: A field has the wrong type.
    """
    merged = take_control(state, result, control)
    own = statuses.of_name(result.get("next_action"))
    if own is not None:
        merged["next_action"] = own
    if result.get("final_state_s3_path") is not None:
        merged["state_s3_path"] = result["final_state_s3_path"]
    segment = named_segment(result)
    if segment is not None:
        merged["segment_to_run"] = segment
    if result.get("final_state") is not None:
        merged["current_state"] = merge_final_state(
            merged.get("current_state"), result["final_state"]
        )
    failure = failure_of(result, statuses)
    if failure is not None:
        merged["next_action"] = "FAILED"  # whatever the result calls it
        if failure.error is not None:
            merged["error"] = failure.error
    entries = logs_of(result)
    identity = append_id(result, state, entries)
    merged = append_once(merged, entries, identity)
    if result.get("append_id") is not None:
        merged[LAST_ID] = identity
    if branches:
        merged = forked(merged, branches, result["branches"])
    meant = MEANT if result.get("error") else MEANT.union(caught(result) or ())
    rest = {
        name: value for name, value in result.items() if name not in meant and name not in control
    }
    if rest or _REST in merged:
        merged[_REST] = rest
    return merged


def merge_final_state(current: Any, final: Any) -> dict[str, Any]:
    """Return `current_state` with the keys of a final state merged into it.

    Raises:
        InvalidState: One of the two is not an object.
    """
    for value, name in ((current, "current_state"), (final, "final_state")):
        if not isinstance(value, dict | None):
            raise InvalidState(
                f"{name} must be an object, not {json_type(value)}", path=f"$.{name}"
            )
    return {**(current or {}), **(final or {})}
