"""Cutting a large array or object into pieces, at boundaries that the content decides.

Whether a piece ends after an item depends on that item alone (and on the least and largest
size), so that an insert moves one boundary and not all after it. The chance of a boundary
grows with the item's size, which makes the aimed size one of bytes, not of items.
"""

from __future__ import annotations

from zlib import crc32

__all__ = ["cut", "group", "sizes_of_pieces"]

_LEAST = 1 / 3
_LARGEST = 4
_CRC_RANGE = 1 << 32


def cut(items: list[bytes], aim: int) -> tuple[list[list[bytes]], list[bytes]]:
    """Runs of items that are pieces, and the items after the last boundary: the tail.

    Args:
        items: The texts of an array's items or an object's members.
        aim: Bytes that a piece should have on average; pieces are between a third of it and
            four times it, where single items allow.
    """
    least, largest = sizes_of_pieces(aim)
    pieces: list[list[bytes]] = []
    current: list[bytes] = []
    size = 0
    for item in items:
        length = len(item) + 1
        if current and size + length > largest:
            pieces.append(current)
            current, size = [], 0
        current.append(item)
        size += length
        if size >= least and (size >= largest or crc32(item) * aim < length * _CRC_RANGE):
            pieces.append(current)
            current, size = [], 0
    return pieces, current


def sizes_of_pieces(aim: int) -> tuple[int, int]:
    """The least and the largest bytes of a piece, where single items allow; its brackets apart."""
    return int(aim * _LEAST), aim * _LARGEST


def group(digests: list[str], fan_out: int = 32) -> list[int]:
    """How many of the given digests each index node lists, in order; decided by the digests.

    Nodes list `fan_out` on average, from a quarter to twice of it; the last one may list fewer.
    """
    least, most = fan_out // 4, 2 * fan_out
    sizes: list[int] = []
    size = 0
    for digest in digests:
        size += 1
        ends = int(digest[:8], 16) * (fan_out - least) < _CRC_RANGE
        if size == most or (size >= least and ends):
            sizes.append(size)
            size = 0
    return [*sizes, size] if size else sizes
