"""A branch of the review: one node a turn, on its part of the modules' outlines."""

from __future__ import annotations

from collections import Counter
from typing import Any

_LARGEST = 10


class BranchBroke(Exception):  # noqa: N818 - the name that an ErrorEquals matches
    """What a branch fails with that is asked to fail."""


def work(branch: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """An execution result for `sync_branch`.

    Args:
        branch: `{branch_id, partition_map, nodes, fail}`.
        state: The branch's own state.
    """
    if branch["fail"] == "branch":
        raise BranchBroke(f"{branch['branch_id']} was asked to fail")
    done, identity = state["loop_counter"], branch["branch_id"]
    node = branch["nodes"][done]
    modules = list(branch["partition_map"].values())
    review = _REVIEWS[node](modules)
    reviews = state["current_state"]["reviews"]
    own = {**reviews.get(identity, {}), node: review}
    return {
        "append_id": f"{identity}-{done}",
        "loop_counter": done + 1,
        "status": "COMPLETE" if done + 1 == len(branch["nodes"]) else "CONTINUE",
        # The shared field `last_branch` is what all branches change: the merge records that.
        "final_state": {"reviews": {**reviews, identity: own}, "last_branch": identity},
        "new_history_logs": [
            {"role": "assistant", "content": f"{identity}: {node} of {len(modules)} modules."},
            {"role": "tool", "name": node, "content": review},
        ],
    }


def _imports(modules: list[dict[str, Any]]) -> dict[str, Any]:
    counts = Counter(name for module in modules for name in module["imports"])
    return {"imported": dict(sorted(counts.items()))}


def _size(modules: list[dict[str, Any]]) -> dict[str, Any]:
    functions = [
        {"path": module["path"], **function}
        for module in modules
        for function in module["functions"]
    ]
    longest = sorted(functions, key=lambda one: (-one["lines"], one["path"], one["line"]))
    return {
        "modules": len(modules),
        "lines": sum(module["lines"] for module in modules),
        "functions": len(functions),
        "longest": longest[:_LARGEST],
    }


def _documentation(modules: list[dict[str, Any]]) -> dict[str, Any]:
    places = [
        {"path": module["path"], "line": one["line"], "name": one["name"]}
        for module in modules
        for one in (*module["classes"], *module["functions"])
        if not one["documented"] and not one["name"].startswith("_")
    ]
    return {"missing": len(places), "places": places}


_REVIEWS = {"imports": _imports, "size": _size, "documentation": _documentation}
