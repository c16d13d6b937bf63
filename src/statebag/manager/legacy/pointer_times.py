"""Remove the times from legacy pointers, or put them in: objects named by their bytes have none.

A pointer says when it was made. Two deliveries of one event make the same pointers with different
times. Without them, a retry writes the objects again that the first delivery wrote.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statebag.format.stub import KEY
from statebag.manager.legacy.pointer_format import as_pointer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["with_times", "without_times"]

_TIMES = {"field": "stored_at", "history": "archived_at"}  # a pointer to a whole state has none
_LEVELS = 3  # of objects above a pointer: the state, `current_state`, a field of it


def without_times(bag: Any) -> Any:
    """Return a copy of a bag whose legacy pointers do not say when they were made."""

    def cleared(pointer: dict[str, Any], name: str) -> dict[str, Any]:
        return {key: value for key, value in pointer.items() if key != name}

    return _changed(bag, cleared, _LEVELS)


def with_times(bag: Any) -> Any:
    """Return a copy of a bag in which legacy pointers without a time have the current one."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return _changed(bag, lambda pointer, name: {**pointer, name: pointer.get(name, now)}, _LEVELS)


def _changed(value: Any, change: Callable[[dict[str, Any], str], Any], levels: int) -> Any:
    """Return a value with a change to each pointer that a reader would follow."""
    if isinstance(value, list):
        if not value or not levels:
            return value
        return [_changed(value[0], change, 0), *value[1:]]  # only the head can be an archive's
    if not isinstance(value, dict):
        return value
    pointer = as_pointer(value)
    if pointer is not None and pointer.kind in _TIMES:
        return change(value, _TIMES[pointer.kind])
    if not levels or KEY in value:
        return value
    return {name: _changed(one, change, levels - 1) for name, one in value.items()}
