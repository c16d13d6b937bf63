"""Compare the states at two events, by path, with the values side by side."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import StatebagError
from statebag.format.paths import parse_path, render_path
from statebag.format.unopened import Unopened
from statebag.opening.bag_difference import bag_differences
from statebag.ui.state_tree import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statebag.client import Statebag
    from statebag.ui.state_tree import Part, StateTree

__all__ = ["READ_BYTES", "differences_by_bags", "differences_inside"]

READ_BYTES = 32 * 1024 * 1024
"""Bytes that a comparison of stored values may read unless more are asked for. Chosen: a second."""

_MOST = 500  # chosen: differences that are listed; of the others, the number is reported
_MOST_COUNTED = 100_000  # chosen: how far they are counted


def differences_by_bags(
    bags: tuple[Any, Any], trees: tuple[StateTree, StateTree], *, values: bool
) -> dict[str, Any]:
    """Return the differences that two bags show; stored values are not read.

    Args:
        bags: The bag before, and the bag after.
        trees: Their states.
        values: Whether values may be shown.

    Returns:
        `changes`, each with `path`, `kind` (`possible` if the bags do not show whether it changed)
        and the bytes `before` and `after`; with `old` and `new` if these are plain in the bag;
        `left_out`: how many more there are.

    Raises:
        StatebagError: A stub is malformed.
    """
    found = iter(bag_differences(*bags))
    changes = []
    for one in islice(found, _MOST):
        change = {"path": one.path, "kind": one.kind, "before": one.before, "after": one.after}
        old, new = (_plain(tree, one.path, values=values) for tree in trees)
        # Items of an array have their index in one of the two states only.
        if "[" not in one.path or one.path.endswith("']"):
            change |= {"old": old, "new": new}
        changes.append(change)
    left_out = sum(1 for _ in islice(found, _MOST_COUNTED))
    return {"changes": changes, "left_out": left_out}


def _plain(tree: StateTree, path: str, *, values: bool) -> dict[str, Any] | None:
    """Return a plain scalar of the bag; None for any other value."""
    try:
        value = tree.at(parse_path(path), 0)
    except StatebagError:
        return None
    if isinstance(value, Unopened | dict | list):
        return None
    return describe(None, value, values=values)


def differences_inside(
    client: Statebag,
    trees: tuple[StateTree, StateTree],
    path: Sequence[Part],
    *,
    values: bool,
    budget: int = READ_BYTES,
) -> dict[str, Any]:
    """Return the differences at and below a path; stored values that differ are read.

    Args:
        client: Reads the store.
        trees: The state before, and the state after.
        path: Where to compare.
        values: Whether values may be shown.
        budget: Bytes of stored values that may be read.

    Returns:
        As `differences_by_bags`, with `old` and `new` of each as `StateTree` describes a value.

    Raises:
        LimitExceeded: More would have to be read.
        StatebagError: As for `Statebag.differences`.
    """
    limited = client.with_policy(msgspec.structs.replace(client.policy, max_open_bytes=budget))
    before, after = (_wire(tree.at(path, budget)) for tree in trees)
    found = limited.differences(before, after)
    prefix = render_path(path)
    changes = [
        {
            "path": prefix + one.path[1:],
            "kind": one.kind,
            "before": one.before,
            "after": one.after,
            "old": None if one.kind == "added" else describe(None, one.old, values=values),
            "new": None if one.kind == "removed" else describe(None, one.new, values=values),
        }
        for one in found[:_MOST]
    ]
    return {"changes": changes, "left_out": max(0, len(found) - _MOST)}


def _wire(value: Any) -> Any:
    return value.wire if isinstance(value, Unopened) else value
