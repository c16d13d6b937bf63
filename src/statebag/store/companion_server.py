"""Run as the other process after a fork: send requests to object storage for the process that asks.

`python -m statebag.store.companion_server` reads requests from standard input, and writes answers
to standard output.
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.environment import store_settings
from statebag.errors import StatebagError, StoreUnavailable
from statebag.process.forking import Workers
from statebag.process.recent import Recent
from statebag.store.companion_messages import Info, Reply, Request, Variables, receive, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.store.contract import ObjectInfo

__all__ = ["serve"]

_AT_ONCE = 64  # requests. Chosen: twice the packs that one open reads side by side
_PAGE = 1000  # objects of a listing in one frame. Chosen: as many as S3 gives on a page
# Chosen: each has its own connections, and a process that renews credentials leaves older ones.
_MOST_STORES = 32
_MOST_LISTINGS = 256  # chosen: most of them were given up, and nobody says so


def serve() -> None:
    """Run as the other process: answer the requests on standard input until it ends."""
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what anything prints must not get between the answers
    room = _Room()
    writing = Lock()

    def tell(reply: Reply) -> None:
        # The reader is gone if this fails, and the loop below ends as well.
        with suppress(OSError), writing:
            send(answers, reply)

    def answer(request: Request) -> None:
        tell(room.answered(request))

    send(answers, Reply(0))
    decoder = msgspec.msgpack.Decoder(Request)
    workers = Workers(_AT_ONCE, "statebag-answer")
    while (frame := receive(requests)) is not None:
        request = decoder.decode(frame)
        if request.method == "there":
            tell(Reply(request.number))
        else:
            workers.submit(answer, request)
    os._exit(0)  # nobody waits for unfinished requests


class _Room:
    """The stores in use, and the unfinished listings."""

    def __init__(self) -> None:
        self._stores: Recent[bytes, Any] = Recent(_MOST_STORES)
        self._listings: Recent[int, Iterator[ObjectInfo]] = Recent(_MOST_LISTINGS)
        self._lock = Lock()

    def answered(self, request: Request) -> Reply:
        """Return the answer to one request, which may be an error."""
        is_busy = False
        from statebag.store.retrying import deadline  # noqa: PLC0415  # for this side alone

        try:
            seconds = float("inf") if request.seconds is None else request.seconds
            with deadline(seconds):
                return self._called(request)
        except StatebagError as error:
            told = (type(error).__name__, error.message, error.path, error.object_name, error.hint)
            is_busy = getattr(error, "is_busy", False)
        except Exception as error:  # noqa: BLE001  # whatever it is, its text stays here
            message = f"object storage was not reached ({type(error).__name__})"
            told = ("StoreUnavailable", message, None, request.name or None, None)
        return Reply(request.number, error=told, is_busy=is_busy)

    def _called(self, request: Request) -> Reply:
        number, name = request.number, request.name
        if request.method == "more":
            return self._page(number, request.listing)
        store = self._store(request)
        if request.method == "put":
            store.put(name, request.data)
            return Reply(number)
        if request.method == "put_if":
            return Reply(number, [store.put_if(name, request.data, request.version).encode()])
        if request.method == "get_version":
            data, version = store.get_version(name)
            return Reply(number, [data, version.encode()])
        if request.method == "get":
            return Reply(number, [store.get(name)])
        if request.method == "get_ranges":
            return Reply(number, store.get_ranges(name, request.spans))
        if request.method == "head":
            info = store.head(name)
            return Reply(number, infos=[] if info is None else [_told(info)])
        if request.method == "list":
            with self._lock:
                self._listings.put(number, iter(store.list(name)))
            return self._page(number, number)
        store.delete(name)
        return Reply(number)

    def _store(self, request: Request) -> Any:
        from statebag.store.object_storage import ObjectStorage  # noqa: PLC0415  # it imports this

        key = msgspec.msgpack.encode(
            (request.url, sorted(request.options.items()), sorted(request.variables))
        )
        # Held while the client is made, which reads the environment of the whole process.
        with self._lock:
            store = self._stores.get(key)
            if store is None:
                _set_environment(request.variables)
                store = ObjectStorage(request.url, options=request.options)
                self._stores.put(key, store)
            return store

    def _page(self, number: int, listing: int) -> Reply:
        with self._lock:
            found = self._listings.peek(listing)
        if found is None:  # not an end, which would look as if there were no more objects
            raise StoreUnavailable(
                "the helper process no longer has this listing", hint="List again."
            )
        try:
            infos = [_told(info) for _, info in zip(range(_PAGE), found, strict=False)]
        except BaseException:
            self._listings.pop(listing)
            raise
        if not infos:
            self._listings.pop(listing)
        return Reply(number, infos=infos)


def _set_environment(variables: Variables) -> None:
    """Set the variables with which the store was made, and remove others that decide its server."""
    kept = {os.fsdecode(name): os.fsdecode(value) for name, value in variables}
    for name, _ in store_settings():
        if name not in kept:
            del os.environ[name]
    os.environ.update(kept)


def _told(info: ObjectInfo) -> Info:
    return Info(info.name, info.size, info.modified)


if __name__ == "__main__":
    serve()
