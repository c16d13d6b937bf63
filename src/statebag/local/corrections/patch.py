"""Replacing attributes of the interpreter for the time of a block, and putting them back."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Patch", "applied", "wherever"]

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Patch:
    """`target.name = value`, for a module or a class."""

    target: Any
    name: str
    value: Any


def wherever(original: Any, replacement: Any) -> list[Patch]:
    """A patch for every module of the interpreter that has imported `original` under its name."""
    name = original.__name__
    return [
        Patch(module, name, replacement)
        for module_name, module in list(sys.modules.items())
        if module_name.startswith("moto.stepfunctions")
        and vars(module).get(name, _MISSING) is original
    ]


@contextmanager
def applied(patches: Iterable[Patch]) -> Iterator[None]:
    """Apply patches in order, and undo them in reverse order when the block ends."""
    undo: list[tuple[Patch, Any]] = []
    try:
        for patch in patches:
            undo.append((patch, vars(patch.target).get(patch.name, _MISSING)))
            setattr(patch.target, patch.name, patch.value)
        yield
    finally:
        for patch, before in reversed(undo):
            if before is _MISSING:
                delattr(patch.target, patch.name)
            else:
                setattr(patch.target, patch.name, before)
