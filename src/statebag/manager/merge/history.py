"""The history of a state: append once, and never read what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format import json_text
from statebag.format.codec import sha256_hex
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
    """A result's new entries, oldest first; none where it gives none.

    Raises:
        InvalidState: `new_history_logs` is no list.
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
    """What tells one append from another.

    The result's `append_id`; else execution, segment and loop counter as they are after the
    result, which makes them the same when it is delivered again, and a digest of the entries,
    so that a segment which appends twice loses nothing.

    Args:
        result: What brings the entries.
        state: As it was before the result was merged.
        entries: What is to be appended.
        event: What kind of append it is, in one word.
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
    named = {"segment_to_run": result.get("next_segment_to_run")}  # where the state will stand
    place = [
        next((one[name] for one in (named, result, state) if one.get(name) is not None), None)
        for name in ("execution_id", "segment_to_run", "segment_id", "loop_counter")
    ]
    return sha256_hex(json_text.encode([event, place, entries]))


def is_repeated(result: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Whether a result names the `append_id` that the state merged last: it is delivered again."""
    return result.get("append_id") is not None and append_id(result, state, []) == state.get(
        LAST_ID
    )


def append_once(state: Mapping[str, Any], entries: list[Any], identity: str) -> dict[str, Any]:
    """The state with entries at the end of its history, unless their id was the last one."""
    if not entries or state.get(LAST_ID) == identity:
        return dict(state)
    history = grown(state.get(HISTORY), entries, HISTORY)
    return {**state, HISTORY: history, LAST_ID: identity}


def grown(before: Any, items: list[Any], name: str) -> list[Any] | Grown:
    """A list with items at its end; one that was not opened is not read for it.

    Raises:
        InvalidState: What is there is no list.
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
    """One list of the existing entries and those of the new ones that are not among them.

    Entries are the same when their JSON is the same: two different entries of one second are
    both kept, in the order in which they came. The existing ones stay as they are.
    """
    seen = {json_text.encode(entry) for entry in existing}
    joined = list(existing)
    for entry in new:
        text = json_text.encode(entry)
        if text not in seen:
            seen.add(text)
            joined.append(entry)
    return joined
