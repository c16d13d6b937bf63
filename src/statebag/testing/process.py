"""Forgetting what a process knows, as a new Lambda container does not know it."""

from __future__ import annotations

from statebag import default_client
from statebag.opening import process_memory

__all__ = ["forget"]


def forget() -> None:
    """Drop every cache of this process; a `Statebag` made after it starts cold."""
    process_memory.forget()
    default_client._of_environment.cache_clear()  # noqa: SLF001  # as below
    default_client._client.cache_clear()  # noqa: SLF001  # this package's own
