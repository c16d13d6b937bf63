"""Read what a Map's Comment says about its items: `statebag: at most 36 items of 500 bytes`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ToldItems", "told_items"]

_AT_MOST = re.compile(
    r"statebag:\s*at most (\d[\d,]{0,8}) items?\b(?: of (\d[\d,]{0,8}) bytes?\b)?"
)


class ToldItems(NamedTuple):
    """The items of a Map, as its Comment describes them.

    Attributes:
        most: The largest number of items.
        item_bytes: The largest number of bytes of one item; None if the Comment does not say.
    """

    most: int
    item_bytes: int | None


def told_items(state: Mapping[str, Any]) -> ToldItems | None:
    """Return what the Comment of a Map says about its items; None if it says nothing."""
    comment = state.get("Comment")
    told = _AT_MOST.search(comment) if isinstance(comment, str) else None
    if told is None:
        return None
    return ToldItems(_number(told[1]), _number(told[2]) if told[2] else None)


def _number(text: str) -> int:
    return int(text.replace(",", ""))
