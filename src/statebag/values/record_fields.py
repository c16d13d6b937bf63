"""Find the fields of a class whose objects stand for JSON objects, and their names in JSON."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["RecordFields", "fields_of", "is_record", "is_root", "is_typed_dict"]


class RecordFields(NamedTuple):
    """The fields of a class.

    Attributes:
        names: The names in JSON of each attribute's member, in the order in which they are tried.
        types: The type of each attribute.
        required: Attributes without a default.
        computed: Attributes that the constructor does not take.
        tag: The member that says which class it is, and its value.
        is_array: Whether its JSON form is an array, with the fields in this order.
        is_reshaped: Whether a pydantic validator gets the members before they become fields.
        texts: How the text of each attribute of bytes is made, if pydantic does not read base64 for
            it.
    """

    names: dict[str, tuple[str, ...]]
    types: dict[str, Any]
    required: frozenset[str] = frozenset()
    computed: frozenset[str] = frozenset()
    tag: tuple[str, Any] | None = None
    is_array: bool = False
    is_reshaped: bool = False
    texts: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType({})

    def used(self, kind: type, members: Mapping[str, Any]) -> dict[str, str]:
        """Return the member of a JSON object from which each attribute is read.

        Args:
            kind: The class.
            members: The members.

        Raises:
            ConfigurationError: Two attributes are read from one member.
        """
        found: dict[str, str] = {}
        for attribute, names in self.names.items():
            for name in names:
                if name in members:
                    found[attribute] = name
                    break
        if len(set(found.values())) < len(found):
            raise ConfigurationError(
                f"two fields of {kind.__qualname__} are read from the same member of the state, "
                "so a change of one cannot be written",
                hint="Give each field its own names (alias, validate_by_name).",
            )
        return found


def is_record(kind: type) -> bool:
    """Return whether values of a class have fields: dataclasses, Structs and pydantic models."""
    return (
        hasattr(kind, "__dataclass_fields__")
        or hasattr(kind, "__struct_fields__")
        or hasattr(kind, "__pydantic_validator__")
    )


def is_root(kind: type) -> bool:
    """Return whether a class is a pydantic model of one value without a name."""
    return bool(getattr(kind, "__pydantic_root_model__", False))


def is_typed_dict(kind: type) -> bool:
    """Return whether a class is a TypedDict."""
    return hasattr(kind, "__total__") and isinstance(kind, type) and issubclass(kind, dict)


_known: dict[type, RecordFields] = {}


def fields_of(kind: Any) -> RecordFields:
    """Return the fields of a class.

    Args:
        kind: A dataclass, a Struct, a pydantic model or a TypedDict.

    Raises:
        ConfigurationError: A field is read from inside another member.
    """
    if kind not in _known:
        _known[kind] = _read(kind)
    return _known[kind]


def _read(kind: Any) -> RecordFields:
    if hasattr(kind, "__pydantic_validator__"):
        return _of_model(kind)
    if hasattr(kind, "__struct_fields__"):
        found = msgspec.structs.fields(kind)
        config = kind.__struct_config__
        return RecordFields(
            {one.name: (one.encode_name,) for one in found},
            {one.name: one.type for one in found},
            frozenset(one.name for one in found if one.required),
            tag=None if config.tag is None else (config.tag_field, config.tag),
            is_array=config.array_like,
        )
    from typing import get_type_hints  # noqa: PLC0415  # slow, and most steps have none

    hints = get_type_hints(kind)
    if is_typed_dict(kind):
        return RecordFields({name: (name,) for name in hints}, hints, kind.__required_keys__)
    from dataclasses import MISSING, fields  # noqa: PLC0415  # as above

    every = fields(kind)
    return RecordFields(
        {one.name: (one.name,) for one in every},
        {one.name: hints[one.name] for one in every},
        frozenset(
            one.name
            for one in every
            if one.init and one.default is MISSING and one.default_factory is MISSING
        ),
        frozenset(one.name for one in every if not one.init),
    )


def _of_model(kind: Any) -> RecordFields:
    fields = getattr(kind, "__pydantic_fields__", None) or getattr(kind, "model_fields", {})
    config = getattr(kind, "model_config", None) or getattr(kind, "__pydantic_config__", None) or {}
    by_alias = config.get("validate_by_alias", True)
    by_name = config.get("validate_by_name", False) or config.get("populate_by_name", False)
    names: dict[str, tuple[str, ...]] = {}
    for name, field in fields.items():
        said = field.alias if field.validation_alias is None else field.validation_alias
        aliases = [] if said is None or not by_alias else _texts(said, kind, name)
        own = [name] if by_name or not aliases else []
        names[name] = tuple(dict.fromkeys([*aliases, *own]))
    decorators = getattr(kind, "__pydantic_decorators__", None)
    validators = getattr(decorators, "model_validators", {}).values()
    return RecordFields(
        names,
        {name: field.annotation for name, field in fields.items()},
        is_reshaped=any(one.info.mode != "after" for one in validators),
        texts={name: _encoding(field) for name, field in fields.items() if _is_bytes(field)},
    )


def _is_bytes(field: Any) -> bool:
    choices = {field.annotation, *getattr(field.annotation, "__args__", ())}
    return bytes in choices and choices <= {bytes, type(None), bytes | None}


def _encoding(field: Any) -> Callable[[bytes], bytes]:
    """Return the function that makes the text of a field of bytes; by default the same bytes."""
    for one in field.metadata:
        if callable(getattr(one, "encode", None)):
            return one.encode  # type: ignore[no-any-return]
    return bytes


def _texts(alias: Any, kind: Any, name: str) -> list[str]:
    """Return the names of members that an alias of pydantic stands for."""
    if isinstance(alias, str):
        return [alias]
    found = []
    for one in getattr(alias, "choices", [alias]):
        path = [one] if isinstance(one, str) else list(one.path)
        if len(path) > 1 or not isinstance(path[0], str):
            raise ConfigurationError(
                f"the field {name!r} of {kind.__qualname__} is read from inside another member "
                "(AliasPath), so a change of it cannot be written",
                hint="Give the member its own model, and read the value from there.",
            )
        found.append(path[0])
    return found
