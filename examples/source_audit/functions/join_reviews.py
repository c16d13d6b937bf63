"""After the fork: the three reviews join the state, and the summary is drawn from them."""

from __future__ import annotations

from typing import Any

from audit.conversation import turn
from audit.report import summarise

import statebag


@statebag.step(
    returns="delta",
    only=[
        "$.branches",
        "$.files",
        "$.findings",
        "$.matches",
        "$.messages",
        "$.modules",
        "$.state_history",
        "$.unread",
    ],
)
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    reviews = {branch["name"]: branch["review"] for branch in state["branches"]}
    summary = summarise({**state, "reviews": reviews})
    return {
        **turn(
            state,
            "review",
            {"reviews": list(reviews)},
            "Review security, complexity and documentation side by side.",
            summary,
        ),
        "reviews": reviews,
        "summary": summary,
        "branches": statebag.DELETE,
        "segment_to_run": 6,
        "next_action": "PAUSED_FOR_HITP",
    }
