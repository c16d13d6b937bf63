"""Segment 2: what each module consists of, a batch a turn."""

from __future__ import annotations

from typing import Any

from audit import tree
from audit.conversation import CONTINUE, turn
from audit.outline import outline

import statebag

BATCH_BYTES = 3_000_000


@statebag.step(returns="delta")
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    sources = state["sources"]
    start = len(state["modules"])
    waiting = sources[start:]
    batches = tree.cut(waiting, state["request"].get("batch_bytes") or BATCH_BYTES)
    batch = waiting[: batches[0]["count"]] if batches else []
    modules = [outline(source["path"], source["text"]) for source in batch]
    done = start + len(batch) == len(sources)
    return {
        **turn(
            state,
            "parse_files",
            {"first": start, "count": len(batch)},
            f"Parse modules {start + 1} to {start + len(batch)} of {len(sources)}.",
            [
                {
                    "module": module["module"],
                    "lines": module["lines"],
                    "functions": len(module["functions"]),
                    "classes": len(module["classes"]),
                    "decisions": module["decisions"],
                }
                for module in modules
            ],
        ),
        "modules": [*state["modules"], *modules],
        "segment_to_run": 3 if done else 2,
        "next_action": CONTINUE,
    }
