"""One turn of one branch, in the inline Map."""

from __future__ import annotations

from typing import Any

from agent.bags import opened, sealed
from agent.branch import work


def handler(event: dict[str, Any], context: object) -> Any:  # noqa: ARG001 - Lambda's
    config = opened(event, "branch_config")
    state = opened(event, "branch_state", ["current_state.reviews"])
    return sealed(event, work(config, state))
