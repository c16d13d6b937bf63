"""Read a step's result as far as needed, and merge it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_type import json_type
from statebag.format.unopened import Unopened
from statebag.manager.merge.execution_result import merge_result

if TYPE_CHECKING:
    from statebag.manager.actions.invocation import Invocation

__all__ = ["absorb"]


def absorb(
    invocation: Invocation, state: dict[str, Any], result: dict[str, Any], raw: Any
) -> dict[str, Any]:
    """Return the state with a result merged into it.

    Args:
        invocation: Opens the values that must be read.
        state: The state, opened at its top.
        result: The result, with the fields opened that a merge reads.
        raw: The state as the event brought it.
    """
    state, result = dict(state), dict(result)
    if result.get("final_state") is not None:
        before = raw.get("current_state") if isinstance(raw, dict) else None
        result["final_state"] = invocation.final_state(result["final_state"], before)
        if isinstance(state.get("current_state"), Unopened):
            state["current_state"] = invocation.top(state["current_state"])
    branches = result.get("branches")
    if branches is not None:
        branches = invocation.opened(branches)
        if not isinstance(branches, list):
            raise InvalidState(
                f"branches must be a list, not {json_type(branches)}",
                path="$.execution_result.branches",
            )
    return merge_result(
        state, result, invocation.control, invocation.settings.table, branches=branches
    )
