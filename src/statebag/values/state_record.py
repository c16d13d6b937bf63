"""Give a step its state as an object of a class, and turn that object into JSON again.

The class is a dataclass, a `msgspec.Struct` or a pydantic model; a TypedDict is only checked, since
its values are dicts already. Nothing of the state is lost on the way: members that the class does
not have, and the JSON form of values that the function did not change, are as they were.
"""

from __future__ import annotations

import re
import sys
import types
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec

from statebag.errors import ConfigurationError, InvalidState
from statebag.format import json_text
from statebag.format.paths import render_path
from statebag.format.unopened import holds_unopened, unread_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.format.paths import Path

__all__ = ["StateRecord", "annotated_record", "check_state_type"]

_JSON_LEAVES = frozenset({str, int, float, bool, type(None)})
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
    if not (isinstance(kind, type) and (_is_typed_dict(kind) or _is_record(kind))):
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
    if not isinstance(said, type) or not _is_record(said):
        return None
    found: type = said
    return found


class _Fields(NamedTuple):
    """The fields of a class by the names of their members in JSON, and the types of these."""

    attributes: dict[str, str]
    types: dict[str, Any]
    required: frozenset[str]


class StateRecord:
    """One state as an object of a class.

    Args:
        kind: The class.
        keeps_values: Whether the seal has forms of its own for values that are not JSON.
    """

    def __init__(self, kind: type, *, keeps_values: bool = False) -> None:
        self._kind = kind
        self._keeps_values = keeps_values
        # With the objects themselves, which keeps an id from being given to another one.
        self._records: dict[int, tuple[Any, dict[str, Any], dict[str, Any]]] = {}
        self._leaves: dict[int, tuple[Any, Any]] = {}
        self._state: Any = None

    def made(self, state: Any) -> Any:
        """Return the object of a state.

        Args:
            state: What was opened. Values that were not opened stay as they are in a dataclass, a
                Struct and a TypedDict.

        Raises:
            InvalidState: The state does not fit, with the path of the value.
        """
        self._state = state
        try:
            value = _converted(state, self._kind, ())
        except RecursionError:
            raise json_text.no_room(InvalidState) from None
        if _is_typed_dict(self._kind):
            return state
        self._pair(value, state)
        return value

    def written(self, answer: Any) -> Any:
        """Return what a function answered, with JSON values in place of objects of classes.

        An object keeps the members that its class does not have, if it was made from the state, or
        stands where the state has an object of the same class (in an array, only the former).

        Args:
            answer: Any value.
        """
        try:
            return self._written(answer, self._state, self._kind, is_state=True)
        except RecursionError:
            raise json_text.no_room(InvalidState) from None

    def _pair(self, value: Any, original: Any) -> None:
        """Remember what each object, and each value of another type than JSON's, was made from."""
        pending = [(value, original)]
        while pending:
            one, its = pending.pop()
            if one is its:
                continue
            if isinstance(its, dict) and _is_record(type(one)):
                attributes = _fields(type(one)).attributes
                absent = {
                    name: getattr(one, attribute, None)
                    for name, attribute in attributes.items()
                    if name not in its
                }
                self._records[id(one)] = (one, its, absent)
                pending += [
                    (getattr(one, attribute, None), its[name])
                    for name, attribute in attributes.items()
                    if name in its
                ]
                more = getattr(one, "__pydantic_extra__", None) or {}
                pending += [(more[name], its[name]) for name in more if name in its]
            elif isinstance(its, list) and isinstance(one, list | tuple) and len(one) == len(its):
                pending += zip(one, its, strict=True)
            elif isinstance(its, dict) and isinstance(one, dict):
                pending += [(one[name], its[name]) for name in one if name in its]
            elif not isinstance(one, list | dict | tuple | set | frozenset | bytearray):
                self._leaves[id(one)] = (one, its)

    def _written(
        self, value: Any, beside: Any, kind: type | None, *, is_state: bool = False
    ) -> Any:
        """Return the JSON value of a value.

        Args:
            value: The value.
            beside: What the state has at this place.
            kind: The class of what was made there, if one was.
            is_state: Whether it is the state itself, of which every field is written.
        """
        found = self._leaves.get(id(value))
        if found is not None and found[0] is value:
            return found[1]
        if type(value) in _JSON_LEAVES or unread_in(value) is not None:
            return value
        if self._is_json(value):
            return value
        if _is_record(type(value)):
            if self._keeps_values and not isinstance(value, self._kind) and not self._made(value):
                return value
            return self._members(value, beside if type(value) is kind else None, is_state=is_state)
        if isinstance(value, dict):
            return {name: self._written(one, None, None) for name, one in value.items()}
        if self._keeps_values and isinstance(value, tuple | set | frozenset):
            return value
        if isinstance(value, list | tuple) and not hasattr(value, "_asdict"):
            return [self._written(one, None, None) for one in value]
        if isinstance(value, set | frozenset):
            items = [self._written(one, None, None) for one in value]
            return sorted(items, key=json_text.encode)  # the same in every process
        decimal = sys.modules.get("decimal")  # if it is not loaded, this is not a Decimal
        if self._keeps_values:
            return value
        if isinstance(value, tuple) or (decimal is not None and isinstance(value, decimal.Decimal)):
            return value  # as the runtime writes it
        try:
            return msgspec.to_builtins(value, str_keys=True)
        except (TypeError, ValueError):
            return value  # `step` says what the runtime does not write

    def _is_json(self, value: Any) -> bool:
        """Return whether a container holds nothing that is written in another way, at any depth."""
        pending = [value]
        while pending:
            one = pending.pop()
            if type(one) is dict:
                pending.extend(one.values())
            elif type(one) is list:
                pending.extend(one)
            elif id(one) in self._leaves or (
                type(one) not in _JSON_LEAVES and unread_in(one) is None
            ):
                return False
        return True

    def _made(self, record: Any) -> bool:
        """Return whether an object was made from the state."""
        found = self._records.get(id(record))
        return found is not None and found[0] is record

    def _members(self, record: Any, beside: Any, *, is_state: bool) -> dict[str, Any]:
        fields = _fields(type(record))
        if self._made(record):
            _, original, absent = self._records[id(record)]
        else:
            original, absent = (beside if isinstance(beside, dict) else {}), {}
        more = getattr(record, "__pydantic_extra__", None)
        written: dict[str, Any] = {}
        for name, its in original.items():
            if name in fields.attributes:
                one = getattr(record, fields.attributes[name])
                kind = fields.types.get(name)
                written[name] = self._written(one, its, _class_in(kind, type(one)))
            elif more is None or name in more:
                written[name] = its if more is None else self._written(more[name], its, None)
        # An object below the state that did not change gets no defaults: its bytes stay the same.
        is_changed = is_state or written != {name: original[name] for name in written}
        given = getattr(record, "__pydantic_fields_set__", ())
        for name, attribute in fields.attributes.items():
            one = getattr(record, attribute)
            if name not in written and (
                is_changed or attribute in given or not _is_untouched(one, absent, name)
            ):
                written[name] = self._written(one, None, None)
        for name, one in (more or {}).items():
            if name not in written:
                written[name] = self._written(one, None, None)
        return written


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
    is_made = isinstance(kind, type) and (_is_record(kind) or _is_typed_dict(kind))
    if is_model or not is_made or not isinstance(value, dict):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            if holds_unopened(one) and (not is_model or name in _fields(kind).attributes):
                raise InvalidState(
                    f"a value of type {_plain_name(kind)} has a part that was not opened",
                    path=render_path((*path, name)),
                    hint="Add this path to only=, or take the field out of the type.",
                )
        if is_model:
            known = _fields(kind).attributes
            return _validated({n: one for n, one in value.items() if n in known}, kind, path)
    fields = _fields(kind)
    for name in sorted(fields.required - value.keys()):
        _refuse(f"Object missing required field `{name}`", kind, path)
    made = {
        fields.attributes[name]: _converted(value[name], fields.types[name], (*path, name))
        for name in fields.attributes
        if name in value
    }
    return value if _is_typed_dict(kind) else kind(**made)


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


def _is_record(kind: type) -> bool:
    """Return whether values of a class have fields: dataclasses, Structs and pydantic models."""
    return (
        hasattr(kind, "__dataclass_fields__")
        or hasattr(kind, "__struct_fields__")
        or hasattr(kind, "__pydantic_validator__")
    )


def _is_typed_dict(kind: type) -> bool:
    is_total = hasattr(kind, "__total__")
    return is_total and isinstance(kind, type) and issubclass(kind, dict)


def _is_untouched(value: Any, absent: dict[str, Any], name: str) -> bool:
    """Return whether a field that the state did not have still is its default."""
    if name not in absent or absent[name] is not value:
        return False
    return not value if isinstance(value, list | dict | set) else True


def _class_in(said: Any, kind: type) -> type | None:
    """Return a class if a field's type is it, or a union with it."""
    choices = (said,) if _is_array(said) else (said, *getattr(said, "__args__", ()))
    return kind if any(one is kind for one in choices) else None


def _is_array(said: Any) -> bool:
    origin = getattr(said, "__origin__", None)
    return isinstance(origin, type) and origin is not types.UnionType  # a type since Python 3.14


_known: dict[type, _Fields] = {}


def _fields(kind: Any) -> _Fields:
    if kind not in _known:
        _known[kind] = _read_fields(kind)
    return _known[kind]


def _read_fields(kind: Any) -> _Fields:
    if hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_fields"):
        names = {_member_name(name, field): name for name, field in kind.model_fields.items()}
        kinds = {name: kind.model_fields[its].annotation for name, its in names.items()}
        return _Fields(names, kinds, frozenset())
    if hasattr(kind, "__struct_fields__"):
        found = msgspec.structs.fields(kind)
        return _Fields(
            {one.encode_name: one.name for one in found},
            {one.encode_name: one.type for one in found},
            frozenset(one.encode_name for one in found if one.required),
        )
    from typing import get_type_hints  # noqa: PLC0415  # slow, and most steps have none

    hints = get_type_hints(kind)
    if _is_typed_dict(kind):
        return _Fields({name: name for name in hints}, hints, kind.__required_keys__)
    from dataclasses import MISSING, fields  # noqa: PLC0415  # as above

    given = [one for one in fields(kind) if one.init]
    required = {
        one.name for one in given if one.default is MISSING and one.default_factory is MISSING
    }
    return _Fields(
        {one.name: one.name for one in given},
        {one.name: hints[one.name] for one in given},
        frozenset(required),
    )


def _member_name(name: str, field: Any) -> str:
    """Return the name in JSON from which pydantic reads a field."""
    said = field.validation_alias if isinstance(field.validation_alias, str) else field.alias
    return said if isinstance(said, str) else name


def _named(text: str, names: dict[str, Any]) -> object:
    """Return what a dotted name stands for; None for another expression, or an unknown name."""
    first, *rest = text.split(".")
    found = names.get(first)
    for name in rest:
        found = getattr(found, name, None)
    return found
