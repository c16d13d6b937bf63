"""The last step: the report, and a state that says that it is complete."""

from __future__ import annotations

from typing import Any

from audit.conversation import COMPLETE, turn
from audit.report import as_markdown

import statebag


@statebag.step(
    returns="delta",
    only=["$.findings", "$.messages", "$.reviews", "$.state_history", "$.summary"],
)
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    report = as_markdown(state)
    return {
        **turn(
            state,
            "write_report",
            {"approved_by": state["approval"]["by"]},
            "Write the report.",
            {"characters": len(report)},
        ),
        "report": report,
        "status": "COMPLETE",
        "next_action": COMPLETE,
    }
