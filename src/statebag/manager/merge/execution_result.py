"""What each field of an `execution_result` means to the state it is merged into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_type import json_type
from statebag.manager.merge.control import take_control
from statebag.manager.merge.fork import forked
from statebag.manager.merge.history import append_id, append_once, logs_of
from statebag.manager.merge.next_action import advance

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["MEANT", "READ", "merge_final_state", "merge_result"]

READ: tuple[str, ...] = (
    "status",
    "next_action",
    "next_segment_to_run",
    "new_history_logs",
    "append_id",
    "final_state_s3_path",
    "error",
)
"""Fields that a merge reads; what else a result holds may stay unopened."""

MEANT: frozenset[str] = frozenset({*READ, "final_state", "branches"})
_REST = "last_execution_result"


def merge_result(
    state: Mapping[str, Any],
    result: Mapping[str, Any],
    control: Collection[str],
    *,
    branches: list[Any] | None = None,
) -> dict[str, Any]:
    """The state after a result; all that neither names stays as it was.

    Args:
        state: With `current_state` opened at its top where the result has a `final_state`.
        result: With the fields of `READ` opened, and `final_state` at its top.
        control: Names of the control fields.
        branches: The opened list of the result's `branches`, where it has some.

    Raises:
        InvalidState: A field is not of the kind that it must be.
    """
    merged = take_control(state, result, control)
    if result.get("final_state_s3_path") is not None:
        merged["state_s3_path"] = result["final_state_s3_path"]
    merged = advance(merged, result, by=0)
    if result.get("final_state") is not None:
        merged["current_state"] = merge_final_state(
            merged.get("current_state"), result["final_state"]
        )
    if result.get("error"):
        merged["error"] = result["error"]
    entries = logs_of(result)
    merged = append_once(merged, entries, append_id(result, state, entries))
    if branches:
        merged = forked(merged, branches, result["branches"])
    rest = {
        name: value for name, value in result.items() if name not in MEANT and name not in control
    }
    if rest or _REST in merged:
        merged[_REST] = rest
    return merged


def merge_final_state(current: Any, final: Any) -> dict[str, Any]:
    """`current_state` with the keys that a final state has.

    Raises:
        InvalidState: One of the two is no object.
    """
    for value, name in ((current, "current_state"), (final, "final_state")):
        if not isinstance(value, dict | None):
            raise InvalidState(
                f"{name} must be an object, not {json_type(value)}", path=f"$.{name}"
            )
    return {**(current or {}), **(final or {})}
