"""Refuse a Python value that holds the same parts in so many places that no call would end.

A JSON text has each part once. A value that Python code built can hold a list in which the same
list stands twice, and so on: 30 levels of it take 3 KB, and are a billion values for a reader.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from statebag.errors import LimitExceeded
from statebag.format.json_text import MAX_DEPTH

__all__ = ["check_shared_parts"]

# Values of a bag that holds some of them in several places. Chosen: a bag of an execution has far
# fewer, and an open of four times as many did not end in 100 s.
_MOST_VALUES = 4_000_000
# Containers of a level from which on they are compared. Chosen: usual bags have fewer, and 500 such
# levels end in seconds.
_MANY_CONTAINERS = 5_000
_MANY_MEMBERS = 50_000  # of the containers of a level. Chosen: as above


def check_shared_parts(value: Any) -> None:
    """Refuse a value that stands for millions of values because parts of it stand in many places.

    A value without such parts passes, however large or deep it is: its reader counts the levels.

    Args:
        value: Any value; only dicts and lists are looked into.

    Raises:
        LimitExceeded: It stands for more than 4,000,000 values, or holds itself.
    """
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        dicts = [one for one in level if isinstance(one, dict)]
        lists = [one for one in level if isinstance(one, list)]
        containers = len(dicts) + len(lists)
        if not containers:
            return
        members = sum(map(len, dicts)) + sum(map(len, lists))
        if containers > _MANY_CONTAINERS or members > _MANY_MEMBERS:
            several = len(set(map(id, dicts))) + len(set(map(id, lists)))
            if several < containers:
                break
        level = list(chain.from_iterable(map(dict.values, dicts)))
        level.extend(chain.from_iterable(lists))
    if _stands_for(value) > _MOST_VALUES:
        raise LimitExceeded(
            "the bag holds itself, or the same parts in so many places that it stands for more "
            f"than {_MOST_VALUES:,} values",
            hint="Store a part that is in many places once, and refer to it by a name.",
        )


def _stands_for(value: Any) -> float:
    """Return how many values there are if each part counts as often as it stands somewhere."""
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
