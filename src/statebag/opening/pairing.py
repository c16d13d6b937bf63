"""Decide which items of two arrays to compare, for opened values and for bags."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["pairs_of_items"]

_Item = TypeVar("_Item")


def pairs_of_items(
    one: Sequence[_Item],
    two: Sequence[_Item],
    is_same: Callable[[_Item, _Item], bool],
    absent: _Item,
) -> Iterator[tuple[int, _Item, _Item]]:
    """Yield the items at the same place of two arrays, without the equal ones at both ends.

    Args:
        one: The items before.
        two: The items afterwards.
        is_same: Returns whether two items are certainly equal.
        absent: Stands for the item that the shorter array lacks.

    Yields:
        The place, and the items before and afterwards.
    """
    head = 0
    while head < min(len(one), len(two)) and is_same(one[head], two[head]):
        head += 1
    tail = 0
    if len(one) != len(two):
        most = min(len(one), len(two)) - head
        while tail < most and is_same(one[-1 - tail], two[-1 - tail]):
            tail += 1
    left, right = one[head : len(one) - tail], two[head : len(two) - tail]
    for n in range(max(len(left), len(right))):
        yield (
            head + n,
            left[n] if n < len(left) else absent,
            right[n] if n < len(right) else absent,
        )
