"""Fields of a bag that are not fields of its state: what a writer derived from a value that left.

A router may need two numbers of a large value. The writer puts them beside the stub of that value
and says so in the stub (`"derived": ["summary"]`), so that a field of the state's own with that
name is never taken for it. A reader drops what the mark names. It needs no knowledge of the
writer: the mark on a field's stub speaks of that field's siblings, the mark on a rest's stub of
the fields beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.format.stub import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DERIVED", "declare_derived", "is_marked", "with_derived", "without_derived"]

DERIVED = "derived"

_sources: dict[str, str] = {}


def declare_derived(name: str, source: str) -> None:
    """Say which field a derived field always comes from.

    An engine may move a stub to another field, beside a field of the state's own that has the
    derived field's name. With the source known, the mark counts in no other place.

    Args:
        name: Of the derived field.
        source: Of the field that it is derived from, in the same object.
    """
    _sources[name] = source


def is_marked(wire: Any) -> bool:
    """Whether a JSON value is a stub that names derived fields."""
    if not isinstance(wire, dict):
        return False
    body = wire.get(KEY)
    return isinstance(body, dict) and DERIVED in body and bool(_names(body))


def without_derived(bag: Any) -> tuple[Any, dict[str, Any]]:
    """An object of a bag without its derived fields and their marks; the object is not changed.

    Args:
        bag: Any JSON value; one that is not an object has no derived fields.

    Returns:
        The object, and the derived fields that it had.
    """
    if not isinstance(bag, dict):
        return bag, {}
    marked = [place for place, wire in bag.items() if place != KEY and is_marked(wire)]
    if is_marked(bag):
        marked.append(KEY)
    if not marked:
        return bag, {}
    clean, dropped = dict(bag), {}
    for place in marked:
        body = bag[KEY] if place == KEY else bag[place][KEY]
        for name in _names(body):
            in_place = place == KEY or _sources.get(name, place) == place
            if in_place and name in clean and name not in {KEY, place}:
                dropped[name] = clean.pop(name)
    for place in marked:
        if place == KEY:
            clean[KEY] = _unmarked(bag[KEY])
        elif place in clean:
            clean[place] = {**bag[place], KEY: _unmarked(bag[place][KEY])}
    return clean, dropped


def with_derived(bag: dict[str, Any], source: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A sealed object with fields that were derived from one of its own.

    Args:
        bag: A sealed object, which has no fields of these names.
        source: The field that they are derived from.
        fields: JSON values by name; they must stay as small as the bag's bound has room for.

    Returns:
        The object with the derived fields; without them if `source` is in it as it is.
    """
    full = bag.get(source)
    marked = {DERIVED: list(fields)}
    if isinstance(full, dict) and KEY in full:
        bag = {**bag, source: {KEY: {**full[KEY], **marked}}}
    elif source not in bag and KEY in bag:
        bag = {**bag, KEY: {**bag[KEY], **marked}}
    else:
        return bag
    return {**bag, **fields}


def _names(body: dict[str, Any]) -> list[str]:
    names = body[DERIVED]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []
    return names


def _unmarked(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != DERIVED}
