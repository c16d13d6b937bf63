"""Listing objects a chunk at a time: no chunk may take for ever, and none may come twice.

The client asks for page after page until it has a whole chunk. Pages without objects that always
name another page never give one, and the client neither stops nor tells. So each chunk has a
bound in time, at which the requests really end: the client ends them for a coroutine that is
cancelled, but not for a thread that waits.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import obstore

from statebag.errors import StoreUnavailable
from statebag.store.bounded import remaining_seconds
from statebag.store.retrying import deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from obstore import ObjectMeta

    _Chunk = Sequence[ObjectMeta]

__all__ = ["listed_chunks"]

_CHUNK = 1000  # objects: a page of S3 (API Reference, ListObjectsV2) and of GCS
# Chosen: three times what one request may take. Pages may be short, but not without end.
_LONGEST_SECONDS = 60.0

_HINT = "The server's listings cannot be relied on: check the endpoint and what is between."


def listed_chunks(
    client: Callable[[], Any],
    prefix: str,
    request: Callable[[Callable[[], _Chunk | None]], _Chunk | None],
    *,
    url: str,
    in_order: bool,
) -> Iterator[_Chunk]:
    """What a client lists below a prefix, each object once.

    Args:
        client: Gives the client; another one, if it was made again.
        prefix: Where to; empty for everything.
        request: Makes a call of the client, within the deadline and with typed errors; perhaps
            twice, if the reason of a refusal was removed.
        url: The store's, for messages.
        in_order: Whether the server lists by name.

    Raises:
        StoreUnavailable: A chunk took more than 60 s; the listing came to objects that it had
            given before; or it was begun before a fork.
    """
    stream: Any = None
    is_begun = False

    def advance() -> _Chunk | None:
        nonlocal stream
        if stream is None:
            if is_begun:
                raise StoreUnavailable(f"the listing of {url} broke off", hint="List again.")
            stream = obstore.list(client(), prefix or None, chunk_size=_CHUNK)
        try:
            return _next(stream)
        except BaseException:
            stream = None  # asked again, it would look as if it were at its end
            raise

    begun_in = os.getpid()
    earlier = _InOrder() if in_order else _InAnyOrder()
    while True:
        if begun_in != os.getpid():
            raise StoreUnavailable(
                f"the listing of {url} began in the parent process, before a fork",
                hint="Begin it again in the process that uses it.",
            )
        # Around one call, not a yield: the time of whoever takes the objects does not count.
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


def _next(stream: Any) -> _Chunk | None:
    """The next chunk, or None at the end; after the deadline no request goes on."""
    import asyncio  # noqa: PLC0415  # slow to load, and only a listing needs it

    seconds = remaining_seconds() or 0.0  # there is a deadline, and 0 is one that has passed

    async def one() -> _Chunk | None:
        try:
            # A little earlier than whoever waits for this, who knows less of what was waited for.
            chunk: _Chunk = await asyncio.wait_for(anext(stream), seconds - min(seconds / 10, 0.1))
        except StopAsyncIteration:
            return None
        except TimeoutError:
            raise StoreUnavailable(
                "the next page of the listing did not arrive before the deadline", hint=_HINT
            ) from None
        return chunk

    return asyncio.run(one())


class _InOrder:
    """Names that only go up."""

    def __init__(self) -> None:
        self._last: str | None = None
        self.is_broken = False

    def is_new(self, name: str) -> bool:
        if self._last is not None and name <= self._last:
            # One name twice is a page that begins with the last one's end.
            self.is_broken |= name != self._last
            return False
        self._last = name
        return True


class _InAnyOrder:
    """Names that come once; the caller holds them all as well, to sort them."""

    is_broken = False

    def __init__(self) -> None:
        self._names: set[str] = set()

    def is_new(self, name: str) -> bool:
        if name in self._names:
            return False
        self._names.add(name)
        return True
