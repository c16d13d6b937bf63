"""What a process remembers from one client to the next, by store: a warm Lambda's gain."""

from __future__ import annotations

from functools import cache, lru_cache

from statebag.sealing.bases import Bases
from statebag.sealing.known import Known
from statebag.store.cache import BlobCache

__all__ = ["bases", "forget", "known", "texts"]

_ROOTS = 32  # stores that a process remembers something of


@lru_cache(_ROOTS)
def known(url: str) -> Known:
    """What is stored below a root: what one client has verified serves the next."""
    del url
    return Known()


@lru_cache(_ROOTS)
def bases(url: str, max_bytes: int) -> Bases:
    """The latest values of the fields of states below a root."""
    del url
    return Bases(max_bytes)


@cache
def texts(max_bytes: int) -> BlobCache:
    """Verified texts of whatever store."""
    return BlobCache(max_bytes)


def forget() -> None:
    """Drop all of it; a client that exists keeps what it has."""
    for remembered in (known, bases, texts):
        remembered.cache_clear()
