"""Forgetting what a process knows, as a new Lambda container does not know it."""

from __future__ import annotations

from statebag import client, default_client

__all__ = ["forget"]


def forget() -> None:
    """Drop every cache of this process; a `Statebag` made after it starts cold."""
    client._known.cache_clear()  # noqa: SLF001  # this package's own
    client._bases.cache_clear()  # noqa: SLF001
    client._cache.cache_clear()  # noqa: SLF001
    default_client._client.cache_clear()  # noqa: SLF001
