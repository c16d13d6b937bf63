"""Parse the steps of a JSONPath: names, brackets, slices, filters.

It is separate from `json_paths`, which reads paths of plain names by itself: a small definition
needs no more.
"""

from __future__ import annotations

import re

from statebag.asl.json_paths import (
    SEARCH,
    WILDCARD,
    Filter,
    JsonPath,
    Picks,
    Slice,
    Step,
    ValueFunction,
    read_json_path,
)
from statebag.format.json_depth import MAX_DEPTH
from statebag.format.paths import bracketed_step

__all__ = ["operand_end", "steps_at"]

_BARE = r"[^.\[\]'\"(),*\s]+"
_NAME = re.compile(rf"\.(?P<name>{_BARE})")
_FUNCTION = re.compile(r"\.(?P<function>[A-Za-z]\w*)\(\s*\)")
_ALL = re.compile(r"\.\*|\.?\[\s*\*\s*\]")
_SLICE = re.compile(
    r"\.?\[\s*(?P<start>-?\d{1,18})?\s*:\s*(?P<stop>-?\d{1,18})?\s*"
    r"(?::\s*(?P<step>-?\d{1,18})?\s*)?\]"
)
_PICK = re.compile(r"\s*(?:-?\d{1,18}|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\s*", re.DOTALL)
_FILTER = re.compile(r"\.?\[\s*(?=\?)")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_PATTERN = re.compile(r"=~\s*/(?:[^/\\]|\\.)*/", re.DOTALL)
_DEEP_NAME = re.compile(_BARE)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CLOSED = re.compile(r"\s*\]")
_OPERATORS = frozenset("<>=!~&|,")
_CLOSING = {"(": ")", "[": "]"}
# Open brackets in a filter. Chosen: more than a filter that people write has; each level of
# filters is parsed once more, so the time grows with the square of the levels.
_MOST_OPEN = 20


def steps_at(text: str, position: int) -> tuple[list[Step], list[str | int], list[int], int]:
    """Return the steps from a position on, and where each of the first definite ones ends."""
    steps: list[Step] = []
    beginning: list[str | int] = []
    ends: list[int] = []
    while position < len(text):
        found = _step(text, position)
        if found is None:
            break
        more, position = found
        definite = len(beginning) == len(steps)
        steps.extend(more)
        # No state nests deeper than this, so what is further down is not followed by name.
        if definite and isinstance(more[0], str | int) and len(beginning) < MAX_DEPTH:
            beginning.append(more[0])
            ends.append(position)
    return steps, beginning, ends, position


def _step(text: str, position: int) -> tuple[tuple[Step, ...], int] | None:
    """Return the step at a position (two for a search with a name), and where it ends."""
    if text.startswith("..", position):
        return _search(text, position + 2)
    bracket = position + text.startswith(".[", position)
    one = _bracketed(text, bracket)
    if one is not None:
        return (one[0],), one[1]
    if function := _FUNCTION.match(text, position):
        return (ValueFunction(function["function"]),), function.end()
    if name := _NAME.match(text, position):
        return (name["name"],), name.end()
    if every := _ALL.match(text, position):
        return (WILDCARD,), every.end()
    if part := _SLICE.match(text, position):
        start, stop, step = (None if one is None else int(one) for one in part.groups())
        return (Slice(start, stop, step),), part.end()
    if begun := _FILTER.match(text, position):
        return _filter(text, begun.end())
    return _picks(text, bracket)


def _bracketed(text: str, position: int) -> tuple[str | int, int] | None:
    """Return a step in brackets. A backslash before the other kind of quote is part of the name.

    This was recorded on AWS; the core's reader takes the backslash for an escape.
    """
    one = bracketed_step(text, position)
    if one is None or not isinstance(one[0], str) or "\\" not in text[position : one[1]]:
        return one
    step = text[position : one[1]]
    other = '"' if step[1:].lstrip().startswith("'") else "'"
    kept = _ESCAPED.sub(lambda pair: "\\\\" + pair[0] if pair[1] == other else pair[0], step)
    name = bracketed_step(kept, 0)
    return one if name is None else (name[0], one[1])


def _search(text: str, position: int) -> tuple[tuple[Step, ...], int] | None:
    if text.startswith("[", position):
        return (SEARCH,), position
    if text.startswith("*", position):
        return (SEARCH, WILDCARD), position + 1
    name = _DEEP_NAME.match(text, position)
    return None if name is None else ((SEARCH, name[0]), name.end())


def _picks(text: str, position: int) -> tuple[tuple[Step, ...], int] | None:
    if not text.startswith("[", position):
        return None
    names: list[str | int] = []
    while position < len(text) and text[position] in "[,":
        pick = _PICK.match(text, position + 1)
        if pick is None:
            return None
        one = bracketed_step(f"[{pick[0]}]", 0)
        if one is None:
            return None
        names.append(one[0])
        position = pick.end()
    if not text.startswith("]", position):
        return None
    return (Picks(tuple(names)),), position + 1


def _filter(text: str, position: int) -> tuple[tuple[Step, ...], int] | None:
    """Parse a filter from its question mark to its closing bracket."""
    start = position + 1
    while text[start : start + 1].isspace():
        start += 1
    if not text.startswith("(", start):
        return None
    position = start
    open_: list[str] = []
    while position < len(text):
        skipped = _QUOTED.match(text, position) or _PATTERN.match(text, position)
        if skipped is not None:
            position = skipped.end()
            continue
        one = text[position]
        position += 1
        if one in _CLOSING:
            open_.append(_CLOSING[one])
            if len(open_) > _MOST_OPEN:
                return None
        elif one in ")]" and open_.pop() != one:
            return None
        if not open_:
            break
    closed = _CLOSED.match(text, position)
    if open_ or closed is None:
        return None
    return (_filter_of(text[start + 1 : position - 1].strip()),), closed.end()


def _filter_of(condition: str) -> Filter:
    """Return a filter with the paths in its condition: those of an item begin with `@`."""
    reads: list[tuple[str | int, ...]] = []
    outside: list[JsonPath] = []
    position = 0
    while position < len(condition):
        skipped = _QUOTED.match(condition, position) or _PATTERN.match(condition, position)
        if skipped is not None:
            position = skipped.end()
        elif condition[position] == "@":
            end = operand_end(condition, position + 1)
            _, names, _, position = steps_at(condition[:end], position + 1)
            reads.append(tuple(names))
        elif condition[position] == "$":
            end = operand_end(condition, position + 1)
            path, position = read_json_path(condition[:end], position)
            outside.append(path)
        else:
            position += 1
    return Filter(condition, tuple(reads), tuple(outside))


def operand_end(condition: str, position: int) -> int:
    """Return the position at which a path in a filter must end: at an operator, a comma or a space.

    In a filter `@.price>10` compares, while a path `$.price>10` is that of the field `price>10`
    (Jayway JsonPath, its compiler of filters).

    Args:
        condition: The condition of the filter.
        position: The position after the `@` or the `$`.
    """
    open_ = 0
    while position < len(condition):
        quoted = _QUOTED.match(condition, position) if open_ else None
        if quoted is not None:
            position = quoted.end()
            continue
        one = condition[position]
        if one in _CLOSING:
            open_ += 1
        elif one in ")]":
            if not open_:
                break
            open_ -= 1
        elif not open_ and (one in _OPERATORS or one.isspace()):
            break
        position += 1
    return position
