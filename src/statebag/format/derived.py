"""Derived fields: fields of a bag that a writer derived from an offloaded value.

A router may need two numbers of a large value. The writer puts them next to the stub of that value,
and marks the stub (`"derived": ["summary"]`), so that a field of the state with that name is never
taken for a derived one. A reader drops the fields that the mark names, without knowing the writer.
The mark on a field's stub names siblings of that field; the mark on a rest's stub names fields next
to it.
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
    """Register the field from which a derived field always comes.

    An engine may move a stub to another field, where the state may have a field with the derived
    field's name. The mark counts only on the registered source.

    Args:
        name: The name of the derived field.
        source: The name of its source, a field of the same object.
    """
    _sources[name] = source


def is_marked(wire: Any) -> bool:
    """Return whether a JSON value is a stub that names derived fields."""
    if not isinstance(wire, dict):
        return False
    body = wire.get(KEY)
    return isinstance(body, dict) and DERIVED in body and bool(_names(body))


def without_derived(bag: Any) -> tuple[Any, dict[str, Any]]:
    """Return a copy of an object of a bag without its derived fields and their marks.

    Args:
        bag: Any JSON value; one that is not an object has no derived fields.

    Returns:
        The copy, and the derived fields that the object had.
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
    """Return a sealed object with fields that were derived from one of its fields.

    Args:
        bag: A sealed object, which has no fields of these names.
        source: The field that they are derived from.
        fields: JSON values by name; the bag's bound must have room for them.

    Returns:
        The object with the derived fields; without them if `source` stands in plain form.
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
