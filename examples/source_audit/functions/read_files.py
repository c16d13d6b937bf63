"""Segment 1: the files' text, a batch a turn."""

from __future__ import annotations

from typing import Any

from audit import tree
from audit.conversation import CONTINUE, turn

import statebag

BATCH_BYTES = 2_000_000


@statebag.step(returns="delta")
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    root = tree.root_of(state["root"])
    start = len(state["sources"]) + len(state["unread"])
    waiting = state["files"][start:]
    first = tree.cut(waiting, state["request"].get("batch_bytes") or BATCH_BYTES)[0]
    batch = waiting[: first["count"]]
    sources: list[dict[str, Any]] = []
    unread: list[dict[str, Any]] = []
    for file in batch:
        try:
            text = tree.read_source(root, file["path"])
        except (SyntaxError, UnicodeDecodeError) as error:
            unread.append({"path": file["path"], "reason": type(error).__name__})
        else:
            sources.append({"path": file["path"], "bytes": file["bytes"], "text": text})
    done = start + len(batch) == len(state["files"])
    return {
        **turn(
            state,
            "read_files",
            {"first": batch[0]["path"], "last": batch[-1]["path"]},
            f"Read files {start + 1} to {start + len(batch)} of {len(state['files'])}.",
            {
                "read": [
                    {"path": source["path"], "lines": tree.count_lines(source["text"])}
                    for source in sources
                ],
                "unread": unread,
            },
        ),
        "sources": [*state["sources"], *sources],
        "unread": [*state["unread"], *unread],
        "segment_to_run": 2 if done else 1,
        "next_action": CONTINUE,
    }
