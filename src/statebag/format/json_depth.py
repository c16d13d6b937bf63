"""Limit how deep JSON may nest, in the same way on every interpreter.

Each version of CPython stops a decoder in C at a different depth: 3.11 at the recursion limit, less
the frames of the caller; 3.12 and 3.13 at some 10,000 levels; 3.14 at the end of the stack.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import threading
from functools import cache
from itertools import accumulate
from typing import Any

__all__ = [
    "MAX_DEPTH",
    "loads",
    "loads_leniently",
    "offset_beyond",
    "overflows",
    "text_is_deeper",
    "value_is_deeper",
]

MAX_DEPTH = 500
"""Arrays and objects within one another; the same limit at seal and at open. Chosen: below the 900
levels at which msgspec 0.20 overflowed a stack of 256 KiB, so that every Python reads what another
wrote."""

# Each takes the innermost pairs away. Chosen: few texts need more than six, the others are counted
# bracket by bracket.
_PASSES = 16
_TOKEN = rb'(?s)"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]'  # compiled with the first error
_NO_STRUCTURE = bytes(one for one in range(256) if one not in b'[]{}"')
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # 1 and, as a signed byte, -1
# Bytes of stack for a level. Measured: msgspec 0.20 overflowed a stack of 256 KiB below 900 levels.
_FRAME_BYTES = 400
_USUAL_STACK = 8 * 1024 * 1024  # bytes: what Linux gives a thread by default (`ulimit -s`)
_LEVELS_OF_C = 10_000  # Py_C_RECURSION_LIMIT of CPython 3.12 and 3.13


def text_is_deeper(data: bytes, levels: int = MAX_DEPTH) -> bool:
    """Return whether JSON text nests deeper than `levels`, without decoding it.

    It needs no stack, and the answer is exact for JSON. Of other text it is exact up to where a
    decoder would stop, since a backslash outside of a string is the first thing that could mislead
    it.
    """
    if data.count(b"[") + data.count(b"{") <= levels:
        return False
    if b"\\" in data:
        # A run of backslashes begins an escape, so pairs are found from the left.
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = data.translate(None, _NO_STRUCTURE)
    brackets = b"".join(structure.split(b'"')[::2])  # every other part is in a string
    left = brackets
    for taken in range(2, 2 * _PASSES + 2, 2):
        left = left.replace(b"[]", b"").replace(b"{}", b"")
        if len(left) + taken <= levels:
            return False
    steps = memoryview(brackets.translate(_STEPS)).cast("b")
    return max(accumulate(steps)) > levels


def value_is_deeper(value: Any, levels: int = MAX_DEPTH) -> bool:
    """Return whether a value, fresh from a JSON decoder, nests deeper than `levels`.

    It goes level by level through the lists of the garbage collector, in C, which takes a fifth of
    the time of decoding. The collector may not track an object that holds only scalars; such an
    object matters only at the last level.
    """
    level = [value] if gc.is_tracked(value) else []
    for _ in range(levels - 1):
        if not level:
            return False
        level = list(filter(gc.is_tracked, gc.get_referents(*level)))
    return any(isinstance(one, dict | list) for one in gc.get_referents(*level))


def offset_beyond(data: bytes, levels: int = MAX_DEPTH) -> int | None:
    """Return the offset of the bracket that opens one level too many; None if there is none."""
    depth = 0
    for token in re.finditer(_TOKEN, data):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            if depth > levels:
                return token.start()
        elif first in b"]}":
            depth -= 1
    return None


def loads(text: str | bytes, **options: Any) -> Any:
    """Decode text that a person or an engine wrote, as `json.loads`, with this library's limit.

    Args:
        text: JSON text; bytes must be UTF-8.
        options: As for `json.loads`.

    Raises:
        json.JSONDecodeError: It is not JSON, or nests deeper than `MAX_DEPTH`, with the place.
        UnicodeDecodeError: It is not UTF-8.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if text_is_deeper(data):
        offset = offset_beyond(data)
        if offset is not None:
            whole = text if isinstance(text, str) else data.decode()
            place = len(data[:offset].decode("utf-8", "surrogatepass"))
            message = f"arrays and objects nest deeper than {MAX_DEPTH} levels"
            raise json.JSONDecodeError(message, whole, place)
    try:
        return json.loads(text, **options)
    except RecursionError:
        message = "it nests deeper than what is left of Python's recursion limit"
        raise json.JSONDecodeError(message, "", 0) from None


def loads_leniently(text: bytes) -> Any:
    """Do the same with integers of any length, to find out why a text is refused.

    Raises:
        json.JSONDecodeError, UnicodeDecodeError: As for `loads`.
    """
    return loads(text, parse_int=_integer)


def _integer(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads: any number that is refused as such
        refused: int = 10 ** (len(digits) - 1)
        return refused


def overflows() -> bool:
    """Return whether a decoder in C could use up this thread's stack."""
    if sys.version_info >= (3, 14):
        return False  # it knows where a stack ends
    deepest = sys.getrecursionlimit() if sys.version_info < (3, 12) else _LEVELS_OF_C
    return deepest * _FRAME_BYTES > (threading.stack_size() or _default_stack())


@cache
def _default_stack() -> int:
    """Return the least size of a thread's stack in bytes, if no other one was set."""
    try:
        import resource  # noqa: PLC0415  # Windows has none

        size = resource.getrlimit(resource.RLIMIT_STACK)[0]
    except ImportError:
        return 1024 * 1024  # of a thread of Windows
    if sys.platform == "linux" and "CS_GNU_LIBC_VERSION" not in os.confstr_names:
        return 1024 * 1024  # musl gives less, CPython asks it for this
    if size == resource.RLIM_INFINITY:
        return 2 * 1024 * 1024  # what glibc takes for a thread then
    return min(size, _USUAL_STACK)
