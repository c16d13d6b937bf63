"""Remember which JSON value each part of a state's object was made from.

`StateRecord` writes an object as JSON again. A part that did not change is written as the state had
it, and a changed object keeps the members that its class does not have. Both need the origin of a
value: its JSON value, and a snapshot of what it was.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import InvalidState
from statebag.values.record_conversion import class_name
from statebag.values.record_fields import fields_of, is_record, is_root
from statebag.values.snapshots import is_immutable, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.values.record_fields import RecordFields

__all__ = ["SEQUENCES", "Origin", "Origins", "check_beyond", "check_reshaped"]

SEQUENCES = (list, tuple, deque)


class Origin:
    """The origin of an object, or of another value.

    Attributes:
        made: The object. It is held, which keeps its id from being given to another one.
        its: The JSON value.
        parts: Its parts that need an origin, by the name of the member or the index.
        names: The name in JSON of each attribute that was read, or of each key of a dict.
        more: Names of members that the object has but that are not fields.
        absent: Snapshots of the fields that were not read.
        given: Fields that pydantic says were given.
        beyond: Snapshots of attributes that are not fields.
        before: A snapshot of a value that may change in place, and has no parts.
    """

    __slots__ = ("absent", "before", "beyond", "given", "its", "made", "more", "names", "parts")

    def __init__(self, made: Any, its: Any) -> None:
        self.made = made
        self.its = its
        self.parts: dict[Any, Origin] = {}
        self.names: dict[Any, Any] = {}
        self.more: frozenset[str] = frozenset()
        self.absent: dict[str, Any] = {}
        self.given: frozenset[str] = frozenset()
        self.beyond: dict[str, Any] = {}
        self.before: Any = None

    def kept(self, one: Any) -> bool:
        """Return whether a value is the one that was made here, and cannot have changed."""
        return self.made is one and is_immutable(one)


class Origins:
    """The origins of all containers in the object of one state."""

    def __init__(self) -> None:
        # Of containers alone: Python shares None, small ints and members of an Enum, which are
        # known by their place.
        self._known: dict[int, Origin] = {}

    def of(self, value: Any) -> Origin | None:
        """Return the origin of a container; None if it was not made from the state."""
        found = self._known.get(id(value))
        return found if found is not None and found.made is value else None

    def remember(self, value: Any, original: Any) -> Origin:
        """Remember what a value was made from; return its origin.

        Parts that are the same in JSON, such as a dict of the state, are left out.

        Args:
            value: The object of the state.
            original: Its JSON value.
        """
        first = Origin(value, original)
        pending = [first]
        while pending:
            origin = pending.pop()
            for name, one, its in self._parts(origin):
                if one is its or _is_copy(one, its):
                    continue
                origin.parts[name] = part = Origin(one, its)
                pending.append(part)
        return first

    def _parts(self, origin: Origin) -> Iterable[tuple[Any, Any, Any]]:
        """Return the parts of a value: name or index, the part, and its JSON value."""
        one, its = origin.made, origin.its
        kind = type(one)
        if is_immutable(one):
            return ()
        if not isinstance(one, tuple | frozenset) or one:  # Python shares the empty ones
            self._known[id(one)] = origin
        if is_record(kind):
            if is_root(kind):
                return [("root", one.root, its)]
            fields = fields_of(kind)
            if isinstance(its, dict) and not fields.is_array:
                return _parts_of_record(origin, fields)
            if isinstance(its, list) and fields.is_array:
                return _parts_of_array(origin, fields)
        elif isinstance(its, list) and isinstance(one, SEQUENCES) and len(one) == len(its):
            return zip(range(len(its)), one, its, strict=True)
        elif isinstance(its, dict) and isinstance(one, dict):
            if all(name in its for name in one):
                origin.names = {name: name for name in one}
            elif len(one) == len(its):
                origin.names = dict(zip(one, its, strict=True))  # keys of another type
            if origin.names or not one:
                return [(name, one[key], its[name]) for key, name in origin.names.items()]
        origin.before = snapshot(one)
        return ()


def check_reshaped(record: Any, origin: Origin, absent: dict[str, Any]) -> None:
    """Refuse a change of a field that a validator computes from other members."""
    for attribute, one in absent.items():
        if attribute in origin.given and snapshot(one) != origin.absent[attribute]:
            raise InvalidState(
                f"the field {attribute!r} of {class_name(type(record))} was changed, but a "
                "validator computes it from other members, and would overwrite the change",
                hint="Read the members as they are, and change them in the function.",
            )


def _parts_of_record(origin: Origin, fields: RecordFields) -> list[tuple[str, Any, Any]]:
    one, its = origin.made, origin.its
    origin.names = fields.used(type(one), its)
    origin.given = frozenset(getattr(one, "__pydantic_fields_set__", ()))
    origin.absent = {
        attribute: snapshot(getattr(one, attribute, msgspec.UNSET))
        for attribute in fields.names
        if attribute not in origin.names
    }
    origin.beyond = {name: snapshot(its) for name, its in _beyond(one, fields).items()}
    more = getattr(one, "__pydantic_extra__", None) or {}
    origin.more = frozenset(more)
    used = set(origin.names.values())
    return [
        (name, getattr(one, attribute, msgspec.UNSET), its[name])
        for attribute, name in origin.names.items()
    ] + [(name, more[name], its[name]) for name in more if name in its and name not in used]


def _parts_of_array(origin: Origin, fields: RecordFields) -> list[tuple[int, Any, Any]]:
    first = 0 if fields.tag is None else 1
    attributes = list(fields.names)
    read = attributes[: len(origin.its) - first]
    origin.absent = {
        attribute: snapshot(getattr(origin.made, attribute))
        for attribute in attributes[len(read) :]
    }
    return [
        (index, getattr(origin.made, attribute), origin.its[index])
        for index, attribute in enumerate(read, first)
    ]


def _beyond(record: Any, fields: RecordFields) -> dict[str, Any]:
    """Return the attributes of an object that are neither fields nor cached properties."""
    if hasattr(record, "__pydantic_fields_set__"):
        return {}  # pydantic refuses others, and private ones are of the process
    found = getattr(record, "__dict__", {})
    names = [name for name in found if name not in fields.names]
    return {name: found[name] for name in names if not _is_cache(type(record), name)}


def _is_cache(kind: type, name: str) -> bool:
    return any(isinstance(vars(base).get(name), cached_property) for base in kind.__mro__)


def check_beyond(record: Any, fields: RecordFields, before: dict[str, Any] | None) -> None:
    """Refuse an attribute that is not a field, unless the constructor set the same value."""
    beyond = _beyond(record, fields)
    if not beyond:
        return
    if before is None:
        from copy import deepcopy  # noqa: PLC0415  # few classes set other attributes

        try:
            made = type(record)(
                **{
                    name: deepcopy(getattr(record, name))
                    for name in fields.names
                    if name not in fields.computed
                }
            )
            before = {name: snapshot(its) for name, its in _beyond(made, fields).items()}
        except Exception:  # noqa: BLE001  # of the user's own class
            before = {}
    for name, one in beyond.items():
        if name not in before or before[name] != snapshot(one):
            raise InvalidState(
                f"a value of type {class_name(type(record))} has an attribute {name!r}, which "
                "would not come back, since it is not a field",
                hint="Declare it as a field.",
            )


def _is_copy(one: Any, its: Any) -> bool:
    """Return whether a value is a copy of a JSON value, with the same leaves."""
    pending = [(one, its)]
    while pending:
        left, right = pending.pop()
        if left is right:
            continue
        if type(left) is dict and type(right) is dict and list(left) == list(right):
            pending.extend((value, right[name]) for name, value in left.items())
        elif type(left) is list and type(right) is list and len(left) == len(right):
            pending.extend(zip(left, right, strict=True))
        else:
            return False
    return True
