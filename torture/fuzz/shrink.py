"""The shortest list of operations that still fails, found by leaving out and making smaller."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

from torture.fuzz.values import smaller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torture.fuzz.world import Operation

__all__ = ["shortest"]

_RECIPES = {"odd", "noise", "words", "records", "fields", "nested", "real", "list", "dict"}


def shortest(
    operations: list[Operation], fails: Callable[[list[Operation]], bool], seconds: float
) -> list[Operation]:
    """Fewer and simpler operations that fail too.

    Args:
        operations: They fail.
        fails: Whether a list fails in the same way.
        seconds: When to be content with what there is.
    """
    until = time.monotonic() + seconds
    changed = True
    while changed and time.monotonic() < until:
        changed = False
        for candidates in (_fewer, _simpler):
            found = True
            while found and time.monotonic() < until:
                found = False
                for candidate in candidates(operations):
                    if time.monotonic() > until:
                        break
                    if fails(candidate):
                        operations, found, changed = candidate, True, True
                        break
    return operations


def _fewer(operations: list[Operation]) -> Iterator[list[Operation]]:
    length = len(operations) // 2
    while length:
        for start in range(len(operations) - length, 1, -length):
            yield operations[:start] + operations[start + length :]
        length //= 2


def _simpler(operations: list[Operation]) -> Iterator[list[Operation]]:
    """Each argument left out in turn, each recipe made smaller, each setting as by default."""
    for place in range(len(operations) - 1, -1, -1):
        for changed in _without_one(operations[place]):
            yield [*operations[:place], changed, *operations[place + 1 :]]


def _without_one(value: Any) -> Iterator[Any]:
    if _is_recipe(value):
        yield from smaller(value)
    if isinstance(value, dict):
        for key in value:
            if key not in {"do", "policy", "clients", "request", "cache_bytes", "attempts"}:
                yield {name: one for name, one in value.items() if name != key}
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            for inner in _without_one(value[key]):
                changed = copy.copy(value)
                changed[key] = inner
                yield changed


def _is_recipe(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], str)
        and value[0] in _RECIPES
    )
