"""Bytes of packs that are read at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.format.stub import Extent

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["WORTH_READING_OVER", "joined"]

WORTH_READING_OVER = 32 * 1024
"""Bytes between two frames that are read together with them. Chosen: they cost less than one more
request; not measured."""


def joined(extents: Iterable[Extent]) -> list[Extent]:
    """Extents that lie close together as one, by pack and offset."""
    result: list[Extent] = []
    for one in sorted(extents, key=lambda one: (one.at, one.offset)):
        last = result[-1] if result else None
        end = last.offset + last.length if last else 0
        if last and last.at == one.at and one.offset - end <= WORTH_READING_OVER:
            length = max(end, one.offset + one.length) - last.offset
            result[-1] = Extent(one.at, last.offset, length)
        else:
            result.append(one)
    return result
