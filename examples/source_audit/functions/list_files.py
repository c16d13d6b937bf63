"""Segment 0: which files there are."""

from __future__ import annotations

from typing import Any

from audit import tree
from audit.conversation import CONTINUE, turn

import statebag


@statebag.step(returns="delta")
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    request = state["request"]
    root = tree.root_of(request.get("folder"))
    files = tree.list_files(root, request.get("max_files"))
    if not files:
        raise FileNotFoundError(f"{root} holds no Python file")
    return {
        **turn(
            state,
            "list_files",
            {"folder": str(root), "max_files": request.get("max_files")},
            f"List the Python files below {root}.",
            {"files": len(files), "bytes": sum(file["bytes"] for file in files)},
        ),
        "root": str(root),
        "files": files,
        "sources": [],
        "unread": [],
        "modules": [],
        "segment_to_run": 1,
        "next_action": CONTINUE,
    }
