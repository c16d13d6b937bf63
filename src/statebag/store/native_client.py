"""Whether this process may use the object storage client: not after a parent used it and forked.

The client runs its requests by threads of its own, which begin with the first request and are one
pool for the whole process. A forked child has none of them, and cannot start others: every
request of it waits for ever, also one through a new client (seen with
obstore 0.12). A client that was made before the fork, and had sent nothing, works in the child.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["is_lost", "is_used", "keep"]

_used_in: int | None = None  # the process whose requests began the client's threads
_kept: list[Any] = []

# Linux cuts a thread's name to 15 characters; what the client's runtime calls its threads.
_THREADS = "tokio-"


def is_used() -> None:
    """Take note that a request is about to be sent from this process."""
    global _used_in  # noqa: PLW0603  # a fact of the whole process
    _used_in = _used_in or os.getpid()


def is_lost() -> bool:
    """Whether the client's threads began in a parent process, so that requests cannot end here."""
    return _used_in is not None and _used_in != os.getpid()


def keep(client: object) -> None:
    """Hold an inherited client until the process ends, unused."""
    if client is not None:
        _kept.append(client)


def _before_fork() -> None:
    """Also see threads that another user of the client's package began, without this library."""
    if _used_in is None and sys.platform == "linux":
        for name in Path("/proc/self/task").glob("*/comm"):
            with suppress(OSError):  # that thread ended meanwhile
                if name.read_text().startswith(_THREADS):
                    is_used()
                    return


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
