"""Find stubs in payloads, and tell whether a path leads to one instead of to a value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.format.paths import render_path
from statebag.format.stub import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DEEP",
    "WILD",
    "Hidden",
    "first_stub",
    "hidden",
    "is_stub",
    "marks_of",
    "parsed",
    "read_of",
    "stub_places",
    "text_stubs",
    "unread_place",
]

WILD = object()
"""A step of a path that takes every member: `*`, a slice, a filter."""

DEEP = object()
"""A step that searches everything below: `..`."""

_TEXTS_DEEP = 4  # texts in texts. Chosen: an SQS body in an SNS message in an event has two
_BODY = rf'"{KEY}"\s*:\s*(?=\{{)'


class Hidden(NamedTuple):
    """A place that a path leads to but the payload does not hold.

    Attributes:
        stub: The object with the stub on the path.
        above: The steps to it.
        inside: The steps from there.
    """

    stub: dict[str, Any]
    above: tuple[Any, ...]
    inside: tuple[Any, ...]


def is_stub(value: Any) -> bool:
    """Return whether an object is a stub, or holds one of the form *rest*."""
    body = value.get(KEY) if isinstance(value, dict) else None
    return isinstance(body, dict) and "v" in body and (len(value) == 1 or body.get("rest") is True)


def stub_places(
    value: Any, above: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Yield all stubs in a value with their places, without searching inside stubs."""
    ahead = [(above, value)]
    while ahead:
        place, one = ahead.pop()
        if isinstance(one, dict):
            if is_stub(one):
                yield place, one
            members = reversed([(key, inner) for key, inner in one.items() if key != KEY])
            ahead.extend(((*place, key), inner) for key, inner in members)
        elif isinstance(one, list):
            ahead.extend(((*place, i), one[i]) for i in range(len(one) - 1, -1, -1))


def first_stub(value: Any) -> str | None:
    """Return the path of the first stub in an event, also inside a text; None if there is none."""
    found = next(stub_places(value), None)
    if found is not None:
        return render_path(found[0])
    ahead: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while ahead:
        place, one = ahead.pop()
        if isinstance(one, str):
            if KEY in one and _holds_bag(one):
                return render_path(place)
        elif isinstance(one, dict):
            ahead.extend(((*place, key), inner) for key, inner in one.items())
        elif isinstance(one, list):
            ahead.extend(((*place, i), inner) for i, inner in enumerate(one))
    return None


def _holds_bag(text: str, depth: int = 0) -> bool:
    """Return whether a text is JSON with a stub in it, or with such a text in it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return any(_is_body_at(text, found.end()) for found in re.finditer(_BODY, text))
    if next(stub_places(value), None) is not None:
        return True
    return depth < _TEXTS_DEEP and any(
        KEY in one and _holds_bag(one, depth + 1) for one in _texts(value)
    )


def _is_body_at(text: str, start: int) -> bool:
    try:
        body, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return False
    return is_stub({KEY: body})


def marks_of(value: Any) -> frozenset[str]:
    """Return the marks of the stubs in a value, also of those in texts: bodies and content names.

    A part of a value has some of the marks of the whole.
    """
    return frozenset(_marks(value, 0))


def read_of(marks: frozenset[str], value: Any) -> frozenset[str]:
    """Return those of the given marks whose stubs a value or a text holds.

    Return all of them if it cannot tell: an iterator, a value that was opened in part.
    """
    found: set[str] = set()
    ahead = [value]
    while ahead:
        one = ahead.pop()
        if isinstance(one, dict):
            ahead.extend(one.values())
        elif isinstance(one, list):
            ahead.extend(one)
        elif not isinstance(one, str | bytes | int | float | None):
            return marks
        elif isinstance(one, str | bytes) and KEY in (text := _decoded(one)):
            inside = frozenset(_marks(text, 0))
            if not inside:
                return marks
            found |= inside
    return marks & (found | frozenset(_marks(value, 0)))


def unread_place(value: Any, read: frozenset[str]) -> str | None:
    """Return the path of the first stub in an event that has none of these marks, or None."""
    for place, stub in stub_places(value):
        if read.isdisjoint(_marks_of_body(stub[KEY])):
            return render_path(place)
    return None


def _marks(value: Any, depth: int) -> Iterator[str]:
    for _, stub in stub_places(value):
        yield from _marks_of_body(stub[KEY])
    for _, stub in text_stubs(value, depth):
        yield from _marks_of_body(stub[KEY])


def text_stubs(
    value: Any, depth: int = 0
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Yield all stubs in the texts of a value, with their places in the parsed texts."""
    for text in _texts(value):
        if KEY not in text:
            continue
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            for found in re.finditer(_BODY, text):
                if _is_body_at(text, found.end()):
                    body, _ = json.JSONDecoder().raw_decode(text, found.end())
                    yield (), {KEY: body}
            continue
        yield from stub_places(inner)
        if depth < _TEXTS_DEEP:
            yield from text_stubs(inner, depth + 1)


def _marks_of_body(body: dict[str, Any]) -> Iterator[str]:
    yield json.dumps(body, sort_keys=True)
    # Code may change what stands next to a stub, or put it into another form.
    yield from (body[name] for name in ("sha256", "at") if isinstance(body.get(name), str))


def _decoded(text: str | bytes) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text


def _texts(value: Any) -> Iterator[str]:
    ahead = [value]
    while ahead:
        one = ahead.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list):
            ahead.extend(one.values() if isinstance(one, dict) else one)


def parsed(path: str) -> list[tuple[Any, ...]]:
    """Return the steps of a JSONPath: one list for the path, one for each path in its filters.

    A step that picks several names is a tuple of them.
    """
    from statebag.asl.json_paths import (  # noqa: PLC0415 - few runs have a stub on a path
        Filter,
        Picks,
        Search,
        ValueFunction,
        read_json_path,
    )

    read, end = read_json_path(path)
    steps: list[Any] = []
    ways: list[tuple[Any, ...]] = []
    for step in read.steps:
        if isinstance(step, Picks):
            steps.append(step.names)
        elif isinstance(step, str | int):
            steps.append(step)
        elif isinstance(step, Search | ValueFunction):
            steps.append(DEEP)
        else:
            steps.append(WILD)
        if isinstance(step, Filter):
            ways.extend((*steps, *one) for one in step.reads if one)
            ways.extend(one.beginning for one in step.outside if one.root == "input")
    if end < len(path.rstrip()):
        steps.append(DEEP)  # an unknown step may read anything
    return [tuple(steps), *ways]


def hidden(value: Any, steps: tuple[Any, ...], above: tuple[Any, ...] = ()) -> Iterator[Hidden]:
    """Yield the places that a path leads to and that a stub stands for.

    They do not include a path to a stub itself: a stub may be moved.
    """
    if not steps:
        return
    step, inside = steps[0], steps[1:]
    if isinstance(step, tuple):
        for name in step:
            yield from hidden(value, (name, *inside), above)
        return
    if step is DEEP:
        for place, stub in stub_places(value):
            yield Hidden(stub, (*above, *place), inside)
        return
    if isinstance(value, dict):
        there = isinstance(step, str) and step != KEY and step in value
        if is_stub(value) and not there:
            yield Hidden(value, above, steps)
        elif there:
            yield from hidden(value[step], inside, (*above, step))
        elif step is WILD:
            for key, one in value.items():
                yield from hidden(one, inside, (*above, key))
    elif isinstance(value, list):
        if isinstance(step, int) and -len(value) <= step < len(value):
            yield from hidden(value[step], inside, (*above, step))
        elif not isinstance(step, int):
            # JSONata takes a name from each item of an array.
            rest = inside if step is WILD else steps
            for index, one in enumerate(value):
                yield from hidden(one, rest, (*above, index))
