"""Summarize offloaded `scheduling_metadata` for routers."""

from __future__ import annotations

from typing import Any

from statebag.format.derived import same

__all__ = [
    "FULL",
    "SUMMARY",
    "is_summary_of",
    "may_be_summary",
    "scheduling_summary",
    "summaries_of",
    "summary_of",
]

FULL = "scheduling_metadata"
SUMMARY = "scheduling_summary"

_NAMES = ("total_batches", "priority")
_LONGEST = 64  # characters. Chosen: the summary stays in every bag
_LEAST, _LARGEST = -int(10 ** (_LONGEST - 1)), int(10**_LONGEST)


def summary_of(metadata: Any) -> dict[str, Any] | None:
    """Return `{total_batches, priority}` of an opened value; None if it is not an object."""
    return scheduling_summary(metadata) if isinstance(metadata, dict) else None


def scheduling_summary(scheduling: dict[str, Any]) -> dict[str, Any]:
    """Return the bounded summary of `scheduling_metadata` that routers read.

    Both fields are always set, since a Choice that compares null with a number fails.
    `total_batches` defaults to the number of `batch_details`, and `priority` to 1.
    """
    details = scheduling.get("batch_details")
    count = len(details) if isinstance(details, list | dict) else 0
    defaults = {"total_batches": count, "priority": 1}
    given = {name: value for name in defaults if _is_short(value := scheduling.get(name))}
    return {**defaults, **given}


def summaries_of(metadata: Any) -> tuple[dict[str, Any], ...]:
    """Return the summary of an opened value as each release wrote it, the newest first.

    Bags of all releases are in flight, so no form is ever removed.
    """
    if not isinstance(metadata, dict):
        return ()
    with_nulls = {
        name: value if _is_short(value := metadata.get(name)) else None for name in _NAMES
    }
    return scheduling_summary(metadata), with_nulls


def may_be_summary(value: Any) -> bool:
    """Return whether a value could be the summary of some metadata."""
    if not isinstance(value, dict) or value.keys() != set(_NAMES):
        return False
    return all(one is None or _is_short(one) for one in value.values())


def is_summary_of(value: Any, metadata: Any) -> bool:
    """Return whether a release wrote this value as the summary of an opened value."""
    if not may_be_summary(value):
        return False
    return any(same(value, one) for one in summaries_of(metadata))


def _is_short(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST
    if type(value) is int:  # without its digits, of which Python writes no more than 4,300
        return _LEAST < value < _LARGEST
    return isinstance(value, bool | float)
