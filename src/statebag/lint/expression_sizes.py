"""Find the references of expressions: JSONPath, intrinsic functions and JSONata.

This module evaluates nothing. Sources: the Amazon States Language
specification (reference paths, intrinsic functions) and AWS's guide to JSONata in Step Functions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from statebag.asl.intrinsic_calls import Argument, IntrinsicCall, Quoted, parse_call
from statebag.asl.intrinsics import INTRINSICS
from statebag.asl.json_paths import (
    WILDCARD,
    Filter,
    JsonPath,
    MalformedError,
    Picks,
    Slice,
    read_json_path,
)
from statebag.asl.jsonata import Looked, found_in
from statebag.asl.jsonata_values import made_by
from statebag.asl.made_values import MadeMerge, MadeOther, MadePlace, MadeValue
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.lint.sources import EVERY

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Expression", "Reference", "is_jsonata", "json_path", "jsonata"]

_MOST_TIMES = 64  # of one value in a result. Chosen: 4 KB counted so often reach the payload limit


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that an expression names.

    Attributes:
        root: `input`, `result`, `error`, `context`, or `$name` of a variable.
        path: Fields and indices below it, as far as they are fixed.
        reads: Whether the engine reads the value itself (or below the path: a wildcard, a filter),
            instead of passing it on.
        times: How often the result can hold its bytes.
        whole: Whether everything in it affects the result, so a stub in it would too.
        as_text: Whether the result has its JSON text; then it is not text itself.
    """

    root: str
    path: tuple[str | int, ...]
    reads: bool = False
    times: int = 1
    whole: bool = False
    as_text: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """The facts about the result of an expression.

    Attributes:
        references: All places that it names.
        alone: Whether its value is that of its one reference.
        scalar: Whether it is a number, a boolean or a short text.
        extra: Bytes of its own text, if that goes into the value.
        below: Places that it reads as well: members of each item of a list, and objects and arrays
            that it takes apart.
        made: What it builds, if that is an object or one of several values; None otherwise.
    """

    references: tuple[Reference, ...]
    alone: bool = False
    scalar: bool = False
    extra: int = 0
    below: tuple[Reference, ...] = ()
    made: MadeValue | None = None


def is_jsonata(text: object) -> bool:
    """Return whether a string is a JSONata expression."""
    return isinstance(text, str) and text.startswith("{%") and text.rstrip().endswith("%}")


@lru_cache(maxsize=4096)  # a run looks at each state many times
def json_path(text: str) -> Expression:
    """Return the references in a path or an intrinsic function's call."""
    text = text.strip()
    if text.startswith("$"):
        path, end = read_json_path(text)
        return _of_path(path, whole=end == len(text))
    try:
        return _of_call(parse_call(text))
    except MalformedError:  # another finding
        return Expression((), scalar=True, extra=len(text.encode()))


def _of_path(path: JsonPath, *, whole: bool = True) -> Expression:
    """Return the references of a path: what it leads to, and what its filters compare with."""
    root = f"${path.variable}" if path.root == "variable" else path.root
    definite = whole and path.definite
    compared = tuple(
        replace(one, reads=True, times=0)  # the path's result holds nothing of it
        for step in path.steps
        if isinstance(step, Filter)
        for other in step.outside
        for one in _of_path(other).references
    )
    # In a bag itself, whatever is not named is a stub.
    found = Reference(root, path.beginning, reads=not definite, whole=not definite)
    picked = () if definite else tuple(_inside(root, path))
    if picked and isinstance(path.steps[len(path.beginning)], Picks):
        found = replace(found, whole=False)  # all of it is named
    return Expression((found, *compared), alone=definite, below=picked)


def _inside(root: str, path: JsonPath) -> Iterator[Reference]:
    """Yield the places that a path reads below its definite beginning, and each item of a list."""
    places: list[tuple[str | int, ...]] = [path.beginning]
    for step in path.steps[len(path.beginning) :]:
        if isinstance(step, Picks):
            places = [(*place, name) for place in places for name in step.names][:_MOST_TIMES]
        elif isinstance(step, str | int):
            places = [(*place, step) for place in places]
        elif isinstance(step, Filter):
            for read in step.reads:
                for place in places:
                    yield Reference(root, (*place, EVERY, *read), reads=True, times=0)
            places = [(*place, EVERY) for place in places]
        elif step == WILDCARD or isinstance(step, Slice):
            places = [(*place, EVERY) for place in places]
        else:  # a search, or what is computed
            break
    for place in places:
        if place != path.beginning:
            yield Reference(root, place, reads=True, times=0)


def _of_call(call: IntrinsicCall) -> Expression:
    found = [_of_argument(one) for one in call.arguments]
    known = INTRINSICS.get(call.name)
    growth = 1 if known is None else known.growth
    references = tuple(
        Reference(
            one.root,
            one.path,
            True,
            min(one.times * growth, _MOST_TIMES),
            one.whole or (one.as_text and known is not None and known.looks == "everything"),
            one.as_text or call.name == "States.JsonToString",
        )
        for each in found
        for one in each.references
    )
    own = len(call.text.encode()) + (0 if known is None else known.made)
    extra = min((own + sum(one.extra for one in found)) * growth, PAYLOAD_LIMIT)
    below = tuple(one for each in found for one in each.below)
    made = _merged(call) if call.name == "States.JsonMerge" else None
    short = known is not None and known.short
    return Expression(references, scalar=short, extra=extra, below=below, made=made)


def _merged(call: IntrinsicCall) -> MadeValue | None:
    """Return the objects that `States.JsonMerge` merges; None if one of them is not known."""
    parts: list[MadeValue] = []
    for one in call.arguments[:2]:
        if isinstance(one, JsonPath):
            expression = _of_path(one)
            if not expression.alone:
                return None
            (place,) = expression.references
            parts.append(MadePlace(place.root, place.path))
        elif isinstance(one, IntrinsicCall) and one.name == "States.JsonMerge":
            inner = _merged(one)
            if inner is None:
                return None
            parts.append(inner)
        else:
            return None
    return MadeMerge(tuple(parts))


def _of_argument(argument: Argument) -> Expression:
    if isinstance(argument, JsonPath):
        return _of_path(argument)
    if isinstance(argument, IntrinsicCall):
        return _of_call(argument)
    text = argument.raw if isinstance(argument, Quoted) else json.dumps(argument.value)
    return Expression((), scalar=True, extra=len(text.encode()) + 2)


@lru_cache(maxsize=4096)  # a run looks at each state many times
def jsonata(text: str) -> Expression:
    """Return the references in a JSONata expression, with or without its `{% %}`.

    A malformed expression has none.
    """
    code = text.strip().removeprefix("{%").removesuffix("%}").strip()
    try:
        looked = _looked_through(code)
    except MalformedError:
        return Expression(())
    references = tuple(
        Reference(one.root, one.path, one.looked_at, whole=one.whole) for one in looked.found
    )
    extra = min(len(code.encode()) + looked.extra, PAYLOAD_LIMIT)
    made = made_by(code)
    apart = tuple(Reference(one.root, one.path, reads=True, times=0) for one in made.taken_apart)
    computed = looked.alone or looked.small or isinstance(made.value, MadeOther)
    return Expression(
        references,
        alone=looked.alone,
        scalar=looked.small,
        extra=extra,
        below=apart,
        made=None if computed else made.value,
    )


@lru_cache(maxsize=4096)
def _looked_through(code: str) -> Looked:
    return found_in(code)
