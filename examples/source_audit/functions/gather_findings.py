"""After the Map: the shards' findings, in the files' order, become one list of the state."""

from __future__ import annotations

from typing import Any

from audit.conversation import turn

import statebag


@statebag.step(returns="delta", only=["$.inspected", "$.messages", "$.state_history"])
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    shards = sorted(state["inspected"], key=lambda answer: answer["shard"])
    findings = [finding for shard in shards for finding in shard["findings"]]
    return {
        **turn(
            state,
            "inspect",
            {"shards": len(shards)},
            f"Inspect the modules in {len(shards)} shards.",
            {"findings": len(findings)},
        ),
        "findings": findings,
        "inspected": statebag.DELETE,
        "shards": statebag.DELETE,
        "segment_to_run": 5,
    }
