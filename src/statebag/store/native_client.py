"""Know whether a process may use the object storage client, which a fork breaks once it was used.

The client runs its requests in its own threads, which start with the first request and are one pool
for the whole process. A forked child does not have these threads and cannot start others, so every
request waits for ever, even through a new client (seen with obstore 0.12). A client that was made
before the fork, and had sent nothing, works in the child.

Nor may the child free a client that has sent requests: this closes its connections through the
lost threads, one of which may have held a lock when the process was forked. The child waited for
that lock for ever in one of fifty garbage collections that met such clients (with three threads
sending requests meanwhile). So a child never frees them, not even when it ends. The stream
of a listing would close them too if it were freed after its client, so `chunked_listing` keeps the
two together.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

__all__ = ["is_lost", "is_used", "note_client"]

_used_in: int | None = None  # the process whose requests began the client's threads
# By `id`, since obstore's clients have no hash.
_clients: WeakValueDictionary[int, Any] = WeakValueDictionary()
_never_freed: list[Any] = []
# While a process forks: other hooks run before the one here, and a garbage collection with them.
_forking: list[Any] = []

# Linux cuts a thread's name to 15 characters; what the client's runtime calls its threads.
_THREADS = b"tokio-"


def is_used() -> None:
    """Note that this process is about to send a request."""
    global _used_in  # noqa: PLW0603  # a fact of the whole process
    _used_in = _used_in or os.getpid()


def is_lost() -> bool:
    """Return whether a parent process started the client's threads, so that requests hang here."""
    return _used_in is not None and _used_in != os.getpid()


def note_client(client: object) -> None:
    """Note a client that was made, so that no forked child frees it once it has sent requests."""
    _clients[id(client)] = client


def _before_fork() -> None:
    """Hold all clients; note the client's threads even if another library started them."""
    _forking.extend(_clients.values())
    if _used_in is None and sys.platform == "linux":
        # Without pathlib, which would be loaded for this alone: 4 ms of CPU.
        for thread in os.listdir("/proc/self/task"):  # noqa: PTH208
            # Another thread may end meanwhile.
            with suppress(OSError), open(f"/proc/self/task/{thread}/comm", "rb") as name:  # noqa: PTH123
                if name.read().startswith(_THREADS):
                    is_used()
                    return


def _in_parent() -> None:
    _forking.clear()


def _in_child() -> None:
    """Keep all inherited clients; those that only the next garbage collection would free, too."""
    if is_lost() and (inherited := list(_clients.values())):
        _clients.clear()
        _never_freed.extend(inherited)
        # The list itself is freed when the interpreter ends, so each has one reference too many.
        with suppress(ImportError):  # some builds of Python have no ctypes
            import ctypes  # noqa: PLC0415 (slow to import)

            for client in inherited:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(client))
    _forking.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
