"""What expressions of a definition refer to: JSONPath, intrinsic functions and JSONata.

Only references are looked for; nothing is evaluated. Sources: the Amazon States Language
specification (reference paths, intrinsic functions) and AWS's guide to JSONata in Step Functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Expression", "Reference", "is_jsonata", "json_path", "jsonata"]

_DEEPEST = 50
_NAME = re.compile(r"\.([^.\[\]()'\" ,*]+)|\[(\d+)\]|\[\s*'([^']*)'\s*\]|\[\s*\"([^\"]*)\"\s*\]")
_INTRINSIC = re.compile(r"(States\.[A-Za-z0-9]+)\s*\((.*)\)\s*$", re.DOTALL)
# Their results are numbers, booleans or short texts, whatever they are given.
_SCALAR_INTRINSICS = frozenset(
    {
        "States.ArrayContains",
        "States.ArrayLength",
        "States.Hash",
        "States.MathAdd",
        "States.MathRandom",
        "States.UUID",
    }
)
_STATES = re.compile(
    r"\$states\.(input|result|errorOutput|context)((?:\.[A-Za-z_]\w*|\.`[^`]*`|\[\d+\])*)"
)
_VARIABLE = re.compile(
    r"\$(?!states\b)([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*|\.`[^`]*`|\[\d+\])*)(?!\s*\()"
)
_JSONATA_STEP = re.compile(r"\.([A-Za-z_]\w*)|\.`([^`]*)`|\[(\d+)\]")
_SCALAR_JSONATA = re.compile(
    r"\s*\(?\s*\$(count|exists|length|sum|max|min|average|number|boolean|not|contains|uuid|now|"
    r"millis|random|hash|round|floor|ceil|abs|power|sqrt|type|toMillis|fromMillis)\s*\("
)
_OPERATOR = re.compile(r"\s(?:=|!=|<|>|<=|>=|and|or|in|\+|-|\*|/|%)\s")
_STRINGS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_CONSTRUCTORS = ("{", "[", "$merge(", "$append(")


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that an expression names.

    Attributes:
        root: `input`, `result`, `error`, `context`, or `$name` of a variable.
        path: Fields and indices below it, as far as they are fixed.
        reads: Whether the engine looks at the value itself (or below the path: a wildcard, a
            filter), instead of handing it on.
    """

    root: str
    path: tuple[str | int, ...]
    reads: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """What an expression gives.

    Attributes:
        references: All places that it names.
        alone: Whether its value is that of its one reference.
        scalar: Whether it is a number, a boolean or a short text.
        extra: Bytes of its own text, where it is put into the value.
    """

    references: tuple[Reference, ...]
    alone: bool = False
    scalar: bool = False
    extra: int = 0


def is_jsonata(text: object) -> bool:
    """Whether a string is a JSONata expression."""
    return isinstance(text, str) and text.startswith("{%") and text.rstrip().endswith("%}")


def json_path(text: str, depth: int = 0) -> Expression:
    """The references in a path or an intrinsic function's call."""
    text = text.strip()
    call = _INTRINSIC.match(text)
    if call is not None and depth < _DEEPEST:
        found = [json_path(one, depth + 1) for one in _arguments(call[2])]
        references = tuple(
            Reference(one.root, one.path, reads=True) for each in found for one in each.references
        )
        return Expression(
            references, scalar=call[1] in _SCALAR_INTRINSICS, extra=len(text.encode())
        )
    if not text.startswith("$"):
        return Expression((), scalar=True, extra=len(text.encode()))
    root, rest = "input", text[1:]
    if rest.startswith("$"):
        root, rest = "context", rest[1:]
    elif variable := re.match(r"[A-Za-z_]\w*", rest):
        root, rest = f"${variable[0]}", rest[variable.end() :]
    path, position = [], 0
    while step := _NAME.match(rest, position):
        name, index, single, double = step.groups()
        path.append(int(index) if index is not None else name or single or double or "")
        position = step.end()
    below = position < len(rest)  # a wildcard, a filter, a slice, a function
    return Expression((Reference(root, tuple(path), reads=below),), alone=not below)


def jsonata(text: str) -> Expression:
    """The references in a JSONata expression, its `{% %}` with it or not."""
    code = text.strip().removeprefix("{%").removesuffix("%}").strip()
    bare = _STRINGS.sub('""', code)
    references = tuple(_jsonata_references(bare))
    if len(references) == 1 and bare in _spellings(bare):
        return Expression(references, alone=True)
    builds = bare.startswith(_CONSTRUCTORS)
    if not builds:
        references = tuple(Reference(one.root, one.path, reads=True) for one in references)
    scalar = not builds and bool(
        _SCALAR_JSONATA.match(bare) or _OPERATOR.search(bare) or not references
    )
    return Expression(references, scalar=scalar, extra=len(code.encode()))


def _spellings(bare: str) -> Iterator[str]:
    """The text itself, where it is one reference from its start to its end."""
    for pattern in (_STATES, _VARIABLE):
        match = pattern.fullmatch(bare)
        if match is not None:
            yield match[0]


def _jsonata_references(bare: str) -> Iterator[Reference]:
    for match in _STATES.finditer(bare):
        root = {"errorOutput": "error"}.get(match[1], match[1])
        yield Reference(root, _steps(match[2]))
    for match in _VARIABLE.finditer(bare):
        yield Reference(f"${match[1]}", _steps(match[2]))


def _steps(text: str) -> tuple[str | int, ...]:
    return tuple(
        int(index) if index else name or quoted
        for name, quoted, index in _JSONATA_STEP.findall(text)
    )


def _arguments(text: str) -> Iterator[str]:
    """The arguments of a call: split at commas outside of quotes and parentheses."""
    depth, start, quoted, skip = 0, 0, False, False
    for position, one in enumerate(text):
        if skip:
            skip = False
        elif one == "\\":
            skip = True
        elif one == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif one in "([":
            depth += 1
        elif one in ")]":
            depth -= 1
        elif one == "," and depth == 0:
            yield text[start:position]
            start = position + 1
    if text[start:].strip():
        yield text[start:]
