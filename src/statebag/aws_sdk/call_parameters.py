"""Convert the parameters of a Task to those of botocore, by the model of the API action."""

from __future__ import annotations

from typing import Any

from statebag.aws_sdk.java_names import pascal_case
from statebag.errors import InvalidState
from statebag.format import json_text
from statebag.format.json_type import json_type
from statebag.format.paths import Path, render_path

__all__ = ["fitted"]

_SCALARS = {
    "boolean": ("true or false", (bool,)),
    "double": ("a number", (int, float)),
    "float": ("a number", (int, float)),
    "integer": ("a whole number", (int,)),
    "long": ("a whole number", (int,)),
}


def fitted(value: Any, shape: Any, path: Path = ("parameters",)) -> Any:
    """Return a value in the form that botocore takes.

    Names of members may be PascalCase, as Step Functions writes them, or as in the API. Text
    stands for bytes and times. An object where the API takes text is passed as JSON text.

    Args:
        value: A JSON value.
        shape: botocore's shape of it.
        path: Where it is in the event.

    Raises:
        InvalidState: A member that the API does not have, a required one that is missing, or a
            value of another type; the message has its path.
    """
    kind = shape.type_name
    if kind == "structure":
        if shape.is_document_type:
            return value
        return _structure(value, shape, path)
    if kind == "list":
        if not isinstance(value, list):
            raise _wrong(value, "an array", path)
        return [fitted(one, shape.member, (*path, i)) for i, one in enumerate(value)]
    if kind == "map":
        if not isinstance(value, dict):
            raise _wrong(value, "an object", path)
        return {key: fitted(one, shape.value, (*path, key)) for key, one in value.items()}
    if kind in _SCALARS:
        return _scalar(value, *_SCALARS[kind], path)
    if value is None:
        raise _wrong(value, "a value", path)
    if kind == "timestamp" and not isinstance(value, str | int | float):
        raise _wrong(value, "a time as text", path)
    if kind == "timestamp":
        return _time(value, path)
    text = value if isinstance(value, str) else json_text.encode(value).decode()
    return text.encode() if kind == "blob" else text


def _structure(value: Any, shape: Any, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(value, "an object", path)
    members = {pascal_case(name): name for name in shape.members}
    members |= {name[0].upper() + name[1:]: name for name in shape.members}
    members |= {name: name for name in shape.members}
    result: dict[str, Any] = {}
    given: set[str] = set()
    for key, one in value.items():
        name = members.get(key)
        if name is None or name in given:
            known = ", ".join(sorted(pascal_case(member) for member in shape.members)[:20])
            raise InvalidState(
                f"the API does not have a parameter of this name ({len(key)} characters), or it "
                "is given twice",
                path=render_path(path),
                hint=f"It has {known}." if known else "It takes no parameters.",
            )
        given.add(name)
        if one is not None:  # Step Functions sends a parameter that is null as one that is not set
            result[name] = fitted(one, shape.members[name], (*path, key))
    missing = [pascal_case(name) for name in shape.required_members if name not in result]
    if missing:
        raise InvalidState(
            f"the required parameter {missing[0]} is missing",
            path=render_path(path),
            hint=f"The API requires {', '.join(map(pascal_case, shape.required_members))}.",
        )
    return result


def _scalar(value: Any, wanted: str, kinds: tuple[type, ...], path: Path) -> Any:
    if isinstance(value, float) and kinds == (int,) and value.is_integer():
        return int(value)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise _wrong(value, wanted, path)
    return value


def _time(value: str | float, path: Path) -> Any:
    from botocore.utils import parse_timestamp  # noqa: PLC0415 (an extra, and slow)

    if isinstance(value, bool):
        raise _wrong(value, "a time as text", path)
    try:
        return parse_timestamp(value)
    except (ValueError, TypeError, OverflowError, RuntimeError):
        raise _wrong(value, "a time such as 2024-02-29T12:00:00Z", path) from None


def _wrong(value: Any, wanted: str, path: Path) -> InvalidState:
    return InvalidState(
        f"the parameter must be {wanted}, not {json_type(value)}",
        path=render_path(path),
        hint="Give the type that the API's reference names.",
    )
