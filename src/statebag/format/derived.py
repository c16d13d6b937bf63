"""What a router needs of `scheduling_metadata`, beside the value that left.

The summary is derived: a bag that has one says so in the stub that stands for the full value
(`"derived": ["scheduling_summary"]`), so that a field of one's own with that name is never
taken for it. Whoever opens the bag drops it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.format.stub import KEY
from statebag.manager.legacy.pointer_format import scheduling_summary

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DERIVED", "FULL", "SUMMARY", "summary_of", "with_summary", "without_derived"]

FULL = "scheduling_metadata"
SUMMARY = "scheduling_summary"
DERIVED = "derived"


def summary_of(metadata: Any) -> dict[str, Any] | None:
    """`{total_batches, priority}` of an opened value, bounded; None where it is no object."""
    return scheduling_summary(metadata) if isinstance(metadata, dict) else None


def without_derived(bag: Any) -> tuple[Any, Any]:
    """A bag without what was derived, and the summary that it had; the bag is not changed."""
    if not isinstance(bag, dict):
        return bag, None
    clean = dict(bag)
    summary = None
    for place in (KEY, FULL):
        wire = clean if place == KEY else clean.get(place)
        body = wire.get(KEY) if isinstance(wire, dict) else None
        if isinstance(body, dict) and body.get(DERIVED) == [SUMMARY]:
            summary = clean.pop(SUMMARY, summary)
            stripped = {key: value for key, value in body.items() if key != DERIVED}
            if place == KEY:
                clean[KEY] = stripped
            else:
                clean[FULL] = {KEY: stripped}
    return clean, summary


def with_summary(bag: dict[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    """A sealed state with its summary, if the full value is not in it as it is."""
    full = bag.get(FULL)
    marked = {DERIVED: [SUMMARY]}
    if isinstance(full, dict) and KEY in full:
        bag = {**bag, FULL: {KEY: {**full[KEY], **marked}}}
    elif FULL not in bag and KEY in bag:
        bag = {**bag, KEY: {**bag[KEY], **marked}}
    else:
        return bag
    return {**bag, SUMMARY: dict(summary)}
