"""One turn of the agent: the segment that the state names."""

from __future__ import annotations

from typing import Any

from agent import turns
from agent.bags import opened, sealed


def handler(event: dict[str, Any], context: object) -> Any:  # noqa: ARG001 - Lambda's
    segment = event["segment"]
    state = opened(event, "state_data", [*turns.ALWAYS, *turns.NEEDS[segment]])
    return sealed(event, turns.TURNS[segment](state))
