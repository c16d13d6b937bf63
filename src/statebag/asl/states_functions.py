"""The intrinsic functions of JSONPath definitions, `States.Format(…)` and its 17 sisters.

As in the Developer Guide, "Intrinsic functions for JSONPath states in Step Functions".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.asl.payload import payload_text
from statebag.format.json_depth import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Call", "IntrinsicFailureError", "evaluated_call", "parsed_call"]

_MOST_ITEMS = 1000
_MOST_CHARACTERS = 10_000
_MOST_FORMATTED = 4_000_000  # characters; a state has at most 262,144 bytes
_HASHES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
_NAME = re.compile(r"\s*States\.(?P<name>[A-Za-z0-9]+)\s*\(")
_TEXT = re.compile(r"'(?P<raw>(?:[^'\\]|\\.)*)'", re.DOTALL)
_WORD = re.compile(r"true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_PATH = re.compile(r"\$(?:\[(?:'[^']*'|\"[^\"]*\"|\?\([^\]]*\)|[^\]'\"]*)\]|[^,()\s\[\]])*")


class IntrinsicFailureError(ValueError):
    """A function that cannot be computed for its arguments; the message holds no value."""


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted argument, escapes and all."""

    raw: str


@dataclass(frozen=True, slots=True)
class Path:
    """An argument that is a path into the input, the context or a variable."""

    path: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, true, false or null."""

    value: Any


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: tuple[Argument, ...]


Argument = Text | Path | Literal | Call
"""What stands between the parentheses of a call."""


def parsed_call(expression: str) -> Call:
    """Parse `States.Name(…)`.

    Raises:
        ValueError: it is not of that form, or there is no such function.
    """
    call, end = _call(expression, 0)
    if expression[end:].strip():
        raise ValueError(f"unexpected text after {expression[:end]}")
    return call


def evaluated_call(
    call: Call,
    resolve: Callable[[str], Any],
    given: Callable[[Call, Sequence[Any]], None] | None = None,
) -> Any:
    """Compute a call.

    Args:
        call: What `parsed_call` gave.
        resolve: Gives the value of a path.
        given: Is told the values of the arguments of this call, and of each one inside of it,
            before it is computed.

    Raises:
        IntrinsicFailureError: the arguments do not fit the function.
        Whatever `resolve` and `given` raise.
    """

    def valued(argument: Argument) -> Any:
        return _value(argument, resolve, given)

    if call.name == "Format":
        if not call.arguments:
            raise IntrinsicFailureError("States.Format has no template")
        values = [valued(argument) for argument in call.arguments[1:]]
        first = call.arguments[0]
        template = first.raw if isinstance(first, Text) else valued(first)
        if given is not None:
            given(call, (template, *values))
        return _format(template, values)
    arguments = [valued(argument) for argument in call.arguments]
    if given is not None:
        given(call, arguments)
    function, counts = _FUNCTIONS[call.name]
    if counts and len(arguments) not in counts:
        raise IntrinsicFailureError(f"States.{call.name} has {len(arguments)} arguments")
    return function(*arguments)


def _call(text: str, start: int) -> tuple[Call, int]:
    found = _NAME.match(text, start)
    if found is None:
        raise ValueError("a function such as States.Format(...) is expected")
    name = found["name"]
    if name not in _FUNCTIONS and name != "Format":
        raise ValueError(f"there is no function States.{name}")
    arguments: list[Argument] = []
    position = _skip(text, found.end())
    if text[position : position + 1] == ")":
        return Call(name, ()), position + 1
    while True:
        argument, position = _argument(text, position)
        arguments.append(argument)
        position = _skip(text, position)
        mark = text[position : position + 1]
        position = _skip(text, position + 1)
        if mark == ")":
            return Call(name, tuple(arguments)), position
        if mark != ",":
            raise ValueError(f"a ',' or ')' is expected in States.{name}")


def _argument(text: str, position: int) -> tuple[Argument, int]:
    if found := _TEXT.match(text, position):
        return Text(found["raw"]), found.end()
    if found := _PATH.match(text, position):
        return Path(found[0]), found.end()
    if found := _WORD.match(text, position):
        return Literal(json.loads(found[0])), found.end()
    return _call(text, position)


def _skip(text: str, position: int) -> int:
    while text[position : position + 1].isspace():
        position += 1
    return position


def _value(
    argument: Argument,
    resolve: Callable[[str], Any],
    given: Callable[[Call, Sequence[Any]], None] | None,
) -> Any:
    if isinstance(argument, Text):
        return re.sub(r"\\(.)", r"\1", argument.raw, flags=re.DOTALL)
    if isinstance(argument, Path):
        return resolve(argument.path)
    if isinstance(argument, Literal):
        return argument.value
    return evaluated_call(argument, resolve, given)


def _format(template: Any, values: list[Any]) -> str:
    if not isinstance(template, str):
        raise IntrinsicFailureError("the template of States.Format must be a string")
    parts = re.split(r"(\\.|\{\})", template, flags=re.DOTALL)
    if parts.count("{}") != len(values):
        raise IntrinsicFailureError(
            f"the template of States.Format has {parts.count('{}')} places for {len(values)} values"
        )
    given = iter(values)
    texts: list[str] = []
    length = 0
    for part in parts:
        texts.append(_shown(next(given)) if part == "{}" else part.removeprefix("\\"))
        length += len(texts[-1])
        if length > _MOST_FORMATTED:  # one value may stand in many places
            raise IntrinsicFailureError(
                f"States.Format makes more than {_MOST_FORMATTED:,} characters"
            )
    return "".join(texts)


def _shown(value: Any) -> str:
    """A value inside a formatted text; AWS shows arrays and objects as Java does."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_shown(item)}' for key, item in value.items())}}}"
    return payload_text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise IntrinsicFailureError("a string is expected")
    return value


def _short_text(value: Any) -> str:
    if len(_text(value)) > _MOST_CHARACTERS:
        raise IntrinsicFailureError(f"a text has more than {_MOST_CHARACTERS} characters")
    return str(value)


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise IntrinsicFailureError("an array is expected")
    return value


def _integer(value: Any) -> int:
    """A number, rounded half up as Java rounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IntrinsicFailureError("a number is expected")
    return value if isinstance(value, int) else math.floor(value + 0.5)


def _string_to_json(text: Any) -> Any:
    try:
        return loads(_text(text))
    except ValueError as error:
        raise IntrinsicFailureError("the text is no JSON") from error


def _partition(array: Any, size: Any) -> list[Any]:
    items, most = _array(array), _integer(size)
    if most < 1:
        raise IntrinsicFailureError("the size of a chunk must be positive")
    return [items[start : start + most] for start in range(0, len(items), most)]


def _contains(array: Any, value: Any) -> bool:
    wanted = payload_text(value)  # as text: 1, 1.0 and true are equal in Python
    return any(payload_text(item) == wanted for item in _array(array))


def _range(first: Any, last: Any, step: Any) -> list[int]:
    by = _integer(step)
    if by == 0:
        raise IntrinsicFailureError("the step must not be zero")
    numbers = range(_integer(first), _integer(last) + (1 if by > 0 else -1), by)
    if len(numbers) > _MOST_ITEMS:
        raise IntrinsicFailureError(f"a range has at most {_MOST_ITEMS} items")
    return list(numbers)


def _item(array: Any, index: Any) -> Any:
    items, place = _array(array), _integer(index)
    if not 0 <= place < len(items):
        raise IntrinsicFailureError("the index is outside of the array")
    return items[place]


def _unique(array: Any) -> list[Any]:
    first: dict[str, Any] = {}
    for item in _array(array):
        first.setdefault(payload_text(item), item)
    return list(first.values())


def _decode(text: Any) -> str:
    try:
        return base64.b64decode(_short_text(text), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise IntrinsicFailureError("the text is no Base64 of a text") from error


def _hash(text: Any, algorithm: Any) -> str:
    if algorithm not in _HASHES:
        raise IntrinsicFailureError(f"the algorithm is one of {', '.join(_HASHES)}")
    return hashlib.new(
        _HASHES[algorithm], _short_text(text).encode(), usedforsecurity=False
    ).hexdigest()


def _merge(one: Any, other: Any, deep: Any) -> dict[str, Any]:
    if deep is not False:
        raise IntrinsicFailureError(
            "States.JsonMerge merges shallowly: its third argument is false"
        )
    if not isinstance(one, dict) or not isinstance(other, dict):
        raise IntrinsicFailureError("two objects are expected")
    return {**one, **other}


def _random(start: Any, end: Any, seed: Any = None) -> int:
    first, last = _integer(start), _integer(end)
    if first >= last:
        raise IntrinsicFailureError("the end must be greater than the start")
    source = random.Random(None if seed is None else _integer(seed))  # noqa: S311 - not for secrets
    return source.randrange(first, last)


def _split(text: Any, delimiters: Any) -> list[str]:
    characters = _text(delimiters)
    if not characters:
        return [_text(text)]
    return [part for part in re.split(f"[{re.escape(characters)}]", _text(text)) if part]


# A function, and how many arguments it may have; none given: any number.
_FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "StringToJson": (_string_to_json, (1,)),
    "JsonToString": (payload_text, (1,)),
    "Array": (lambda *items: list(items), ()),
    "ArrayPartition": (_partition, (2,)),
    "ArrayContains": (_contains, (2,)),
    "ArrayRange": (_range, (3,)),
    "ArrayGetItem": (_item, (2,)),
    "ArrayLength": (lambda array: len(_array(array)), (1,)),
    "ArrayUnique": (_unique, (1,)),
    "Base64Encode": (lambda text: base64.b64encode(_short_text(text).encode()).decode(), (1,)),
    "Base64Decode": (_decode, (1,)),
    "Hash": (_hash, (2,)),
    "JsonMerge": (_merge, (3,)),
    "MathRandom": (_random, (2, 3)),
    "MathAdd": (lambda one, other: _integer(one) + _integer(other), (2,)),
    "StringSplit": (_split, (2,)),
    "UUID": (lambda: str(uuid4()), (0,)),
}
