"""Search a state by path and by value, reading stored values within a budget of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from statebag.format import json_text
from statebag.format.paths import render_path
from statebag.format.unopened import Unopened
from statebag.ui.state_tree import describe

if TYPE_CHECKING:
    from statebag.ui.state_tree import Part, StateTree

__all__ = ["SEARCH_BYTES", "search"]

SEARCH_BYTES = 8 * 1024 * 1024
"""Bytes that one search reads unless more are asked for. Chosen: it takes about a second."""

_MOST_HITS = 200  # chosen: a person narrows a search that finds more
_MOST_VALUES = 1_000_000  # chosen: values that one search looks at, some seconds

Where = Literal["path", "value"]


def search(
    tree: StateTree, text: str, where: Where, *, values: bool, budget: int = SEARCH_BYTES
) -> dict[str, Any]:
    """Return the values whose path or text contains a text, ignoring case.

    Args:
        tree: The state.
        text: The text to look for.
        where: `path`: in the path; `value`: in strings, numbers, booleans and null.
        values: Whether values may be shown. The paths of hits are shown anyway.
        budget: Bytes of stored values that may be read.

    Returns:
        `hits`, each a node with its `path` and `parts`; `read` bytes; `skipped`, stubs that did not
        fit into the budget; `is_cut`, whether there may be more hits than are listed.

    Raises:
        StatebagError: As for an open.
    """
    wanted = text.casefold()
    hits: list[dict[str, Any]] = []
    skipped: list[dict[str, Any]] = []
    read = looked = 0
    is_cut = False
    for path, value, so_far, is_skipped in tree.walk(budget):
        read = so_far
        looked += 1
        if is_skipped:
            skipped.append({"path": render_path(path), "parts": list(path), "size": value.size})
            continue
        if _holds(path, value, wanted, where):
            if len(hits) == _MOST_HITS:
                is_cut = True
                break
            node = describe(path[-1] if path else None, value, values=values)
            hits.append({**node, "path": render_path(path), "parts": list(path)})
        if looked >= _MOST_VALUES:
            is_cut = True
            break
    return {"hits": hits, "read": read, "skipped": skipped[:_MOST_HITS], "is_cut": is_cut}


def _holds(path: tuple[Part, ...], value: Any, wanted: str, where: Where) -> bool:
    if where == "path":
        # The last part, so that what is in a hit is not found again with it; or a path as typed.
        if path and wanted in str(path[-1]).casefold():
            return True
        return wanted.startswith("$") and render_path(path).casefold() == wanted
    if isinstance(value, dict | list | Unopened):
        return False
    text = value if isinstance(value, str) else json_text.encode(value).decode()
    return wanted in text.casefold()
