"""List objects chunk by chunk, with a time limit for each chunk and no object twice.

The client requests page after page until it has a whole chunk. If a server returns empty pages that
always name another one, the client never stops. So each chunk has a time limit, at which the
requests really end: the client ends them if a coroutine is cancelled, but not if a waiting thread
gives up.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import obstore

from statebag.errors import StoreUnavailable
from statebag.store.bounded import remaining_seconds
from statebag.store.retrying import deadline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from obstore import ObjectMeta

    _Chunk = Sequence[ObjectMeta]

__all__ = ["listed_chunks"]

_CHUNK = 1000  # objects: a page of S3 (API Reference, ListObjectsV2) and of GCS
# Chosen: three times what one request may take. Pages may be short, but not without end.
_LONGEST_SECONDS = 60.0

_HINT = (
    "The server's listings cannot be relied on: check the endpoint, and proxies on the way to it."
)


def listed_chunks(
    client: Callable[[], Any],
    prefix: str,
    request: Callable[[Callable[[], _Chunk | None]], _Chunk | None],
    *,
    url: str,
    in_order: bool,
) -> Iterator[_Chunk]:
    """Yield the chunks of a listing below a prefix, with each object once.

    Args:
        client: Returns the client, which may have been replaced.
        prefix: The prefix; empty for everything.
        request: Calls the client within the deadline, with typed errors; a second time if the
            reason for a refusal was removed.
        url: The store's address, for messages.
        in_order: Whether the server lists objects in the order of their names.

    Raises:
        StoreUnavailable: A chunk took more than 60 s, the server listed an object twice, or the
            listing began before a fork.
    """
    stream: _Stream | None = None
    is_begun = False

    def advance() -> _Chunk | None:
        nonlocal stream
        if stream is None:
            if is_begun:
                raise StoreUnavailable(f"the listing of {url} broke off", hint="List again.")
            stream = _Stream(client(), prefix)
        try:
            return _next(stream)
        except BaseException:
            stream = None  # used again, it would seem to be at its end
            raise

    begun_in = os.getpid()
    earlier = _InOrder() if in_order else _InAnyOrder()
    while True:
        if begun_in != os.getpid():
            raise StoreUnavailable(
                f"the listing of {url} began in the parent process, before a fork",
                hint="Begin it again in the process that uses it.",
            )
        # Around one call, not a yield, so that the caller's own time does not count.
        with deadline(_LONGEST_SECONDS):
            chunk = request(advance)
        is_begun = True
        if chunk is None:
            return
        if not chunk:
            continue
        fresh = [meta for meta in chunk if earlier.is_new(meta["path"])]
        if earlier.is_broken or not fresh:
            raise StoreUnavailable(
                f"{url} did not list its objects: a page repeats objects of an earlier page",
                hint=_HINT,
            )
        yield fresh


class _Stream:
    """The client's stream of chunks, and the client.

    The stream keeps the client's connections, and closes them if it is freed after the client. A
    forked child must not close them (`native_client`). So this object keeps the two together, also
    in tracebacks and in the cycles that asyncio leaves to the garbage collector.

    Args:
        client: The client.
        prefix: The prefix; empty for everything.
    """

    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._chunks: Any = obstore.list(client, prefix or None, chunk_size=_CHUNK)

    def next_chunk(self) -> Awaitable[_Chunk]:
        """Return what gives the next chunk, or raises StopAsyncIteration."""
        following: Awaitable[_Chunk] = anext(self._chunks)
        return following


def _next(stream: _Stream) -> _Chunk | None:
    """Return the next chunk, or None at the end; no request continues after the deadline."""
    import asyncio  # noqa: PLC0415  # slow to load, and only a listing needs it

    seconds = remaining_seconds() or 0.0  # there is a deadline, and 0 is one that has passed

    async def one() -> _Chunk | None:
        try:
            # A little earlier than the caller's limit, whose error would say less.
            chunk: _Chunk = await asyncio.wait_for(
                stream.next_chunk(), seconds - min(seconds / 10, 0.1)
            )
        except StopAsyncIteration:
            return None
        except TimeoutError:
            raise StoreUnavailable(
                "the next page of the listing did not arrive before the deadline", hint=_HINT
            ) from None
        return chunk

    return asyncio.run(one())


class _InOrder:
    """Check that names only increase."""

    def __init__(self) -> None:
        self._last: str | None = None
        self.is_broken = False

    def is_new(self, name: str) -> bool:
        if self._last is not None and name <= self._last:
            # A name comes twice if a page begins with the end of the last one.
            self.is_broken |= name != self._last
            return False
        self._last = name
        return True


class _InAnyOrder:
    """Check that each name comes once. The caller holds all names too, to sort them."""

    is_broken = False

    def __init__(self) -> None:
        self._names: set[str] = set()

    def is_new(self, name: str) -> bool:
        if name in self._names:
            return False
        self._names.add(name)
        return True
