"""Control fields, which the engine and its routers read: decide which value wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_type import json_type
from statebag.format.paths import render_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statebag.format.paths import Path

__all__ = ["control_names", "take_control", "whole_number"]


def control_names(paths: Iterable[Path]) -> frozenset[str]:
    """Return the control fields at the top of a state, from a policy's control paths."""
    return frozenset(str(path[0]) for path in paths if len(path) == 1)


def take_control(
    state: Mapping[str, Any], result: Mapping[str, Any], names: Iterable[str]
) -> dict[str, Any]:
    """Return the state with the control fields of a result; a field that is null is ignored."""
    given = {name: result[name] for name in names if result.get(name) is not None}
    ordered = {name: given[name] for name in result if name in given}
    return {**state, **ordered}


def whole_number(value: Any, *path: str | int) -> int:
    """Return an index or a counter; an engine may have made 3 into 3.0 on its way.

    Raises:
        InvalidState: The value is anything else; with its path.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidState(
            f"this field must be a whole number, not {json_type(value)}", path=render_path(path)
        )
    return value
