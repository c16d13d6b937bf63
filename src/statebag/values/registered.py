"""The forms of classes that a user registers: enums, dataclasses, named tuples, pydantic models."""

from __future__ import annotations

import dataclasses
from copy import deepcopy
from enum import Enum, Flag
from functools import cached_property
from inspect import getattr_static
from typing import TYPE_CHECKING, Any, cast

from statebag.errors import ConfigurationError
from statebag.values.forms import Form, NotKeptError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["form_of"]

_OF_MODELS = (
    "__pydantic_fields_set__",
    "__pydantic_extra__",
    "__pydantic_private__",
)
"""The slots in which pydantic keeps data of its models."""


def form_of(
    kind: type,
    name: str,
    encode: Callable[[Any], Any] | None,
    decode: Callable[[Any], Any] | None,
) -> Form:
    """Return the form of a class.

    Args:
        kind: The class.
        name: Its name in the stored text.
        encode: Returns a JSON value, or one with registered values in it.
        decode: Returns the original value.

    Raises:
        ConfigurationError: One of the two functions is missing, and the values of the class cannot
            be taken apart without them.
    """
    if encode is not None and decode is not None:
        return Form(name, kind, encode, decode, proven=True, exact=False)
    if encode is not None or decode is not None:
        missing = "decode" if decode is None else "encode"
        raise ConfigurationError(
            f"{missing} is missing for {kind.__qualname__}",
            hint="Pass both functions: encode= and decode=.",
        )
    if issubclass(kind, Enum):
        return _enum(kind, name)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, name)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _named_tuple(kind, name)
    if hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_validate"):
        return _model(kind, name)
    raise ConfigurationError(
        f"{kind.__qualname__} is neither an enum, a dataclass, a named tuple nor a pydantic model",
        hint="Pass encode= and decode=, which turn its values into JSON values and back.",
    )


def _enum(kind: type[Enum], name: str) -> Form:
    if issubclass(kind, Flag):  # a combination has no member name
        return Form(name, kind, lambda one: one.value, kind, proven=True)
    return Form(name, kind, lambda one: one.name, lambda member: kind[member])


def _named_tuple(kind: type, name: str) -> Form:
    def decode(items: list[Any]) -> Any:
        return kind(*items)

    def encode(value: Any) -> list[Any]:
        items = list(value)
        _check_beyond(value, (), lambda: decode(items))
        return items

    return Form(name, kind, encode, decode, proven=True)


def _dataclass(kind: type, name: str) -> Form:
    fields = dataclasses.fields(cast("Any", kind))
    names = [one.name for one in fields]
    given = {one.name for one in fields if one.init}

    def encode(value: Any) -> dict[str, Any]:
        stored = {name: getattr(value, name) for name in names}
        # Copied, since a constructor may change what it gets.
        _check_beyond(value, names, lambda: decode(deepcopy(stored)))
        return stored

    def decode(stored: dict[str, Any]) -> Any:
        _check_names(stored, names)
        value = kind(**{name: one for name, one in stored.items() if name in given})
        # The constructor has checked them, and may have changed them or computed others.
        for field, one in stored.items():
            object.__setattr__(value, field, one)
        return value

    return Form(name, kind, encode, decode, proven=True)


def _model(kind: type, name: str) -> Form:
    """Return the form of a pydantic model: its fields, and which of them were set."""
    model = cast("Any", kind)
    names = list(model.model_fields)
    is_root = bool(getattr(model, "__pydantic_root_model__", False))

    def encode(value: Any) -> dict[str, Any]:
        stored = {
            "fields": {name: value.__dict__[name] for name in names if name in value.__dict__},
            "set": sorted(value.model_fields_set),
        }
        if value.__pydantic_extra__:
            stored["extra"] = dict(value.__pydantic_extra__)
        if value.__pydantic_private__:
            stored["private"] = dict(value.__pydantic_private__)
        _check_beyond(value, {*names, *_OF_MODELS}, lambda: None)
        return stored

    def decode(stored: dict[str, Any]) -> Any:
        fields, extra = stored["fields"], stored.get("extra", {})
        _check_names(fields, names)
        given = fields["root"] if is_root else {**extra, **fields}
        value = model.__pydantic_validator__.validate_python(given, by_alias=False, by_name=True)
        # The validators have checked them, and may have changed them.
        value.__dict__.update(fields)
        object.__setattr__(value, "__pydantic_fields_set__", set(stored["set"]))
        if extra:
            _check_names(extra, list(value.__pydantic_extra__ or ()))
            value.__pydantic_extra__.update(extra)
        if value.__pydantic_private__ is not None:
            private = stored.get("private", {})
            _check_names(private, list(model.__private_attributes__))
            value.__pydantic_private__.clear()
            value.__pydantic_private__.update(private)
        return value

    return Form(name, kind, encode, decode, proven=True)


def _check_beyond(value: Any, fields: Collection[str], rebuilt: Callable[[], Any]) -> None:
    """Refuse a value with attributes that are not fields, and that its constructor does not set.

    Args:
        value: The value.
        fields: The names that are stored.
        rebuilt: Returns the value as it would come back.
    """
    beyond = {name: one for name, one in _attributes(value).items() if name not in fields}
    if not beyond:
        return
    back = _attributes(rebuilt())
    for name, one in beyond.items():
        if name not in back or not _is_same(one, back[name]):
            raise NotKeptError(
                f"an attribute {name!r}, which is not a field,",
                "Declare it as a field, or register the class with encode= and decode=.",
            )


def _attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of a value itself, without those that it only caches."""
    kind = type(value)
    found = dict(getattr(value, "__dict__", {}))
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not (name.startswith("__") and name.endswith("__")) and hasattr(value, name):
                found[name] = getattr(value, name)
    return {
        name: one
        for name, one in found.items()
        if not isinstance(getattr_static(kind, name, None), cached_property)
    }


def _is_same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if getattr_static(type(one), "__eq__") is getattr_static(object, "__eq__"):
        return True  # such as a lock: the constructor makes another one
    try:
        return bool(one is other or one == other)
    except Exception:  # noqa: BLE001  # of the user's own class
        return False


def _check_names(stored: dict[str, Any], known: list[str]) -> None:
    unknown = stored.keys() - set(known)
    if unknown:
        raise ValueError(f"{len(unknown)} fields that the class does not have")
