"""Forget what a process remembers, as if it were a new Lambda container."""

from __future__ import annotations

from statebag import default_client
from statebag.opening import absent_paths, process_memory

__all__ = ["forget"]


def forget() -> None:
    """Drop every cache of this process, so that a new `Statebag` starts cold."""
    process_memory.forget()
    absent_paths._say.cache_clear()  # noqa: SLF001  # this package's own
    default_client._of_environment.cache_clear()  # noqa: SLF001  # as below
    default_client._client.cache_clear()  # noqa: SLF001  # this package's own
