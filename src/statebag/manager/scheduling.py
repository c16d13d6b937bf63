"""What a router needs of `scheduling_metadata`, beside the value that left."""

from __future__ import annotations

from typing import Any

__all__ = ["FULL", "SUMMARY", "scheduling_summary", "summary_of"]

FULL = "scheduling_metadata"
SUMMARY = "scheduling_summary"

_LONGEST = 64  # characters; a choice: the summary stays in every bag


def summary_of(metadata: Any) -> dict[str, Any] | None:
    """Return `{total_batches, priority}` of an opened value; None if it is not an object."""
    return scheduling_summary(metadata) if isinstance(metadata, dict) else None


def scheduling_summary(scheduling: dict[str, Any]) -> dict[str, Any]:
    """Return what a router needs of `scheduling_metadata`: bounded, whatever it holds.

    Both are always there, since a Choice fails that compares null with a number: `total_batches`
    as given, else the number of `batch_details`; `priority` as given, else 1.
    """
    details = scheduling.get("batch_details")
    count = len(details) if isinstance(details, list | dict) else 0
    defaults = {"total_batches": count, "priority": 1}
    given = {name: value for name in defaults if _is_short(value := scheduling.get(name))}
    return {**defaults, **given}


def _is_short(value: Any) -> bool:
    return isinstance(value, bool | int | float | str) and len(str(value)) <= _LONGEST
