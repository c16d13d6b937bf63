"""Make an object of a class from JSON values, some of which may not be opened.

msgspec makes dataclasses and Structs, pydantic makes its models. Their errors quote values, so this
module raises its own: with the path, the expected type and the type that was found.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from statebag.errors import ConfigurationError, InvalidState
from statebag.format.paths import render_path
from statebag.format.unopened import holds_unopened, unread_in
from statebag.values.record_fields import fields_of, is_record, is_typed_dict

if TYPE_CHECKING:
    from statebag.format.paths import Path

__all__ = ["class_name", "convert_state"]

# What msgspec and pydantic say of a value without quoting it.
_SAFE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_MISSING = re.compile(r"Object missing required field `([^`]+)`")
_PLACE = re.compile(r" - at `(\$[^`]*)`$")
_HINT = "Change the type, or remove state= to get the state as a dict."


def convert_state(value: Any, kind: Any, path: Path) -> Any:
    """Return an object of a type; parts that were not opened stay as they are."""
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
    """Return an object of a record's class, some of whose parts were not opened."""
    is_model = hasattr(kind, "__pydantic_validator__")
    is_made = isinstance(kind, type) and (is_record(kind) or is_typed_dict(kind))
    known = {name for names in fields_of(kind).names.values() for name in names} if is_made else ()
    if is_model or not is_made or not isinstance(value, dict):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            if holds_unopened(one) and (not is_model or name in known):
                raise InvalidState(
                    f"a value of type {class_name(kind)} has a part that was not opened",
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
        attribute: convert_state(value[name], fields.types[attribute], (*path, name))
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
        found = "its value is not one of the type"
    raise _unfit(kind, found, render_path(path) + inside) from None


def _unfit(kind: Any, found: str, path: str) -> InvalidState:
    return InvalidState(
        f"the state does not fit {class_name(kind)}: {found}", path=path, hint=_HINT
    )


def class_name(kind: Any) -> str:
    """Return the name of a class for a message."""
    return str(getattr(kind, "__qualname__", kind))
