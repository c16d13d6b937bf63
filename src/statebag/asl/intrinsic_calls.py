"""Parse the text of a field whose name ends in `.$`: a path, or an intrinsic call."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from statebag.asl.intrinsics import check_arguments
from statebag.asl.json_paths import JsonPath, MalformedError, parse_json_path, read_json_path

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Argument",
    "IntrinsicCall",
    "Literal",
    "Quoted",
    "check_call",
    "parse_call",
    "parse_expression",
]

_NAME = re.compile(r"States\.[A-Za-z0-9]+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_TEXT = re.compile(r"'(?P<raw>(?:[^'\\]|\\.)*)'", re.DOTALL)
_WORD = re.compile(r"(?:true|false|null)(?![A-Za-z0-9_])")
# Step Functions accepts ten levels (Developer Guide, "Intrinsic functions"). Chosen: two more, so
# that this reader never refuses what the service accepts, however it counts the outermost call.
_DEEPEST = 12
# Characters. Chosen: as many digits as a document may have in a number (`documents`).
_LONGEST_NUMBER = 1_000


class Quoted(NamedTuple):
    """A text in quotes.

    Attributes:
        raw: The text between the quotes, with its escapes.
    """

    raw: str

    @property
    def value(self) -> str:
        """The text without its escapes."""
        return re.sub(r"\\(.)", r"\1", self.raw, flags=re.DOTALL)


class Literal(NamedTuple):
    """A number, true, false or null."""

    value: float | bool | None


class IntrinsicCall(NamedTuple):
    """A call of a function.

    Attributes:
        name: The function's name, with `States.` before it.
        arguments: The arguments in its parentheses.
        text: The whole text of the call.
    """

    name: str
    arguments: tuple[Argument, ...]
    text: str = ""

    def paths(self) -> Iterator[JsonPath]:
        """Yield all paths among the arguments, also those of inner calls."""
        for one in self.arguments:
            if isinstance(one, JsonPath):
                yield one
            elif isinstance(one, IntrinsicCall):
                yield from one.paths()


Argument = Quoted | JsonPath | Literal | IntrinsicCall
"""An argument of a call."""


def parse_expression(text: str) -> JsonPath | IntrinsicCall:
    """Parse a path or a call.

    Raises:
        MalformedError: The text is neither.
    """
    return parse_json_path(text) if text.startswith("$") else parse_call(text)


def parse_call(text: str) -> IntrinsicCall:
    """Parse a call such as `States.Format('{}', $.name)`, without looking up its name.

    Raises:
        MalformedError: The text is not a call, or its calls are nested too deeply.
    """
    call, end = _call(text, _blank(text, 0), 0)
    if text[end:].strip():
        raise MalformedError(f"unexpected text after the call of {call.name}")
    return call


def check_call(parsed: JsonPath | IntrinsicCall) -> None:
    """Check the name and the number of arguments of a call, and of all calls in it.

    Raises:
        MalformedError: There is no such function, or it takes another number of arguments.
    """
    if not isinstance(parsed, IntrinsicCall):
        return
    problem = check_arguments(parsed.name, len(parsed.arguments))
    if problem is not None:
        raise MalformedError(problem)
    for argument in parsed.arguments:
        if isinstance(argument, IntrinsicCall):
            check_call(argument)


def _call(text: str, start: int, depth: int) -> tuple[IntrinsicCall, int]:
    if depth > _DEEPEST:
        raise MalformedError(
            f"calls of intrinsic functions are nested deeper than {_DEEPEST} levels"
        )
    name = _NAME.match(text, start)
    if name is None:
        raise MalformedError(f"the text from character {start + 1} on is neither a path nor a call")
    position = _blank(text, name.end())
    if not text.startswith("(", position):
        raise MalformedError(f"{name[0]} has no arguments in parentheses")
    position = _blank(text, position + 1)
    if text.startswith(")", position):
        return IntrinsicCall(name[0], (), text[start : position + 1]), position + 1
    arguments: list[Argument] = []
    while True:
        argument, position = _argument(text, position, depth)
        arguments.append(argument)
        position = _blank(text, position)
        if text.startswith(")", position):
            end = position + 1
            return IntrinsicCall(name[0], tuple(arguments), text[start:end]), end
        if not text.startswith(",", position):
            raise MalformedError(
                f"a ',' or ')' is expected in {name[0]}, at character {position + 1}"
            )
        position = _blank(text, position + 1)


def _argument(text: str, position: int, depth: int) -> tuple[Argument, int]:
    if text.startswith("$", position):
        return read_json_path(text, position)
    if found := _TEXT.match(text, position):
        return Quoted(found["raw"]), found.end()
    if found := _WORD.match(text, position) or _NUMBER.match(text, position):
        if len(found[0]) > _LONGEST_NUMBER:
            raise MalformedError(f"a number has {len(found[0]):,} characters")
        return Literal(json.loads(found[0])), found.end()
    return _call(text, position, depth + 1)


def _blank(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position
