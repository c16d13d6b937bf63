"""A child of the Distributed Map: what a linter finds in one segment's files."""

from __future__ import annotations

from typing import Any

from agent import checks
from agent.bags import opened, sealed


def handler(event: dict[str, Any], context: object) -> Any:  # noqa: ARG001 - Lambda's
    return sealed(event, checks.check_segment(opened(event, "segment_config")))
