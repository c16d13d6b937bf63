"""How much work a call is, counted: a count is the same on a slow machine and under coverage."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def calls_of(function: Callable[[], Any], *, most: int = 50_000_000) -> int:
    """Call it, and return how many functions, of Python and of C, were called in this thread.

    What calls more than `most` is ended there, so that a test of what never ends does end.
    """
    count = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        if event in {"call", "c_call"}:
            count += 1
            if count > most:
                raise AssertionError(f"more than {most:,} calls")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count
