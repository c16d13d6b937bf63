"""Find the position of each field of a document in its text."""

from __future__ import annotations

from bisect import bisect
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from statebag.asl.model import Position, member_path

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["positions_in"]

_TAB = 2  # columns. Chosen: YAML refuses tabs, and any number of spaces keeps the levels of JSON


def positions_in(text: str, root: str = "$") -> dict[str, Position]:
    """Return the position of each key and item of a JSON or YAML text, by its path.

    Args:
        text: The text; a malformed one has no positions.
        root: The path of the whole document.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text.expandtabs(_TAB), loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    position = _positions_of(text)
    found = {root: Position(1, 1)}
    pending: list[tuple[str, Any, bool]] = [(root, node, False)]
    while pending:
        path, one, of_states = pending.pop()
        if isinstance(one, yaml.MappingNode):
            for key, value in one.value:
                name = str(key.value)
                place = member_path(path, name) if of_states else f"{path}.{name}"
                if place not in found:
                    found[place] = position(key)
                    pending.append((place, value, name == "States"))
        elif isinstance(one, yaml.SequenceNode):
            for index, value in enumerate(one.value):
                found[f"{path}[{index}]"] = position(value)
                pending.append((f"{path}[{index}]", value, False))
    return found


def _positions_of(text: str) -> Callable[[yaml.Node], Position]:
    """Return a function from a node of the text with spaces for tabs to its position in `text`."""
    lines = text.splitlines() if "\t" in text else []

    @cache
    def tabs(number: int) -> tuple[list[int], list[int]]:
        """Return where each tab of a line ends as spaces, and the columns added so far."""
        ends, added = [0], [0]
        width = 0
        for part in lines[number].split("\t")[:-1]:
            width += len(part)
            spaces = _TAB - width % _TAB
            width += spaces
            ends.append(width)
            added.append(added[-1] + spaces - 1)
        return ends, added

    def position(node: yaml.Node) -> Position:
        line, column = node.start_mark.line, node.start_mark.column
        if line < len(lines) and "\t" in lines[line]:
            ends, added = tabs(line)
            column -= added[bisect(ends, column) - 1]
        return Position(line + 1, column + 1)

    return position
