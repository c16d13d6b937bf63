"""Estimate the memory of the values of a JSON text before it is decoded.

The size of the text is not enough: 60 MB of `{},{},{}` become 1.4 GB, and 60 MB of one string stay
60 MB.
"""

from __future__ import annotations

import re

from statebag.errors import LimitExceeded
from statebag.process.memory_limit import OPENED_SHARE, default_max_open_bytes

__all__ = ["LIGHT", "OpenedValues", "check_memory", "memory_taken"]

# Bytes for each mark of the text, fitted to the growth of a process (64-bit CPython 3.11, msgspec
# 0.20) that decodes 2,000,000 values of one kind. Measured for each `{}` 72 bytes, `[]` 72, `[1]`
# 104, `{"a":1}` 201, an object of six fields 282, an integer above 256 or a float 40, a string of
# one to ten characters 72 to 103, an unknown name 100. The sum is 0.6 to 1.7 times what is
# measured.
_OBJECT, _ARRAY, _ITEM, _QUOTE = 130, 56, 36, 8
_SHARED_SCALAR = 8  # a place in an array, for a number to 99, true, false or null (measured)
_EMPTY = _ITEM  # an empty object, without its place in an array
_HEAVIEST = 58  # bytes of memory for a byte of text (measured): an array in an array in an array
# Bytes of memory for a byte of text. Chosen: four times the heaviest that usual states were
# measured to take.
_UNSEEN = 120

LIGHT = 1_000_000
"""Bytes of a text below which nothing is estimated. Chosen: the heaviest text of this size takes 58
MB, and no limit is below 128 MiB (8 times 16 MiB)."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)


def check_memory(text: bytes | memoryview, where: str | None = None) -> None:
    """Refuse to decode a text whose values would take more memory than this process may use.

    Args:
        text: JSON text.
        where: The object that it is from, for the error.

    Raises:
        LimitExceeded: They would.
    """
    if len(text) < LIGHT:
        return
    limit = _default_limit()
    if len(text) * _HEAVIEST <= limit:
        return
    data = bytes(text)
    taken = memory_taken(data, limit)
    if taken > limit:
        raise LimitExceeded(
            f"the values of {len(data)} bytes of JSON would take about {taken} bytes of memory; "
            f"the limit is {limit}",
            object_name=where,
            hint="Read less of it at once, or give this process more memory.",
        )


class OpenedValues:
    """Add up the memory that the values of one open take.

    Args:
        max_open_bytes: The policy's limit. Values may take 8 times as much, or as much as this
            process may use if that is more.
    """

    def __init__(self, max_open_bytes: int) -> None:
        self._max_open_bytes = max_open_bytes
        self._text = 0
        self._taken = 0

    def reckon(self, text: bytes, where: str | None = None) -> None:
        """Add the values of one more text, before it is decoded.

        Args:
            text: JSON text.
            where: The object that it is from, for the error.

        Raises:
            LimitExceeded: All values together would take more than they may.
        """
        self._text += len(text)
        if self._text < LIGHT:
            return
        limit = max(OPENED_SHARE * self._max_open_bytes, _default_limit())
        # Not worth a look while the texts are few: a look costs a fifth of what decoding does.
        if self._text * _UNSEEN <= limit:
            return
        self._taken += memory_taken(text, limit - self._taken)
        if self._taken > limit:
            raise LimitExceeded(
                f"the opened values would take about {self._taken} bytes of memory; "
                f"the limit is {limit}",
                object_name=where,
                hint="Open less with only=, give this process more memory, or raise "
                "Policy.max_open_bytes (STATEBAG_MAX_OPEN_BYTES) above an eighth of that.",
            )


def _default_limit() -> int:
    return default_max_open_bytes() * OPENED_SHARE


def memory_taken(text: bytes, limit: int) -> int:
    """Return the bytes of memory that a text's values take.

    Args:
        text: JSON text.
        limit: Above it, a second, slower count leaves out marks in strings, and scalars that the
            interpreter shares.
    """
    quotes = text.count(b'"')
    taken = len(text) + _marks(text) + _QUOTE * quotes
    if taken <= limit:
        return taken
    bare = _STRING.sub(b'"', text)  # one mark for each string
    taken = len(text) + _marks(bare) + 2 * _QUOTE * bare.count(b'"')
    taken -= (_OBJECT - _EMPTY) * bare.count(b"{}")
    same = bare.translate(_DIGITS)
    shared = sum(same.count(b"," + one) for one in (b"0", b"t", b"f", b"n"))
    shared -= sum(same.count(b"," + one) for one in (b"000", b"0.", b"00.", b"0e", b"0E"))
    return taken - max(0, shared) * (_ITEM - _SHARED_SCALAR)


def _marks(text: bytes) -> int:
    return _OBJECT * text.count(b"{") + _ARRAY * text.count(b"[") + _ITEM * text.count(b",")
