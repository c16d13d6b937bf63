"""Share the processes that evaluate JSONata and patterns among all runs of this process."""

from __future__ import annotations

import atexit
import os

from statebag.local.expressions import Expressions

__all__ = ["expressions"]

_shared: dict[int, Expressions] = {}


def expressions() -> Expressions:
    """Return the evaluators of this process; a forked child gets its own."""
    own = os.getpid()
    if own not in _shared:
        _shared.clear()  # a forked child must not end the processes of its parent
        _shared[own] = Expressions()
        atexit.register(_close, own)
    return _shared[own]


def _close(process: int) -> None:
    if os.getpid() == process and process in _shared:
        _shared.pop(process).close()
