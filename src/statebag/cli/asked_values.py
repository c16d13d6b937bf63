"""Take the values at some paths out of an opened state, for `statebag open --only`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.near_name import near_name
from statebag.format.paths import render_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statebag.format.paths import Part, Place

__all__ = ["asked_values"]


def asked_values(state: Any, places: Sequence[Place], above: Place = ()) -> Any:
    """Return a copy of a state with only the values at some places.

    An object keeps the members that lead to them, in its order. An array keeps only such items, so
    their indices may differ from those in the state.

    Args:
        state: What was opened.
        places: The places.
        above: The place of `state` itself.

    Raises:
        InvalidState: The state has nothing at one of the places. The hint names a similar one.
    """
    if not all(places):
        return state
    below: dict[Part, list[Place]] = {}
    for place in places:
        for part in _parts_of(state, place, above):
            below.setdefault(part, []).append(place[1:])
    if isinstance(state, dict):
        return {
            name: asked_values(one, below[name], (*above, name))
            for name, one in state.items()
            if name in below
        }
    return [
        asked_values(state[at], below[at], (*above, at))
        for at in sorted(one for one in below if isinstance(one, int))
    ]


def _parts_of(state: Any, place: Place, above: Place) -> list[Part]:
    """Return the name, or the indices from the start, that the first part of a place means."""
    part = place[0]
    if isinstance(state, list) and isinstance(part, slice):
        return list(range(*part.indices(len(state))))
    if isinstance(state, list) and isinstance(part, int) and -len(state) <= part < len(state):
        return [part % len(state)]
    if isinstance(state, dict) and isinstance(part, str) and part in state:
        return [part]
    hint = None
    if isinstance(state, dict) and isinstance(part, str):
        near = near_name(part, state)
        hint = None if near is None else f"Did you mean {render_path((*above, near))}?"
    elif isinstance(state, list):
        hint = f"{render_path(above)} is an array of {len(state)} items."
    raise InvalidState(
        "the state has no value at this path",
        path=render_path((*above, part)),
        hint=hint or "`statebag inspect` shows the names.",
    )
