"""A plan as a tree: the one walk over its parts, and the ways to a changed one."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.format.paths import Path
    from statebag.sealing.parts import Part

__all__ = ["changed", "mapped", "part_at", "walk"]


def walk(root: Part) -> list[Part]:
    """All parts, outermost first, in the order of their paths."""
    found: list[Part] = []
    pending = [root]
    while pending:
        part = pending.pop()
        found.append(part)
        if part.children:
            pending.extend(reversed(part.children.values()))
    return found


def part_at(root: Part, path: Path) -> Part:
    """The part of the value at a path."""
    for key in path:
        root = root.children[key]
    return root


def changed(root: Part, changes: Mapping[Path, Part]) -> Part:
    """The tree with other parts at some paths; members of these are changed in their turn."""
    if not changes:
        return root
    root = changes.get(root.path, root)
    if not root.children:
        return root
    children = {
        key: changed(child, changes) if child.children else changes.get(child.path, child)
        for key, child in root.children.items()
    }
    if all(map(is_, children.values(), root.children.values())):
        return root
    return root.with_children(children)


def mapped(root: Part, change: Callable[[Part], Part]) -> Part:
    """The tree with each part replaced, the innermost and last first.

    Args:
        root: The tree.
        change: Gives what stands for a part, whose members were replaced before.
    """
    if root.children:
        replaced = {key: mapped(child, change) for key, child in reversed(root.children.items())}
        if any(replaced[key] is not child for key, child in root.children.items()):
            root = root.with_children({key: replaced[key] for key in root.children})
    return change(root)
