"""What expressions of a definition refer to: JSONPath, intrinsic functions and JSONata.

Only references are looked for; nothing is evaluated. Sources: the Amazon States Language
specification (reference paths, intrinsic functions) and AWS's guide to JSONata in Step Functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from statebag.asl.jsonata import Looked, found_in
from statebag.asl.paths import MalformedError
from statebag.format.json_depth import MAX_DEPTH
from statebag.lint.shape import LIMIT

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
# Their results have up to two bytes for one of what they are given: escapes, quotes, brackets.
_DOUBLING_INTRINSICS = frozenset(
    {
        "States.ArrayPartition",
        "States.Base64Encode",
        "States.JsonToString",
        "States.StringSplit",
    }
)
# What they give depends on all that is in a text.
_COMPUTING = frozenset(
    {
        "States.ArrayContains",
        "States.ArrayUnique",
        "States.Base64Encode",
        "States.Hash",
        "States.StringSplit",
    }
)
_MOST_TIMES = 64
_RANGE = 1_000 * 20  # bytes of the numbers of an ArrayRange at most


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that an expression names.

    Attributes:
        root: `input`, `result`, `error`, `context`, or `$name` of a variable.
        path: Fields and indices below it, as far as they are fixed.
        reads: Whether the engine looks at the value itself (or below the path: a wildcard, a
            filter), instead of handing it on.
        times: How often its bytes can stand in what the expression makes of it.
        whole: Whether a value is computed of all that is in it, so that a stub in it would count.
        as_text: Whether a JSON text is made of it: it is no text, then.
    """

    root: str
    path: tuple[str | int, ...]
    reads: bool = False
    times: int = 1
    whole: bool = False
    as_text: bool = False


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
        factor = 2 if call[1] in _DOUBLING_INTRINSICS else 1
        references = tuple(
            Reference(
                one.root,
                one.path,
                True,
                min(one.times * factor, _MOST_TIMES),
                one.whole or (one.as_text and call[1] in _COMPUTING),
                one.as_text or call[1] == "States.JsonToString",
            )
            for each in found
            for one in each.references
        )
        own = len(text.encode()) + (_RANGE if call[1] == "States.ArrayRange" else 0)
        extra = min((own + sum(one.extra for one in found)) * factor, LIMIT)
        return Expression(references, scalar=call[1] in _SCALAR_INTRINSICS, extra=extra)
    if not text.startswith("$"):
        return Expression((), scalar=True, extra=len(text.encode()))
    root, rest = "input", text[1:]
    if rest.startswith("$"):
        root, rest = "context", rest[1:]
    elif variable := re.match(r"[A-Za-z_]\w*", rest):
        root, rest = f"${variable[0]}", rest[variable.end() :]
    path: list[str | int] = []
    position = 0
    while len(path) < MAX_DEPTH and (step := _NAME.match(rest, position)):  # no state has more
        name, index, single, double = step.groups()
        path.append(int(index) if index is not None else name or single or double or "")
        position = step.end()
    below = position < len(rest)  # a wildcard, a filter, a slice, a function
    return Expression((Reference(root, tuple(path), reads=below),), alone=not below)


def jsonata(text: str) -> Expression:
    """The references in a JSONata expression, its `{% %}` with it or not.

    A malformed one has none.
    """
    code = text.strip().removeprefix("{%").removesuffix("%}").strip()
    try:
        looked = _looked_through(code)
    except MalformedError:
        return Expression(())
    references = tuple(
        Reference(one.root, one.path, one.looked_at, whole=one.whole) for one in looked.found
    )
    extra = min(len(code.encode()) + looked.extra, LIMIT)
    return Expression(references, alone=looked.alone, scalar=looked.small, extra=extra)


@lru_cache(maxsize=4096)
def _looked_through(code: str) -> Looked:
    return found_in(code)


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
