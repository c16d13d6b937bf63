"""Compute the intrinsic functions of JSONPath definitions: `States.Format(…)` and others.

The source is the Developer Guide, "Intrinsic functions for JSONPath states in Step Functions".
"""

from __future__ import annotations

import math
import random
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.asl.hash_names import HASH_NAMES
from statebag.asl.intrinsic_calls import Argument, IntrinsicCall, Literal, Quoted, parse_call
from statebag.asl.intrinsics import INTRINSICS, check_arguments
from statebag.asl.json_paths import JsonPath
from statebag.asl.payload import payload_text
from statebag.asl.quotas import INTRINSIC_CHARACTERS, RANGE_ITEMS
from statebag.format.json_depth import loads
from statebag.format.json_type import json_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["IntrinsicCall", "IntrinsicFailureError", "evaluated_call", "parsed_call"]

# Characters. Chosen: a payload has at most 262,144 bytes, so a longer text could not leave its
# state.
_MOST_FORMATTED = 4_000_000


class IntrinsicFailureError(ValueError):
    """A function cannot be computed for its arguments; the message holds no value."""


def parsed_call(expression: str) -> IntrinsicCall:
    """Parse `States.Name(…)`.

    Raises:
        ValueError: The text is not such a call, or there is no such function.
    """
    call = parse_call(expression)
    _check_names(call)
    return call


def evaluated_call(
    call: IntrinsicCall,
    resolve: Callable[[str], Any],
    given: Callable[[IntrinsicCall, Sequence[Any]], None] | None = None,
) -> Any:
    """Compute a call.

    Args:
        call: A result of `parsed_call`.
        resolve: Returns the value of a path.
        given: Called with the values of the arguments of this call, and of each inner call, before
            it is computed.

    Raises:
        IntrinsicFailureError: The arguments do not fit the function.
        Whatever `resolve` and `given` raise.
    """
    problem = check_arguments(call.name, len(call.arguments))
    if problem is not None:
        raise IntrinsicFailureError(problem)
    if call.name == "States.Format":
        values = [_value(argument, resolve, given) for argument in call.arguments[1:]]
        first = call.arguments[0]
        template = first.raw if isinstance(first, Quoted) else _value(first, resolve, given)
        if given is not None:
            given(call, (template, *values))
        return _format(template, values)
    arguments = [
        one.value if isinstance(one, Literal) else _value(one, resolve, given)
        for one in call.arguments
    ]
    if given is not None:
        given(call, arguments)
    return _FUNCTIONS[call.name](*arguments)


def _check_names(call: IntrinsicCall) -> None:
    if call.name not in INTRINSICS:
        raise ValueError(f"there is no function {call.name}")
    for argument in call.arguments:
        if isinstance(argument, IntrinsicCall):
            _check_names(argument)


def _value(
    argument: Argument,
    resolve: Callable[[str], Any],
    given: Callable[[IntrinsicCall, Sequence[Any]], None] | None,
) -> Any:
    if isinstance(argument, Quoted):
        return argument.value
    if isinstance(argument, JsonPath):
        return resolve(argument.text)
    if isinstance(argument, Literal):
        return argument.value
    return evaluated_call(argument, resolve, given)


def _format(template: Any, values: list[Any]) -> str:
    if not isinstance(template, str):
        raise IntrinsicFailureError(
            f"the template of States.Format must be a string, not {json_type(template)}"
        )
    parts = re.split(r"(\\.|\{\})", template, flags=re.DOTALL)
    if parts.count("{}") != len(values):
        raise IntrinsicFailureError(
            f"the template of States.Format has {parts.count('{}')} placeholders, but the call "
            f"has {len(values)} values"
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
    """Return a value inside a formatted text; AWS shows arrays and objects as Java does."""
    if isinstance(value, str):
        return value
    # By `map`, which takes one frame a level: a generator would take a second one.
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        members = list(map(_shown, value.values()))
        shown = (f"{key}={text}" for key, text in zip(value, members, strict=True))
        return f"{{{', '.join(shown)}}}"
    return payload_text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise IntrinsicFailureError(f"the argument must be a string, not {json_type(value)}")
    return value


def _short_text(value: Any) -> str:
    if len(_text(value)) > INTRINSIC_CHARACTERS:
        raise IntrinsicFailureError(
            f"the text must have at most {INTRINSIC_CHARACTERS} characters, not {len(value)}"
        )
    return str(value)


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise IntrinsicFailureError(f"the argument must be an array, not {json_type(value)}")
    return value


def _integer(value: Any) -> int:
    """Return a number, rounded half up as Java rounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IntrinsicFailureError(f"the argument must be a number, not {json_type(value)}")
    return value if isinstance(value, int) else math.floor(value + 0.5)


def _string_to_json(text: Any) -> Any:
    if not _text(text).strip():
        return None  # as recorded on AWS
    try:
        return loads(_text(text))
    except ValueError as error:
        raise IntrinsicFailureError("the text is not JSON") from error


def _partition(array: Any, size: Any) -> list[Any]:
    items, most = _array(array), _integer(size)
    if most < 1:
        raise IntrinsicFailureError("the size of a chunk is below 1")
    return [items[start : start + most] for start in range(0, len(items), most)]


def _contains(array: Any, value: Any) -> bool:
    wanted = payload_text(value)  # as text: 1, 1.0 and true are equal in Python
    return any(payload_text(item) == wanted for item in _array(array))


def _range(first: Any, last: Any, step: Any) -> list[int]:
    by = _integer(step)
    if by == 0:
        raise IntrinsicFailureError("the step is zero")
    numbers = range(_integer(first), _integer(last) + (1 if by > 0 else -1), by)
    if len(numbers) > RANGE_ITEMS:
        raise IntrinsicFailureError(f"the range has more than {RANGE_ITEMS} items")
    return list(numbers)


def _item(array: Any, index: Any) -> Any:
    items, place = _array(array), _integer(index)
    if not 0 <= place < len(items):
        raise IntrinsicFailureError(f"the index is outside the array of {len(items)} items")
    return items[place]


def _unique(array: Any) -> list[Any]:
    first: dict[str, Any] = {}
    for item in _array(array):
        first.setdefault(payload_text(item), item)
    return list(first.values())


def _encode(text: Any) -> str:
    import base64  # noqa: PLC0415 - few definitions need it

    return base64.b64encode(_short_text(text).encode()).decode()


def _decode(text: Any) -> str:
    import base64  # noqa: PLC0415 - few definitions need it

    given = _short_text(text)
    try:
        return base64.b64decode(given, validate=True).decode()
    except ValueError as error:  # of Base64, or of UTF-8
        raise IntrinsicFailureError("the text is not Base64 of UTF-8 text") from error


def _hash(text: Any, algorithm: Any) -> str:
    import hashlib  # noqa: PLC0415 - few definitions need it

    if algorithm not in HASH_NAMES:
        raise IntrinsicFailureError(f"the algorithm is not one of {', '.join(HASH_NAMES)}")
    return hashlib.new(
        HASH_NAMES[algorithm], _short_text(text).encode(), usedforsecurity=False
    ).hexdigest()


def _merge(one: Any, other: Any, deep: Any) -> dict[str, Any]:
    if deep is not False:
        raise IntrinsicFailureError(
            "the third argument of States.JsonMerge is not false: it merges shallowly only"
        )
    if not isinstance(one, dict) or not isinstance(other, dict):
        raise IntrinsicFailureError(
            f"States.JsonMerge must have two objects, not {json_type(one)} and {json_type(other)}"
        )
    return {**one, **other}


def _random(start: Any, end: Any, seed: Any = None) -> int:
    first, last = _integer(start), _integer(end)
    if first >= last:
        raise IntrinsicFailureError("the end is not greater than the start")
    source = random.Random(None if seed is None else _integer(seed))  # noqa: S311 - not for secrets
    return source.randrange(first, last)


def _split(text: Any, delimiters: Any) -> list[str]:
    characters = _text(delimiters)
    if not characters:
        return [_text(text)]
    return [part for part in re.split(f"[{re.escape(characters)}]", _text(text)) if part]


# `States.Format` is not among them: it sees its template with the escapes.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "States.StringToJson": _string_to_json,
    "States.JsonToString": payload_text,
    "States.Array": lambda *items: list(items),
    "States.ArrayPartition": _partition,
    "States.ArrayContains": _contains,
    "States.ArrayRange": _range,
    "States.ArrayGetItem": _item,
    "States.ArrayLength": lambda array: len(_array(array)),
    "States.ArrayUnique": _unique,
    "States.Base64Encode": _encode,
    "States.Base64Decode": _decode,
    "States.Hash": _hash,
    "States.JsonMerge": _merge,
    "States.MathRandom": _random,
    "States.MathAdd": lambda one, other: _integer(one) + _integer(other),
    "States.StringSplit": _split,
    "States.UUID": lambda: str(uuid4()),
}
