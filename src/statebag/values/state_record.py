"""Give a step its state as an object of a class, and turn that object into JSON again.

The class is a dataclass, a `msgspec.Struct` or a pydantic model; a TypedDict is only checked, since
its values are dicts already. Nothing of the state is lost on the way: members that the class does
not have, and the JSON form of values that the function did not change, are as they were.
"""

from __future__ import annotations

import re
from collections import deque
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from statebag.errors import ConfigurationError, InvalidState
from statebag.format import json_text
from statebag.format.paths import render_path
from statebag.format.unopened import holds_unopened, unread_in
from statebag.values.record_fields import fields_of, is_record, is_root, is_typed_dict
from statebag.values.snapshots import IMMUTABLE, is_immutable, same_json, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from statebag.format.paths import Path
    from statebag.values.record_fields import RecordFields

__all__ = ["StateRecord", "annotated_record", "check_state_type"]

_JSON_LEAVES = frozenset({str, int, float, bool, type(None)})
# Of these, Python gives the same object for the same value, now and then.
_SHARED = frozenset({str, int, bool, bytes, type(None)})
_SEQUENCES = (list, tuple, deque)
# What msgspec and pydantic say of a value without quoting it.
_SAFE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_MISSING = re.compile(r"Object missing required field `([^`]+)`")
_PLACE = re.compile(r" - at `(\$[^`]*)`$")
_HINT = "Change the type, or take state= away to get the state as a dict."


def check_state_type(kind: object) -> None:
    """Refuse what `step(state=)` cannot make of a state.

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

    A TypedDict or a dict says nothing new, and the wrapper of another decorator may do as it likes
    with the state.

    Args:
        function: The function, or what a decorator made of it.
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


class _Origin:
    """What an object, or another value, was made from.

    Attributes:
        made: The object. It is held, which keeps its id from being given to another one.
        its: The JSON value.
        parts: What stands in it, by the name of the member or the index, if it needs an origin.
        names: The name in JSON of each attribute that was read, or of each key of a dict.
        more: Names of members that the object has without a field.
        absent: Snapshots of the fields that were not read.
        given: Fields that pydantic says were given.
        beyond: Snapshots of attributes that are no fields.
        before: A snapshot of a value that may change in place, and has no parts.
    """

    __slots__ = ("absent", "before", "beyond", "given", "its", "made", "more", "names", "parts")

    def __init__(self, made: Any, its: Any) -> None:
        self.made = made
        self.its = its
        self.parts: dict[Any, _Origin] = {}
        self.names: dict[Any, Any] = {}
        self.more: frozenset[str] = frozenset()
        self.absent: dict[str, Any] = {}
        self.given: frozenset[str] = frozenset()
        self.beyond: dict[str, Any] = {}
        self.before: Any = None

    def kept(self, one: Any) -> bool:
        """Return whether a value is the one that was made here, and cannot have changed."""
        return self.made is one and is_immutable(one)


class StateRecord:
    """One state as an object of a class.

    Args:
        kind: The class.
        keeps_values: Whether the seal has forms of its own for values that are not JSON.
    """

    def __init__(self, kind: type, *, keeps_values: bool = False) -> None:
        self._kind = kind
        self._keeps_values = keeps_values
        # Of containers alone: Python shares None, small ints and members of an Enum, which are
        # known by their place.
        self._origins: dict[int, _Origin] = {}
        self._origin: _Origin | None = None
        self._is_in_model = False

    def made(self, state: Any) -> Any:
        """Return the object of a state.

        Args:
            state: The opened state. Values that were not opened stay as they are in a dataclass, a
                Struct and a TypedDict.

        Raises:
            InvalidState: The state does not fit, with the path of the value.
            ConfigurationError: A class has a field of which it cannot be said where it is read.
        """
        if is_typed_dict(self._kind):
            try:
                _converted(state, self._kind, ())
            except RecursionError:
                raise json_text.no_room(InvalidState) from None
            return state
        try:
            # Of a copy: a class may keep dicts of the state, which would change with its object.
            value = _converted(_copied(state), self._kind, ())
        except RecursionError:
            raise json_text.no_room(InvalidState) from None
        self._origin = self._paired(value, state)
        return value

    def written(self, answer: Any) -> Any:
        """Return what a function answered, with JSON values in place of objects of classes.

        An object keeps the members that its class does not have, if it was made from the state, or
        stands where the state has an object of the same class (in an array, only the former).

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

    def _paired(self, value: Any, original: Any) -> _Origin:
        """Remember what a value, and each one in it that JSON has in another form, is made from."""
        first = _Origin(value, original)
        pending = [first]
        while pending:
            origin = pending.pop()
            for name, one, its in self._parts(origin):
                if one is its or _is_copy(one, its):
                    continue
                origin.parts[name] = part = _Origin(one, its)
                pending.append(part)
        return first

    def _parts(self, origin: _Origin) -> Iterable[tuple[Any, Any, Any]]:
        """Return the places in a value, with what stands there and its JSON value."""
        one, its = origin.made, origin.its
        kind = type(one)
        if is_immutable(one):
            return ()
        if not isinstance(one, tuple | frozenset) or one:  # Python shares the empty ones
            self._origins[id(one)] = origin
        if is_record(kind):
            if is_root(kind):
                return [("root", one.root, its)]
            fields = fields_of(kind)
            if isinstance(its, dict) and not fields.is_array:
                return _parts_of_record(origin, fields)
            if isinstance(its, list) and fields.is_array:
                return _parts_of_array(origin, fields)
        elif isinstance(its, list) and isinstance(one, _SEQUENCES) and len(one) == len(its):
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

    def _written(self, value: Any, place: _Origin | None, *, is_state: bool = False) -> Any:
        """Return the JSON value of a value: the state's own, if nothing in it changed.

        Args:
            value: The value.
            place: What was made at this place; None in an array, where a place says nothing.
            is_state: Whether it is the state itself, of which every field is written.
        """
        if place is not None and place.kept(value):
            return place.its
        if type(value) in _JSON_LEAVES or unread_in(value) is not None:
            return value
        kind = type(value)
        origin = self._origins.get(id(value))
        if origin is None or origin.made is not value:
            origin = place if place is not None and type(place.made) is kind else None
        if origin is None and self._is_json(value):
            return value
        if origin is not None and origin.before is not None:
            if origin.made is value and origin.before == snapshot(value):
                return origin.its
            if _holds_object(origin.its):
                raise InvalidState(
                    f"a value of type {kind.__qualname__} that was made from JSON objects was "
                    "changed, and members of these that it does not have would be lost",
                    hint="Use a list, a dict or a class with fields for it.",
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
        if isinstance(value, _SEQUENCES) and (origin is not None or not hasattr(value, "_asdict")):
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
                "text would be read as another one",
                hint="Give the model a field of type bytes with UTF-8 in it, or of type str.",
            )
        try:
            return msgspec.to_builtins(value, str_keys=True)
        except (TypeError, ValueError):
            return value  # `step` says what the runtime does not write

    def _is_json(self, value: Any) -> bool:
        """Return whether a container holds nothing that is written in another way, at any depth."""
        pending = [value]
        seen: set[int] = set()  # the seal refuses a value that holds itself
        while pending:
            one = pending.pop()
            if type(one) in _JSON_LEAVES or id(one) in seen:
                continue
            if id(one) in self._origins:
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

    def _items(self, value: Any, origin: _Origin | None) -> list[Any]:
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

    def _dict(self, value: dict[Any, Any], origin: _Origin | None) -> dict[Any, Any]:
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

    def _array(self, record: Any, origin: _Origin | None) -> list[Any]:
        """Return the JSON array of a Struct that is one."""
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
        self, record: Any, origin: _Origin | None, *, is_state: bool, is_moved: bool
    ) -> dict[str, Any]:
        fields = fields_of(type(record))
        is_own = origin is not None and origin.made is record
        if origin is None:
            origin = _Origin(record, {})
        _check_beyond(record, fields, origin.beyond if is_own else None)
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
            _check_reshaped(record, origin, absent)
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

    def _field(self, value: Any, part: _Origin | None, attribute: str, fields: RecordFields) -> Any:
        is_text = attribute in fields.texts and type(value) is bytes and not self._keeps_values
        if is_text and (part is None or not part.kept(value)):
            try:
                return fields.texts[attribute](value).decode()
            except UnicodeDecodeError:
                pass  # refused as bytes that pydantic does not read back
        return self._written(value, part)


def _check_reshaped(record: Any, origin: _Origin, absent: dict[str, Any]) -> None:
    """Refuse a change of a field that a validator made of other members."""
    for attribute, one in absent.items():
        if attribute in origin.given and snapshot(one) != origin.absent[attribute]:
            raise InvalidState(
                f"the field {attribute!r} of {_plain_name(type(record))} was changed, and was made "
                "by a validator from other members, which would make it again",
                hint="Read the members as they are, and change them in the function.",
            )


def _parts_of_record(origin: _Origin, fields: RecordFields) -> list[tuple[str, Any, Any]]:
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


def _parts_of_array(origin: _Origin, fields: RecordFields) -> list[tuple[int, Any, Any]]:
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
    """Return the attributes of an object that are no fields and no cached properties."""
    if hasattr(record, "__pydantic_fields_set__"):
        return {}  # pydantic refuses others, and private ones are of the process
    found = getattr(record, "__dict__", {})
    names = [name for name in found if name not in fields.names]
    return {name: found[name] for name in names if not _is_cache(type(record), name)}


def _is_cache(kind: type, name: str) -> bool:
    return any(isinstance(vars(base).get(name), cached_property) for base in kind.__mro__)


def _check_beyond(record: Any, fields: RecordFields, before: dict[str, Any] | None) -> None:
    """Refuse an attribute that is no field, and that the constructor did not set so."""
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
                f"a value of type {_plain_name(type(record))} has an attribute {name!r}, which is "
                "not a field, that would not come back",
                hint="Declare it as a field.",
            )


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


def _converted(value: Any, kind: Any, path: Path) -> Any:
    """Return an object of a type; parts that were not opened stay."""
    if unread_in(value) is not None:
        return value
    if holds_unopened(value):
        return _partly_converted(value, kind, path)
    if hasattr(kind, "__pydantic_validator__"):
        return _validated(value, kind, path)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        _refuse(str(error), kind, path)
    except TypeError:
        raise ConfigurationError(
            f"{getattr(kind, '__qualname__', kind)} has a type that is not made of JSON",
            hint="Use types that msgspec converts (https://jcristharif.com/msgspec), or a pydantic "
            "model.",
        ) from None


def _partly_converted(value: Any, kind: Any, path: Path) -> Any:
    """Return an object of a record's class of which some parts were not opened."""
    is_model = hasattr(kind, "__pydantic_validator__")
    is_made = isinstance(kind, type) and (is_record(kind) or is_typed_dict(kind))
    known = {name for names in fields_of(kind).names.values() for name in names} if is_made else ()
    if is_model or not is_made or not isinstance(value, dict):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            if holds_unopened(one) and (not is_model or name in known):
                raise InvalidState(
                    f"a value of type {_plain_name(kind)} has a part that was not opened",
                    path=render_path((*path, name)),
                    hint="Add this path to only=, or take the field out of the type.",
                )
        if is_model:
            return _validated({n: one for n, one in value.items() if n in known}, kind, path)
    fields = fields_of(kind)
    used = fields.used(kind, value)
    for attribute in sorted(fields.required - used.keys()):
        _refuse(f"Object missing required field `{fields.names[attribute][0]}`", kind, path)
    made = {
        attribute: _converted(value[name], fields.types[attribute], (*path, name))
        for attribute, name in used.items()
    }
    if is_typed_dict(kind):
        return {**value, **made}
    record = kind(**{name: one for name, one in made.items() if name not in fields.computed})
    for name in fields.computed & made.keys():
        object.__setattr__(record, name, made[name])
    return record


def _validated(value: Any, kind: Any, path: Path) -> Any:
    try:
        return kind.__pydantic_validator__.validate_python(value)
    except Exception as error:
        errors = getattr(error, "errors", None)
        if not callable(errors):
            raise
        first = errors(include_url=False, include_context=False, include_input=False)[0]
        place = [part for part in first["loc"] if isinstance(part, str | int)]
        raise _unfit(kind, first["type"].replace("_", " "), render_path((*path, *place))) from None


def _refuse(said: str, kind: Any, path: Path) -> NoReturn:
    """Raise what msgspec found, without a value of the state."""
    place = _PLACE.search(said)
    inside = "" if place is None else place[1].removeprefix("$")
    typed, missing = _SAFE.match(said), _MISSING.match(said)
    if missing is not None:
        inside += render_path((missing[1],)).removeprefix("$")
        found = "it is missing"
    elif typed is not None:
        found = f"it must be {typed[1]}, not {typed[2]}"
    else:
        found = "its value is not one that the type has"
    raise _unfit(kind, found, render_path(path) + inside) from None


def _unfit(kind: Any, found: str, path: str) -> InvalidState:
    return InvalidState(
        f"the state does not fit {_plain_name(kind)}: {found}", path=path, hint=_HINT
    )


def _plain_name(kind: Any) -> str:
    return str(getattr(kind, "__qualname__", kind))


def _named(text: str, names: dict[str, Any]) -> object:
    """Return what a dotted name stands for; None for another expression, or an unknown name."""
    first, *rest = text.split(".")
    found = names.get(first)
    for name in rest:
        found = getattr(found, name, None)
    return found
