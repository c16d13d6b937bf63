"""Find the arrays that are small, as the definition itself says: `statebag: at most 36 items`.

A Map reads its items from the payload, so their path must be a control path of the functions that
seal the state. The variables of functions are in a template. A bare definition has no place for
them, except the Comment of a Map that bounds the number of its items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.asl.json_paths import MalformedError, parse_json_path
from statebag.asl.map_comments import told_items
from statebag.asl.model import Definition
from statebag.format.paths import render_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["bounded_items"]


def bounded_items(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the control paths of Maps whose Comment bounds the number of their items.

    A function may have sealed its whole answer or the state in a field of it. The definition does
    not say which, so each suffix of a path becomes a control path; one that names nothing costs
    nothing.
    """
    found: dict[str, None] = {}
    for state in Definition(definition).states.values():
        if state.kind == "Map" and told_items(state.fields) is not None:
            for steps in _ends(state.fields, is_jsonata=state.language == "JSONata"):
                found[render_path(steps)] = None
    return tuple(found)


def _ends(fields: Mapping[str, Any], *, is_jsonata: bool) -> Iterator[tuple[str, ...]]:
    steps = _in_jsonata(fields.get("Items")) if is_jsonata else _in_path(fields.get("ItemsPath"))
    for start in range(len(steps)):
        yield steps[start:]


def _in_path(path: Any) -> tuple[str, ...]:
    try:
        found = parse_json_path(path) if isinstance(path, str) else None
    except MalformedError:
        return ()  # the engine says what is wrong with it
    if found is None or found.root != "input":
        return ()
    names = tuple(step for step in found.steps if isinstance(step, str))
    return names if len(names) == len(found.steps) else ()


def _in_jsonata(code: Any) -> tuple[str, ...]:
    if not isinstance(code, str) or not code.startswith("{%"):
        return ()
    from statebag.asl.jsonata import found_in  # noqa: PLC0415 - an extra

    try:
        looked = found_in(code[2:-2])
    except MalformedError:
        return ()  # as above
    paths = [one.path for one in looked.found if one.root == "input"]
    names = tuple(step for step in paths[0] if isinstance(step, str)) if len(paths) == 1 else ()
    return names if names and len(names) == len(paths[0]) else ()
