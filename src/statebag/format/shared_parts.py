"""Refuse a Python value that holds the same parts in so many places that no call would end.

A JSON text has each part once. A value that Python code built can hold one list twice, which holds
another list twice, and so on: 30 such levels take 3 KB, and are a billion values for a reader.
"""

from __future__ import annotations

from typing import Any

from statebag.errors import LimitExceeded

__all__ = ["check_shared_parts"]

# Values of a bag that holds some of them in several places. Chosen: a bag of an execution has far
# fewer, and an open of four times as many did not end in 100 s.
_MOST_VALUES = 4_000_000


def check_shared_parts(value: Any) -> None:
    """Refuse a value that stands for millions of values because its parts occur in many places.

    `format.bag_text.check_parts` calls it only if a value may be one of these.

    Args:
        value: A dict or a list.

    Raises:
        LimitExceeded: It stands for more than 4,000,000 values, or holds itself.
    """
    if _stands_for(value) > _MOST_VALUES:
        raise LimitExceeded(
            "the bag holds itself, or the same parts in so many places that it stands for more "
            f"than {_MOST_VALUES:,} values",
            hint="Store a part that is in many places once, and refer to it by a name.",
        )


def _stands_for(value: Any) -> float:
    """Return how many values there are if each part is counted as often as it occurs."""
    # Of each container, by its id, the inner ones first; without end if it holds itself.
    counted: dict[int, float] = {}
    pending: list[tuple[Any, bool]] = [(value, False)]
    while pending:
        one, has_inner = pending.pop()
        if id(one) in counted and not has_inner:
            continue
        members = list(one.values()) if isinstance(one, dict) else one
        inner = [member for member in members if isinstance(member, dict | list)]
        if has_inner:
            counted[id(one)] = float(len(members)) + sum([counted[id(each)] for each in inner])
        else:
            counted[id(one)] = float("inf")  # until it is known
            pending.append((one, True))
            pending.extend((member, False) for member in inner)
    return counted[id(value)]
