"""The forms of classes that a user registers: enums, dataclasses, named tuples, pydantic models."""

from __future__ import annotations

import dataclasses
from enum import Enum, Flag
from typing import TYPE_CHECKING, Any, cast

from statebag.errors import ConfigurationError
from statebag.values.forms import Form

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["form_of"]


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
        return Form(name, kind, encode, decode)
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
        return Form(name, kind, list, lambda items: kind(*items))
    if hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_validate"):
        return _model(kind, name)
    raise ConfigurationError(
        f"{kind.__qualname__} is neither an enum, a dataclass, a named tuple nor a pydantic model",
        hint="Pass encode= and decode=, which turn its values into JSON values and back.",
    )


def _enum(kind: type[Enum], name: str) -> Form:
    if issubclass(kind, Flag):  # a combination has no member name
        return Form(name, kind, lambda one: one.value, kind)
    return Form(name, kind, lambda one: one.name, lambda member: kind[member])


def _dataclass(kind: type, name: str) -> Form:
    fields = dataclasses.fields(cast("Any", kind))
    names = [one.name for one in fields]
    given = {one.name for one in fields if one.init}

    def encode(value: Any) -> dict[str, Any]:
        return {name: getattr(value, name) for name in names}

    def decode(stored: dict[str, Any]) -> Any:
        _check_names(stored, names)
        value = kind(**{name: one for name, one in stored.items() if name in given})
        # The constructor has checked them, and may have changed them or computed others.
        for field, one in stored.items():
            object.__setattr__(value, field, one)
        return value

    return Form(name, kind, encode, decode)


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
        return stored

    def decode(stored: dict[str, Any]) -> Any:
        fields, extra = stored["fields"], stored.get("extra", {})
        _check_names(fields, names)
        given = fields["root"] if is_root else {**extra, **fields}
        value = model.__pydantic_validator__.validate_python(given, by_alias=False, by_name=True)
        # The validators have checked them, and may have changed them.
        value.__dict__.update(fields)
        object.__setattr__(value, "__pydantic_fields_set__", set(stored["set"]))
        if "private" in stored:
            _check_names(stored["private"], list(value.__pydantic_private__ or ()))
            value.__pydantic_private__.update(stored["private"])
        return value

    return Form(name, kind, encode, decode)


def _check_names(stored: dict[str, Any], known: list[str]) -> None:
    unknown = stored.keys() - set(known)
    if unknown:
        raise ValueError(f"{len(unknown)} fields that the class does not have")
