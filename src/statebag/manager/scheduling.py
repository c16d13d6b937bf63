"""What a router needs of `scheduling_metadata`, beside the value that left."""

from __future__ import annotations

from typing import Any

__all__ = ["FULL", "SUMMARY", "scheduling_summary", "summary_of"]

FULL = "scheduling_metadata"
SUMMARY = "scheduling_summary"


def summary_of(metadata: Any) -> dict[str, Any] | None:
    """`{total_batches, priority}` of an opened value, bounded; None if it is not an object."""
    return scheduling_summary(metadata) if isinstance(metadata, dict) else None


def scheduling_summary(scheduling: dict[str, Any]) -> dict[str, Any]:
    """What a router needs of `scheduling_metadata`: bounded, whatever it holds."""
    summary = {}
    for name in ("total_batches", "priority"):
        value = scheduling.get(name)
        short = isinstance(value, bool | int | float | str) and len(str(value)) <= 64
        summary[name] = value if short else None
    return summary
