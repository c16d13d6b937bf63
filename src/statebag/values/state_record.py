"""Give a step its state as an object of a class, and turn that object into JSON again.

The class is a dataclass, a `msgspec.Struct` or a pydantic model; a TypedDict is only checked, since
its values are dicts already. No part of the state is lost: members that the class does not have
stay, and values that the function did not change keep their JSON form.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import ConfigurationError, InvalidState
from statebag.format import json_text
from statebag.format.unopened import unread_in
from statebag.values.record_conversion import convert_state
from statebag.values.record_fields import fields_of, is_record, is_root, is_typed_dict
from statebag.values.record_origins import (
    SEQUENCES,
    Origin,
    Origins,
    check_beyond,
    check_reshaped,
)
from statebag.values.snapshots import IMMUTABLE, same_json, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.values.record_fields import RecordFields

__all__ = ["StateRecord", "annotated_record", "check_state_type"]

_JSON_LEAVES = frozenset({str, int, float, bool, type(None)})
# Of these, Python gives the same object for the same value, now and then.
_SHARED = frozenset({str, int, bool, bytes, type(None)})


def check_state_type(kind: object) -> None:
    """Refuse a type that `step(state=)` cannot make from a state.

    Raises:
        ConfigurationError: It is not a class of one of the kinds.
    """
    if not (isinstance(kind, type) and (is_typed_dict(kind) or is_record(kind))):
        said = kind.__qualname__ if isinstance(kind, type) else type(kind).__qualname__
        raise ConfigurationError(
            "state must be a TypedDict, a dataclass, a msgspec.Struct or a pydantic model, "
            f"not {said}",
            hint="Pass the class itself: state=Order.",
        )


def annotated_record(function: Callable[..., Any]) -> type | None:
    """Return the class that a function's first parameter is annotated with, if values are made.

    A TypedDict or a dict adds nothing, and the wrapper of another decorator may do anything with
    the state.

    Args:
        function: The function, or a decorator's wrapper around it.
    """
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__"):
        return None
    place = 1 if hasattr(function, "__self__") else 0
    if place >= code.co_argcount:
        return None
    said: object
    try:
        said = function.__annotations__.get(code.co_varnames[place])
    except NameError:  # a name for type checkers alone, where annotations are evaluated late
        return None
    if isinstance(said, str):
        said = _named(said, getattr(function, "__globals__", {}))
    if not isinstance(said, type) or not is_record(said):
        return None
    found: type = said
    return found


class StateRecord:
    """One state as an object of a class.

    Args:
        kind: The class.
        keeps_values: Whether the seal has its own forms for values that are not JSON.
    """

    def __init__(self, kind: type, *, keeps_values: bool = False) -> None:
        self._kind = kind
        self._keeps_values = keeps_values
        self._origins = Origins()
        self._origin: Origin | None = None
        self._is_in_model = False

    def made(self, state: Any) -> Any:
        """Return the object of a state.

        Args:
            state: The opened state. Values that were not opened stay as they are in a dataclass, a
                Struct and a TypedDict.

        Raises:
            InvalidState: The state does not fit, with the path of the value.
            ConfigurationError: A class has a field for which it is not known where it is read from.
        """
        if is_typed_dict(self._kind):
            try:
                convert_state(state, self._kind, ())
            except RecursionError:
                raise json_text.no_room(InvalidState) from None
            return state
        try:
            # Of a copy: a class may keep dicts of the state, which would change with its object.
            value = convert_state(_copied(state), self._kind, ())
        except RecursionError:
            raise json_text.no_room(InvalidState) from None
        self._origin = self._origins.remember(value, state)
        return value

    def written(self, answer: Any) -> Any:
        """Return a function's answer with JSON values instead of objects of classes.

        An object keeps the members that its class does not have, if it was made from the state, or
        is in the same place as an object of the same class in the state (in an array, only the
        former).

        Args:
            answer: Any value.

        Raises:
            InvalidState: A change cannot be written without losing a part of the state.
        """
        top = self._origin
        try:
            if type(answer) is dict and top is not None and is_record(type(top.made)):
                parts = top.parts  # a delta, or the state as a dict
                return {name: self._written(one, parts.get(name)) for name, one in answer.items()}
            return self._written(answer, top, is_state=True)
        except RecursionError:
            raise json_text.no_room(InvalidState) from None

    def _written(self, value: Any, place: Origin | None, *, is_state: bool = False) -> Any:
        """Return the JSON value of a value: the state's own, if nothing in it changed.

        Args:
            value: The value.
            place: The object made at this place; None in an array, where a place means nothing.
            is_state: Whether it is the state itself, of which every field is written.
        """
        if place is not None and place.kept(value):
            return place.its
        if type(value) in _JSON_LEAVES or unread_in(value) is not None:
            return value
        kind = type(value)
        origin = self._origins.of(value)
        if origin is None:
            origin = place if place is not None and type(place.made) is kind else None
        if origin is None and self._is_json(value):
            return value
        if origin is not None and origin.before is not None:
            if origin.made is value and origin.before == snapshot(value):
                return origin.its
            if _holds_object(origin.its):
                raise InvalidState(
                    f"a value of type {kind.__qualname__} that was made from JSON objects was "
                    "changed, and members that they have and it does not would be lost",
                    hint="Use a list, a dict or a class with fields instead.",
                )
            origin = None
        if is_record(kind):
            if self._keeps_values and origin is None and not isinstance(value, self._kind):
                return value
            if is_root(kind):
                return self._written(value.root, origin and origin.parts.get("root"))
            if fields_of(kind).is_array:
                return self._array(value, origin)
            is_moved = origin is None or origin is not place
            outside, self._is_in_model = self._is_in_model, hasattr(kind, "__pydantic_validator__")
            written = self._members(value, origin, is_state=is_state, is_moved=is_moved)
            self._is_in_model = outside
            return written
        if isinstance(value, dict):
            return self._dict(value, origin)
        if self._keeps_values and origin is None and isinstance(value, tuple | set | frozenset):
            return value
        if isinstance(value, SEQUENCES) and (origin is not None or not hasattr(value, "_asdict")):
            return self._items(value, origin)
        if isinstance(value, set | frozenset):
            items = [self._written(one, None) for one in value]
            return sorted(items, key=json_text.encode)  # the same in every process
        if self._keeps_values:
            return value
        if isinstance(value, tuple | Decimal):
            return value  # as the runtime writes it
        if self._is_in_model and isinstance(value, bytes | bytearray):
            raise InvalidState(
                f"a value of type {kind.__qualname__} in a pydantic model was changed, and its "
                "text would be read as another value",
                hint="Give the model a field of type bytes with UTF-8 in it, or of type str.",
            )
        try:
            return msgspec.to_builtins(value, str_keys=True)
        except (TypeError, ValueError):
            return value  # `step` says what the runtime does not write

    def _is_json(self, value: Any) -> bool:
        """Return whether a container is JSON as it is, at any depth."""
        pending = [value]
        seen: set[int] = set()  # the seal refuses a value that holds itself
        while pending:
            one = pending.pop()
            if type(one) in _JSON_LEAVES or id(one) in seen:
                continue
            if self._origins.of(one) is not None:
                return False
            seen.add(id(one))
            if type(one) is dict:
                if not all(type(name) is str for name in one):
                    return False
                pending.extend(one.values())
            elif type(one) is list:
                pending.extend(one)
            elif unread_in(one) is None:
                return False
        return True

    def _items(self, value: Any, origin: Origin | None) -> list[Any]:
        if origin is None:
            return [self._written(one, None) for one in value]
        # A date that moved in its array is the same one; ints and texts may be another's.
        moved = {
            id(part.made): part
            for part in origin.parts.values()
            if type(part.made) in IMMUTABLE and type(part.made) not in _SHARED
        }
        written = []
        for index, one in enumerate(value):
            part = origin.parts.get(index)
            if part is None or part.made is not one:
                part = moved.get(id(one))
            written.append(self._written(one, part))
        its: list[Any] = origin.its
        return its if same_json(written, its) else written

    def _dict(self, value: dict[Any, Any], origin: Origin | None) -> dict[Any, Any]:
        if origin is None:
            return {self._key(key): self._written(one, None) for key, one in value.items()}
        written = {}
        for key, one in value.items():
            name = origin.names[key] if key in origin.names else self._key(key)
            written[name] = self._written(one, origin.parts.get(name))
        its: dict[Any, Any] = origin.its
        known = set(origin.names.values())
        if len(known) < len(its):  # a TypedDict is made without the members that it does not have
            own = written
            written = {
                name: own.get(name, one)
                for name, one in its.items()
                if name in own or name not in known
            }
            written.update(own)
        return its if same_json(written, its) else written

    def _key(self, key: Any) -> Any:
        if self._keeps_values or type(key) in _JSON_LEAVES:
            return key
        try:
            return next(iter(msgspec.to_builtins({key: None}, str_keys=True)))
        except (TypeError, ValueError):
            return key  # as for values

    def _array(self, record: Any, origin: Origin | None) -> list[Any]:
        """Return the JSON array of a Struct that is written as one."""
        fields = fields_of(type(record))
        first = [] if fields.tag is None else [fields.tag[1]]
        parts = {} if origin is None else origin.parts
        its = [] if origin is None else origin.its
        written = first + [
            self._written(getattr(record, attribute), parts.get(index))
            for index, attribute in enumerate(fields.names, len(first))
        ]
        if origin is not None and same_json(written[: len(its)], its[: len(written)]):
            more = fields.names if origin.made is not record else origin.absent
            if all(snapshot(getattr(record, name)) == origin.absent.get(name) for name in more):
                return its
        return written + its[len(written) :]

    def _members(
        self, record: Any, origin: Origin | None, *, is_state: bool, is_moved: bool
    ) -> dict[str, Any]:
        fields = fields_of(type(record))
        is_own = origin is not None and origin.made is record
        if origin is None:
            origin = Origin(record, {})
        check_beyond(record, fields, origin.beyond if is_own else None)
        its = origin.its
        more = getattr(record, "__pydantic_extra__", None)
        attributes = {name: attribute for attribute, name in origin.names.items()}
        written: dict[str, Any] = {}
        for name, one in its.items():
            if name in attributes:
                now = getattr(record, attributes[name], msgspec.UNSET)
                if now is not msgspec.UNSET:  # or the function deleted it
                    part = origin.parts.get(name)
                    written[name] = self._field(now, part, attributes[name], fields)
            elif more is not None and name in more:
                written[name] = self._written(more[name], origin.parts.get(name))
            elif name not in origin.more:
                written[name] = one
        absent = {
            attribute: getattr(record, attribute, msgspec.UNSET)
            for attribute in fields.names
            if attribute not in origin.names
        }
        given: frozenset[str] = (
            getattr(record, "__pydantic_fields_set__", frozenset()) - origin.given
        )
        # An object below the state that did not change gets no defaults: its bytes stay the same.
        is_changed = (
            is_state
            or not is_own
            or not given.isdisjoint(absent)
            or any(name not in its for name in more or ())
            or any(snapshot(one) != origin.absent.get(name) for name, one in absent.items())
            or not same_json(written, its)
        )
        if is_own and fields.is_reshaped:
            check_reshaped(record, origin, absent)
        tag = fields.tag
        if tag is not None and tag[0] not in written and (is_changed or is_moved):
            written = {tag[0]: tag[1], **written}
        elif not is_changed:
            return its  # type: ignore[no-any-return]
        if is_changed:
            for attribute, one in absent.items():
                if one is not msgspec.UNSET:
                    name = fields.names[attribute][0]
                    written[name] = self._field(one, None, attribute, fields)
        for name, one in (more or {}).items():
            if name not in written:
                written[name] = self._written(one, None)
        return written

    def _field(self, value: Any, part: Origin | None, attribute: str, fields: RecordFields) -> Any:
        is_text = attribute in fields.texts and type(value) is bytes and not self._keeps_values
        if is_text and (part is None or not part.kept(value)):
            try:
                return fields.texts[attribute](value).decode()
            except UnicodeDecodeError:
                pass  # refused as bytes that pydantic does not read back
        return self._written(value, part)


def _copied(value: Any) -> Any:
    """Return a copy of the dicts and lists of a value, at any depth."""
    if type(value) not in (dict, list):
        return value
    copy = value.copy()
    pending: list[Any] = [copy]
    while pending:
        into = pending.pop()
        for name, one in into.items() if type(into) is dict else enumerate(into):
            if type(one) is dict or type(one) is list:
                into[name] = one = one.copy()  # noqa: PLW2901  # the copy is what is filled next
                pending.append(one)
    return copy


def _holds_object(value: Any) -> bool:
    """Return whether a JSON value is an object, or an array that holds one."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            return True
        if isinstance(one, list):
            pending.extend(one)
    return False


def _named(text: str, names: dict[str, Any]) -> object:
    """Return the value of a dotted name; None for another expression, or an unknown name."""
    first, *rest = text.split(".")
    found = names.get(first)
    for name in rest:
        found = getattr(found, name, None)
    return found
