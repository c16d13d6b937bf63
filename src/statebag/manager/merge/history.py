"""Append entries to the history of a state, once each, without reading it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format import json_text
from statebag.format.codec import sha256_hex
from statebag.format.json_check import check_json
from statebag.format.json_type import json_type
from statebag.format.unopened import Grown, Unopened

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "HISTORY",
    "LAST_ID",
    "append_id",
    "append_once",
    "deduplicate_history_logs",
    "grown",
    "is_repeated",
    "logs_of",
]

HISTORY = "state_history"
LAST_ID = "last_append_id"
_LONGEST_ID = 128  # characters. Chosen: the ID stays plain in every bag


def logs_of(result: Mapping[str, Any]) -> list[Any]:
    """Return a result's new entries, oldest first; an empty list if it has none.

    Raises:
        InvalidState: `new_history_logs` is not a list.
    """
    logs = result.get("new_history_logs")
    if logs is None:
        return []
    if not isinstance(logs, list):
        raise InvalidState(
            f"new_history_logs must be a list, not {json_type(logs)}", path="$.new_history_logs"
        )
    return logs


def append_id(
    result: Mapping[str, Any], state: Mapping[str, Any], entries: list[Any], event: str = "append"
) -> str:
    """Return the identity of an append.

    It is the result's `append_id`. Without one, it is made from the execution, segment and loop
    counter after the result, which are the same for a repeated delivery, and from a digest of the
    entries, so that a segment can append twice.

    Args:
        result: The result with the entries.
        state: The state before the result was merged.
        entries: The entries to append.
        event: The kind of append, in one word.
    """
    own = result.get("append_id")
    if own is not None:
        if isinstance(own, bool) or not isinstance(own, str | int):
            raise InvalidState(
                f"append_id must be a string or an integer, not {json_type(own)}",
                path="$.append_id",
            )
        text = str(own)
        return text if len(text) <= _LONGEST_ID else sha256_hex(text.encode())
    named = {
        "segment_to_run": result.get("next_segment_to_run")
    }  # the state's segment after the result
    place = [
        next((one[name] for one in (named, result, state) if one.get(name) is not None), None)
        for name in ("execution_id", "segment_to_run", "segment_id", "loop_counter")
    ]
    return sha256_hex(json_text.encode([event, place, entries]))


def is_repeated(result: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Return whether a result has the `append_id` that the state merged last."""
    return result.get("append_id") is not None and append_id(result, state, []) == state.get(
        LAST_ID
    )


def append_once(state: Mapping[str, Any], entries: list[Any], identity: str) -> dict[str, Any]:
    """Return the state with entries appended to its history, unless it merged their id last."""
    if not entries or state.get(LAST_ID) == identity:
        return dict(state)
    history = grown(state.get(HISTORY), entries, HISTORY)
    return {**state, HISTORY: history, LAST_ID: identity}


def grown(before: Any, items: list[Any], name: str) -> list[Any] | Grown:
    """Return a list with items appended; an unopened list is not read.

    Raises:
        InvalidState: The value is not a list.
    """
    if before is None:
        return list(items)
    if isinstance(before, list):
        return [*before, *items]
    if isinstance(before, Grown):
        return Grown(before.before, [*before.items, *items])
    if isinstance(before, Unopened) and before.kind == "array":
        return Grown(before, list(items))
    raise InvalidState(f"{name} must be a list, not {json_type(before)}", path=f"$.{name}")


def deduplicate_history_logs(existing: list[Any], new: list[Any]) -> list[Any]:
    """Return the existing entries, followed by the new ones that are not among them.

    Two entries are the same if their JSON is the same, so different entries of one second are both
    kept, in their order. The existing entries are unchanged.

    Raises:
        InvalidState: One of the two is not a list of JSON values.
    """
    for name, entries in (("existing", existing), ("new", new)):
        if not isinstance(entries, list):
            raise InvalidState(f"{name} must be a list, not {type(entries).__qualname__}")
        check_json(entries)
    seen = {json_text.encode(entry) for entry in existing}
    joined = list(existing)
    for entry in new:
        text = json_text.encode(entry)
        if text not in seen:
            seen.add(text)
            joined.append(entry)
    return joined
