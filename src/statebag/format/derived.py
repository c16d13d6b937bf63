"""Derived fields: fields of a bag that a writer derived from an offloaded value.

A router may need two numbers of a large value. The writer puts them next to the stub of that value,
and marks the stub (`"derived": ["summary"]`). The mark on a field's stub names siblings of that
field; the mark on a rest's stub names fields next to it.

The mark alone removes nothing: an engine may have written another value into such a field, or moved
the stub, and no signature covers the mark. So a reader derives the field itself
(`declare_derived`) and drops the field if it has that value. Any other field is data.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.format.stub import KEY
from statebag.format.stub_parsing import parse_stub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from statebag.format.stub import Stub

__all__ = [
    "DERIVED",
    "Derivation",
    "declare_derived",
    "is_marked",
    "marked_fields",
    "parse_beside",
    "same",
    "set_aside",
    "sources",
    "with_derived",
    "without_marks",
]

DERIVED = "derived"


class Derivation(msgspec.Struct, frozen=True):
    """How one derived field is made.

    Attributes:
        name: The name of the derived field.
        source: The name of its source, a field of the same object.
        derive: Returns each value of the field that some release wrote for an opened source.
    """

    name: str
    source: str
    derive: Callable[[Any], Iterable[Any]]

    def gives(self, value: Any, source: Any) -> bool:
        """Return whether a value is what a writer derived from an opened source.

        Args:
            value: The value of the derived field.
            source: The opened value of the source.
        """
        return any(same(value, derived) for derived in self.derive(source))


_declared: dict[str, Derivation] = {}
sources: set[str] = set()
"""The names of the sources; an object without the reserved key and without these has no mark."""


def declare_derived(name: str, source: str, derive: Callable[[Any], Iterable[Any]]) -> None:
    """Register how a derived field is made; a mark that names another field has no effect.

    Args:
        name: The name of the derived field.
        source: The name of its source, a field of the same object.
        derive: Returns each value of the field that some release wrote for an opened source; none
            if it wrote no such field.
    """
    _declared[name] = Derivation(name, source, derive)
    sources.add(source)


def is_marked(wire: Any) -> bool:
    """Return whether a JSON value is a stub that names derived fields."""
    return isinstance(wire, dict) and bool(_names(wire.get(KEY)))


def marked_fields(bag: dict[str, Any]) -> list[Derivation]:
    """Return how the fields were derived that the stubs of an object of a bag mark.

    A mark counts on the object's own stub and on the stub of the field's source. An engine may move
    a stub to another field, where the state may have a field with the derived field's name.
    """
    body = bag.get(KEY)
    if sources.isdisjoint(bag) and not (isinstance(body, dict) and DERIVED in body):
        return []  # as in most objects
    found = dict.fromkeys(_names(body))
    for one in _declared.values():
        full: Any = bag.get(one.source)
        if is_marked(full) and one.name != one.source and one.name in _names(full[KEY]):
            found[one.name] = None
    # A field that a rest names as a field of the state is one.
    own = body.get("beside") if isinstance(body, dict) else None
    taken = own if isinstance(own, list) else ()
    return [
        _declared[name]
        for name in found
        if name in _declared and name in bag and name != KEY and name not in taken
    ]


def without_marks(bag: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of an object of a bag whose stubs mark none of its fields.

    A stub in it keeps its marks of the fields next to it.
    """
    clean = bag
    if is_marked(bag):
        clean = {**bag, KEY: _unmarked(bag[KEY])}
    for one in _declared.values():
        full = bag.get(one.source)
        if isinstance(full, dict) and is_marked(full) and one.name not in full:
            clean = {**clean, one.source: {**full, KEY: _unmarked(full[KEY])}}
    return clean


def set_aside(bag: Any) -> tuple[Any, dict[str, Any]]:
    """Return a copy of an object of a bag without the fields that may be derived.

    Args:
        bag: Any JSON value; one that is not an object has no derived fields.

    Returns:
        The copy, without marks, and the fields by name. A field may still be data: the caller puts
        it back with its mark, or compares its value (`Derivation.gives`).
    """
    if not isinstance(bag, dict):
        return bag, {}
    aside = {one.name: bag[one.name] for one in marked_fields(bag)}
    clean = without_marks(bag)
    return {name: one for name, one in clean.items() if name not in aside}, aside


def parse_beside(wire: dict[str, Any], where: str) -> tuple[Stub, Mapping[str, Any]]:
    """Return the stub of an object of a bag, and the fields next to it.

    A stub that allows no other fields next to it may still have fields there that it marks.

    Args:
        wire: An object that has the reserved key.
        where: Its path, for messages.

    Raises:
        UnsupportedFormat, InvalidStub: As for `parse_stub`.
    """
    names = {one.name for one in marked_fields(wire)} if len(wire) > 1 else set()
    if names and wire[KEY].get("rest") is not True:
        alone = {name: member for name, member in wire.items() if name not in names}
        return parse_stub(alone, where), {name: wire[name] for name in wire if name in names}
    stub = parse_stub(wire, where)
    return stub, stub.siblings


def with_derived(bag: dict[str, Any], source: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sealed object with fields that were derived from one of its fields.

    Args:
        bag: A sealed object, which has no fields of these names.
        source: The field that they are derived from.
        fields: JSON values by name; the bag's bound must have room for them.

    Returns:
        The object with the derived fields; without them if `source` stands in plain form, or if
        the object is a stub that allows no fields next to it.
    """
    full = bag.get(source)
    marked = {DERIVED: list(fields)}
    if isinstance(full, dict) and KEY in full:
        bag = {**bag, source: {**full, KEY: {**full[KEY], **marked}}}
    elif source not in bag and KEY in bag and bag[KEY].get("rest") is True:
        bag = {**bag, KEY: {**bag[KEY], **marked}}
    else:
        return bag
    return {**bag, **fields}


def _names(body: Any) -> list[str]:
    names = body.get(DERIVED) if isinstance(body, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []
    return names


def _unmarked(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != DERIVED}


def same(one: Any, two: Any) -> bool:
    """Return whether two small JSON values are equal; an engine may write 1 as 1.0."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[name], two[name]) for name in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    if {type(one), type(two)} == {int, float}:
        return _as_float(one) == _as_float(two)  # and 2**53 + 1 is not 2**53
    return type(one) is type(two) and bool(one == two)


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
