"""Parse JSONPath, for definitions, the linter, the engine and the command line.

`$.a.b` reads the state's input, `$$.Execution.Id` the context object, `$name.a` a variable
(Amazon States Language, "Paths" and "Variables"). The core parses steps in brackets that name one
place (`statebag.format.paths`); this module adds steps that find several places.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from statebag.asl.malformed_text import MalformedError

__all__ = [
    "SEARCH",
    "WILDCARD",
    "Filter",
    "JsonPath",
    "MalformedError",
    "Picks",
    "Search",
    "Slice",
    "Step",
    "ValueFunction",
    "Wildcard",
    "parse_json_path",
    "read_json_path",
]

Root = Literal["input", "context", "variable"]

# `$`, a variable or `$$`, and plain names below it: most paths are no more than that.
_PLAIN = re.compile(r"\$(?P<context>\$)?(?P<variable>[A-Za-z_]\w*)?(?P<names>(?:\.[A-Za-z_]\w*)*)")
_MOST_PLAIN = 100  # names. Chosen: of more, `path_steps` follows only so many by name
_MOST_KEPT = 4096  # parsed paths. Chosen: a large definition has some hundreds


class Wildcard:
    """`*`, which stands for every member or item."""

    __slots__ = ()


class Search:
    """`..`: the current value, and everything below it."""

    __slots__ = ()


WILDCARD = Wildcard()
SEARCH = Search()


class Slice(NamedTuple):
    """`[1:3]`, `[-2:]`, `[::2]`: items of an array. A bound that is not written is None."""

    start: int | None
    stop: int | None
    step: int | None = None


class Picks(NamedTuple):
    """`[0,2]`, `['a','b']`: several items or members."""

    names: tuple[str | int, ...]


class Filter(NamedTuple):
    """`[?(@.a > 1)]`: the items for which a condition holds.

    Attributes:
        condition: The text in the outer parentheses.
        reads: The paths in it that begin at an item, as far as each is definite.
        outside: The other paths in it, which begin at a root.
    """

    condition: str
    reads: tuple[tuple[str | int, ...], ...]
    outside: tuple[JsonPath, ...]


class ValueFunction(NamedTuple):
    """`.length()`: a value computed from the value before it."""

    name: str


Step = str | int | Wildcard | Search | Slice | Picks | Filter | ValueFunction


class JsonPath(NamedTuple):
    """A path.

    Attributes:
        text: The text of the path.
        root: The root at which it begins.
        variable: The name of the variable; empty for another root.
        steps: All its steps.
        beginning: The names and indices at its beginning: all steps of a definite path.
        ends: The positions in the text where the root ends, and each step of the beginning.
    """

    text: str
    root: Root
    variable: str
    steps: tuple[Step, ...]
    beginning: tuple[str | int, ...]
    ends: tuple[int, ...]

    @property
    def rest(self) -> str:
        """The text after the definite beginning; empty for a definite path."""
        return self.text[self.ends[-1] :]

    @property
    def definite(self) -> bool:
        """Whether the path names one place: it has no wildcard, slice, filter or search."""
        return len(self.beginning) == len(self.steps)


@lru_cache(maxsize=_MOST_KEPT)
def parse_json_path(text: str) -> JsonPath:
    """Parse a text that is a path, and nothing else.

    Raises:
        MalformedError: The text is not a path; the message names the first wrong character.
    """
    stripped = text.rstrip()
    path, end = read_json_path(stripped)
    if end != len(stripped):
        raise MalformedError(f"the text from character {end + 1} on is not part of a path")
    return path


@lru_cache(maxsize=_MOST_KEPT)
def read_json_path(text: str, start: int = 0) -> tuple[JsonPath, int]:
    """Parse the path at a position, up to the end of the path.

    Args:
        text: A text with a path in it, such as a call of an intrinsic function.
        start: Where the path begins.

    Returns:
        The path, and the position of the first character that does not belong to it.

    Raises:
        MalformedError: No `$` is there.
    """
    root = _PLAIN.match(text, start)
    if root is None:
        raise MalformedError(f"a path must begin with '$', not with {text[start : start + 1]!r}")
    kind: Root = "context" if root["context"] else "variable" if root["variable"] else "input"
    if root["context"] and root["variable"]:
        return JsonPath(text[start : start + 2], "context", "", (), (), (2,)), start + 2
    begun, end = root.start("names"), root.end()
    steps: list[Step] = []
    beginning: list[str | int] = []
    ends: list[int] = []
    # Of an argument of a call, which ends at a comma, a parenthesis or a space.
    whole = end == len(text) or text[end] in ",)" or text[end].isspace()
    if not whole or root["names"].count(".") > _MOST_PLAIN:
        from statebag.asl.path_steps import steps_at  # noqa: PLC0415 - few paths need it

        steps, beginning, ends, end = steps_at(text, begun)
    else:
        position = begun
        for name in root["names"].split(".")[1:]:
            position += len(name) + 1
            beginning.append(name)
            ends.append(position)
        steps.extend(beginning)
    return (
        JsonPath(
            text[start:end],
            kind,
            root["variable"] or "",
            tuple(steps),
            tuple(beginning),
            tuple(one - start for one in (begun, *ends)),
        ),
        end,
    )
