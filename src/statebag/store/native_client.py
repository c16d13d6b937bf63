"""Know whether a process may use the object storage client, which a fork breaks once it was used.

The client runs its requests in its own threads, which start with the first request and are one pool
for the whole process. A forked child does not have these threads and cannot start others, so every
request waits for ever, even through a new client (seen with obstore 0.12). A client that was made
before the fork, and had sent nothing, works in the child.
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
    """Note that this process is about to send a request."""
    global _used_in  # noqa: PLW0603  # a fact of the whole process
    _used_in = _used_in or os.getpid()


def is_lost() -> bool:
    """Return whether a parent process started the client's threads, so that requests hang here."""
    return _used_in is not None and _used_in != os.getpid()


def keep(client: object) -> None:
    """Keep an inherited client unused until the process ends."""
    if client is not None:
        _kept.append(client)


def _before_fork() -> None:
    """Note the client's threads even if another library started them."""
    if _used_in is None and sys.platform == "linux":
        for name in Path("/proc/self/task").glob("*/comm"):
            with suppress(OSError):  # that thread ended meanwhile
                if name.read_text().startswith(_THREADS):
                    is_used()
                    return


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)
