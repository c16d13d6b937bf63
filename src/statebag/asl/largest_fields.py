"""Find the fields that make a payload large."""

from __future__ import annotations

from typing import Any

from statebag.asl.payload import payload_size
from statebag.format.paths import render_path

__all__ = ["largest_fields"]

_NAMED = 3  # fields. Chosen: a message with them stays one sentence
_MOST_DEEP = 8  # levels. Chosen: deeper places tell nobody more


def largest_fields(value: Any) -> list[tuple[str, int]]:
    """Return the paths and the bytes of the largest fields of a value, the largest first.

    If one field has most of the bytes of the object around it, that field is named instead of the
    object.

    Args:
        value: Any JSON value.
    """
    above: tuple[str, ...] = ()
    sizes: list[tuple[str, int]] = []
    while isinstance(value, dict) and value and len(above) < _MOST_DEEP:
        by_size = sorted(((payload_size(one), name) for name, one in value.items()), reverse=True)
        sizes = [(render_path((*above, name)), size) for size, name in by_size[:_NAMED]]
        size, name = by_size[0]
        if not isinstance(value[name], dict) or 2 * size < sum(one for one, _ in by_size):
            break
        above, value = (*above, name), value[name]
    return sizes
