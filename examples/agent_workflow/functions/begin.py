"""Segment 0: which files there are, and the state that everything starts from."""

from __future__ import annotations

from typing import Any

from agent import turns
from agent.bags import opened, sealed


def handler(event: dict[str, Any], context: object) -> Any:  # noqa: ARG001 - Lambda's
    profile = opened(event, "profile")
    return sealed(event, turns.begin(event["execution_id"], event["request"], profile))
