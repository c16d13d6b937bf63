"""Record a fork: the branches that a result starts, and small pointers for a Map to iterate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_type import json_type

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FORKED", "PENDING", "branch_label", "forked"]

PENDING = "pending_branches"
FORKED = "forked_branches"
"""The field that holds the whole list, once; pointers say which element."""

_LONGEST_LABEL = 200  # characters. Chosen: a pointer has one, and stands in the bag


def forked(state: Mapping[str, Any], branches: list[Any], stored: Any) -> dict[str, Any]:
    """Return the state with a pointer for each branch in `pending_branches`.

    Args:
        state: The state at the fork.
        branches: The list of branches, with at least their ids opened.
        stored: The list to put into the state: the same one, or its `Unopened`.

    Raises:
        InvalidState: A branch is not an object.
    """
    total = len(branches)
    pointers = []
    for index, branch in enumerate(branches):
        if not isinstance(branch, dict):
            raise InvalidState(
                f"the branch must be an object, not {json_type(branch)}",
                path=f"$.branches[{index}]",
            )
        label = branch_label(branch, index)
        pointers.append({"branch_index": index, "branch_id": label, "total_branches": total})
    return {**state, FORKED: stored, PENDING: pointers}


def branch_label(branch: Mapping[str, Any], index: int) -> str | int:
    """Return a branch's id if it is short enough for a pointer, else one made from its index."""
    own = branch.get("branch_id")
    if isinstance(own, str) and own and len(own) <= _LONGEST_LABEL:
        return own
    if isinstance(own, int) and not isinstance(own, bool) and abs(own) <= 2**53:
        return own
    return f"branch_{index}"
