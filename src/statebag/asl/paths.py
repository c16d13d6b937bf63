"""The syntax of paths and intrinsic functions in definitions with JSONPath.

`$.a.b` reads the state's input, `$$.Execution.Id` the context object, `$name.a` a variable
(Amazon States Language, "Paths", "Intrinsic functions" and "Variables").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = [
    "INTRINSICS",
    "Call",
    "MalformedError",
    "Path",
    "check_call",
    "parse_expression",
    "parse_path",
]

INTRINSICS = frozenset(
    f"States.{name}"
    for name in (
        "Array",
        "ArrayContains",
        "ArrayGetItem",
        "ArrayLength",
        "ArrayPartition",
        "ArrayRange",
        "ArrayUnique",
        "Base64Decode",
        "Base64Encode",
        "Format",
        "Hash",
        "JsonMerge",
        "JsonToString",
        "MathAdd",
        "MathRandom",
        "StringSplit",
        "StringToJson",
        "UUID",
    )
)
"""All intrinsic functions (Developer Guide, "Intrinsic functions")."""

_ROOT = re.compile(r"\$(?P<context>\$)?(?P<variable>[A-Za-z_]\w*)?")
_STEP = re.compile(
    r"""
    (?P<deep>\.\.) (?: (?P<deepname>[^.\[\]'"(),\s]+) | \* | (?=\[) )
  | (?P<function>\.[a-z]+\(\))
  | \.(?P<name>[^.\[\]'"(),*\s]+) | \.(?P<all>\*)
  | \.?\[\s*(?P<index>-?\d+)\s*\]
  | \.?\[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\] | \.?\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]
  | \.?\[(?P<several>\s*\*\s*|[\d\s,:-]+|\s*\?[^\n]*?\)\s*|\s*'[^\]]*'\s*)\]
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_TEXT = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None}
_DEEPEST = 12  # intrinsics take ten levels (Developer Guide, "Intrinsics")


class MalformedError(ValueError):
    """Text that is neither a path nor an intrinsic function; its argument says why."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path.

    Attributes:
        root: `input`, `context` or `variable`.
        definite: Whether it names one place: no wildcard, filter, slice or search.
    """

    root: str
    definite: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an intrinsic function: its name, and paths, calls or literals."""

    name: str
    arguments: tuple[Any, ...]


def parse_path(text: str) -> Path:
    """A path from its text.

    Raises:
        MalformedError: It is none.
    """
    path, end = _path_at(text.rstrip(), 0)
    if end != len(text.rstrip()):
        raise MalformedError(f"not a path from character {end + 1} on")
    return path


def parse_expression(text: str) -> Path | Call:
    """A path or a call, as the value of a field whose name ends in `.$`.

    Raises:
        MalformedError: It is neither.
    """
    if text.startswith("$"):
        return parse_path(text)
    value, end = _argument_at(text, 0, 0)
    if not isinstance(value, Call) or text[end:].strip():
        raise MalformedError("neither a path nor a call of an intrinsic function")
    return value


def check_call(parsed: Path | Call) -> None:
    """Look at the names of intrinsic functions, also of those inside.

    Raises:
        MalformedError: There is no such function.
    """
    if isinstance(parsed, Call):
        if parsed.name not in INTRINSICS:
            raise MalformedError(f"there is no intrinsic function {parsed.name}")
        for argument in parsed.arguments:
            if isinstance(argument, Call):
                check_call(argument)


def _path_at(text: str, start: int, *, inside: bool = False) -> tuple[Path, int]:
    root = _ROOT.match(text, start)
    if root is None:
        raise MalformedError("a path begins with '$'")
    definite = True
    position = root.end()
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            if inside and text[position] in ",) \t\r\n":
                break
            raise MalformedError(f"not a path from character {position + 1} on")
        if not any(step[name] is not None for name in ("name", "index", "single", "double")):
            definite = False
        position = step.end()
    kind = "context" if root["context"] else "variable" if root["variable"] else "input"
    return Path(kind, definite), position


def _argument_at(text: str, start: int, depth: int) -> tuple[Any, int]:
    if depth > _DEEPEST:
        raise MalformedError("calls of intrinsic functions are nested too deeply")
    start = _blank(text, start)
    if text.startswith("$", start):
        return _path_at(text, start, inside=True)
    literal = _TEXT.match(text, start) or _NUMBER.match(text, start)
    if literal is not None:
        is_text = literal[0].startswith("'")
        value: Any = re.sub(r"\\(.)", r"\1", literal[1]) if is_text else float(literal[0])
        return value, literal.end()
    for word, value in _WORDS.items():
        if text.startswith(word, start):
            return value, start + len(word)
    name = re.compile(r"States\.[A-Za-z0-9]+").match(text, start)
    if name is None:
        raise MalformedError("neither a path nor a call of an intrinsic function")
    position = _blank(text, name.end())
    if text[position : position + 1] != "(":
        raise MalformedError(f"{name[0]} has no arguments in parentheses")
    arguments = []
    position = _blank(text, position + 1)
    while text[position : position + 1] != ")":
        argument, position = _argument_at(text, position, depth + 1)
        arguments.append(argument)
        position = _blank(text, position)
        if text[position : position + 1] == ",":
            position = _blank(text, position + 1)
        elif text[position : position + 1] != ")":
            raise MalformedError(f"the arguments of {name[0]} do not end")
    return Call(name[0], tuple(arguments)), position + 1


def _blank(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position
