"""Find the places in a bag that slices, and indices from the end of an array, stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.format.unopened import Unopened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.format.paths import Part, Place

__all__ = ["places_in"]


def places_in(bag: Any, places: Iterable[Place]) -> list[Place]:
    """Return the places in a bag from its start, for `Selection`.

    Args:
        bag: A bag, which is not read: an array that a stub stands for has an unknown length.
        places: As `parse_place` gives them.

    Returns:
        The same places. An index or slice that counts from the end of an array in the bag counts
        from its start; one into an array that a stub stands for is left out, with what follows it,
        since the whole array is opened.
    """
    return [_from_start(bag, place) for place in places]


def _from_start(value: Any, place: Place) -> Place:
    found: list[Part | slice] = []
    for part in place:
        if isinstance(value, Unopened):
            value = value.wire
        if isinstance(value, list) and not isinstance(part, str):
            if isinstance(part, slice):
                start, stop, _ = part.indices(len(value))
                found.append(slice(start, stop))
                break
            at = part if part >= 0 else part + len(value)
            found.append(at)
            value = value[at] if 0 <= at < len(value) else None
        elif isinstance(part, slice) or (isinstance(part, int) and part < 0):
            break
        else:
            found.append(part)
            value = value.get(part) if isinstance(value, dict) else None
    return tuple(found)
