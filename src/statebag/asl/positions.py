"""Find the position of each field of a document in its text."""

from __future__ import annotations

from typing import Any

import yaml

from statebag.asl.model import Position, member_path

__all__ = ["positions_in"]


def positions_in(text: str, root: str = "$") -> dict[str, Position]:
    """Return the position of each key and item of a JSON or YAML text, by its path.

    Args:
        text: The text; a malformed one has no positions.
        root: The path of the whole document.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text.expandtabs(2), loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    found = {root: Position(1, 1)}
    pending: list[tuple[str, Any, bool]] = [(root, node, False)]
    while pending:
        path, one, of_states = pending.pop()
        if isinstance(one, yaml.MappingNode):
            for key, value in one.value:
                name = str(key.value)
                place = member_path(path, name) if of_states else f"{path}.{name}"
                if place not in found:
                    found[place] = _position(key)
                    pending.append((place, value, name == "States"))
        elif isinstance(one, yaml.SequenceNode):
            for index, value in enumerate(one.value):
                found[f"{path}[{index}]"] = _position(value)
                pending.append((f"{path}[{index}]", value, False))
    return found


def _position(node: yaml.Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)
