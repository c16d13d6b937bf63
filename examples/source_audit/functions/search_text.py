"""Segment 3: what a reader would grep for; and how the work is cut for the Map that follows."""

from __future__ import annotations

from typing import Any

from audit import markers, tree
from audit.conversation import FORK, turn

import statebag

# An inline Map answers with all of its items at once, 262,144 bytes together. So the number of
# shards is bounded, and so is each answer (STATEBAG_MAX_BAG_BYTES of that function).
MAX_SHARDS = 24
LEAST_SHARD_BYTES = 128_000


@statebag.step(
    returns="delta",
    only=["$.sources", "$.messages", "$.state_history"],
)
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    matches = [
        match
        for source in state["sources"]
        for match in markers.search(source["path"], source["text"])
    ]
    return {
        **turn(
            state,
            "search_text",
            {"patterns": {name: rule.pattern for name, rule in markers.MARKERS.items()}},
            f"Search {len(state['sources'])} files for notes, silenced checks and plain HTTP.",
            matches,
        ),
        "matches": matches,
        "shards": shards(state["sources"]),
        "segment_to_run": 4,
        "next_action": FORK,
    }


def shards(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most `MAX_SHARDS` runs of sources: plain pointers that the Map's ItemsPath reads."""
    size = max(LEAST_SHARD_BYTES, sum(source["bytes"] for source in sources) // MAX_SHARDS)
    while len(cut := tree.cut(sources, size)) > MAX_SHARDS:
        size += size // 8
    return cut
