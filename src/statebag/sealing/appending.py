"""Append items to arrays of a state, even to arrays that were not opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, InvalidState
from statebag.format.json_type import json_type
from statebag.format.paths import render_path
from statebag.format.unopened import Grown, Unopened

if TYPE_CHECKING:
    from statebag.format.paths import Path

__all__ = ["entries_of", "lies_in_unopened", "with_appended"]


def entries_of(entries: object, path: Path) -> list[Any]:
    """Return the entries to append as a list.

    Args:
        entries: What the caller gave.
        path: The array's path, for the message.

    Raises:
        ConfigurationError: It is one entry, not several: its keys or characters would be appended.
    """
    if isinstance(entries, str | bytes | bytearray | Mapping | Unopened) or not isinstance(
        entries, Iterable
    ):
        raise ConfigurationError(
            f"entries must be a list of entries, not {type(entries).__qualname__}",
            path=render_path(path),
            hint="Pass [entry].",
        )
    return list(entries)


def lies_in_unopened(state: Any, path: Path) -> bool:
    """Return whether a value above the path was not opened."""
    value = state
    for part in path:
        if isinstance(value, Unopened):
            return True
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return False


def with_appended(state: Any, path: Path, items: list[Any]) -> Any:
    """Return a new state with items at the end of the array at a path.

    Args:
        state: An opened state; the array itself may be unopened, but not the values around it.
        path: The array's path; if only its last field is missing, it is created.
        items: JSON values, checked.

    Raises:
        InvalidState: There is no array at the path, or it is inside an unopened value.
    """
    root: list[Any] = [state]
    container: Any = root
    key: Any = 0
    for depth, part in enumerate(path, 1):
        inner = _member(container, key, path[: depth - 1])
        if isinstance(inner, Unopened):
            raise InvalidState(
                f"the list to append to is inside {json_type(inner)}",
                path=render_path(path[:depth]),
                hint="Open the state, append in Python and seal it.",
            )
        container[key] = dict(inner) if isinstance(inner, dict) else _as_list(inner, path[:depth])
        container, key = container[key], part
    if isinstance(container, dict) and isinstance(key, str) and key not in container:
        container[key] = list(items)
    else:
        container[key] = _longer(_member(container, key, path), items, path)
    return root[0]


def _longer(before: Any, items: list[Any], path: Path) -> Any:
    if isinstance(before, list):
        return [*before, *items]
    if isinstance(before, Grown):
        return Grown(before.before, [*before.items, *items])
    if isinstance(before, Unopened) and before.kind == "array":
        return Grown(before, list(items))
    raise InvalidState(
        f"the value to append to must be a list, not {json_type(before)}", path=render_path(path)
    )


def _as_list(value: Any, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidState(
            f"the value to append to must be a list, not {json_type(value)}",
            path=render_path(path),
        )
    return list(value)


def _member(container: Any, key: str | int, path: Path) -> Any:
    try:
        return container[key]
    except (KeyError, IndexError, TypeError):
        raise InvalidState(
            "the state has no list at this path to append to", path=render_path(path)
        ) from None
