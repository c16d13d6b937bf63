"""Object storage for a forked process, whose requests another process sends.

The object storage client does not survive a fork (see `native_client`). So the first request of a
forked process starts a fresh Python, which has nothing of the parent's, and speaks with it over
its standard input and output, in frames of MessagePack with their length before them. The other
process ends when this one closes its pipe, at the latest by ending itself.
"""

from __future__ import annotations

import atexit
import os
import select
import sys
from contextlib import suppress
from datetime import datetime  # a field's type
from itertools import count
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO, TypeGuard

import msgspec

from statebag import errors
from statebag.environment import store_settings
from statebag.errors import ConfigurationError, StatebagError, StoreUnavailable
from statebag.process.forking import Workers
from statebag.process.recent import Recent
from statebag.store.bounded import remaining_seconds
from statebag.store.contract import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from subprocess import Popen

__all__ = ["Companion", "serve"]

# Chosen: a fresh Python with this library takes 0.2 s on an idle machine (measured).
_START_SECONDS = 15.0
_AT_ONCE = 64  # requests. Chosen: twice the packs that one open reads side by side
_PAGE = 1000  # objects of a listing in one frame. Chosen: as many as S3 gives on a page
_LENGTH_BYTES = 8  # of a frame. Chosen: any size that memory holds
# Chosen: what the other process needs to find the deadline itself, and to say so.
_GRACE_SECONDS = 0.1
# A companion that answers nothing for so long is asked whether it is there. Chosen: most requests
# are answered sooner.
_SILENT_SECONDS = 10.0
# One that does not answer that, or takes no request, was stopped. Chosen: the answer takes 0.1 ms
# (measured), in a thread that does nothing else.
_THERE_SECONDS = 5.0
_TWO_TRIES_SECONDS = 2.0  # chosen: in less, no other companion would be started and answer
# Chosen for a busy machine: to end a companion that is only slow costs every request on it.
_LEAST_SECONDS = 0.25
# Seconds. Chosen: longer than any run; the deadline of a handler without a context is infinite.
_NO_BOUND = 1e6
# Chosen: each has its own connections, and a process that renews credentials leaves older ones.
_MOST_STORES = 32
_MOST_LISTINGS = 256  # chosen: most of them were given up, and nobody says so

_HINT = (
    "Start worker processes with multiprocessing's 'spawn' or 'forkserver', or send no request "
    "before the fork."
)


# Bytes, since a variable need not be valid text.
_Variables = list[tuple[bytes, bytes]]


class _Request(msgspec.Struct, array_like=True):
    """One call of a store's method.

    Attributes:
        number: The number that the answer repeats.
        url: The store's address.
        options: The store's options.
        variables: The variables, at the time when the store was made, that decide its server and
            credentials.
        method: `put`, `put_if`, `get`, `get_version`, `get_ranges`, `head`, `list`, `more`,
            `delete`, or `there`, which is answered at once.
        name: The object's, or a listing's prefix.
        data: The bytes of a put.
        spans: The spans of a range read.
        seconds: The time until the deadline; None if there is none.
        version: The version for `put_if`.
        listing: For `more`: the number of the request that began the listing.
    """

    number: int
    url: str
    options: dict[str, str]
    variables: _Variables
    method: str
    name: str
    data: bytes = b""
    spans: list[tuple[int, int]] = []
    seconds: float | None = None
    listing: int = 0
    version: str | None = None


class _Info(msgspec.Struct, array_like=True):
    name: str
    size: int
    modified: datetime


class _Answer(msgspec.Struct, array_like=True):
    """The result of a call, or its error."""

    number: int
    parts: list[bytes] = []
    infos: list[_Info] = []
    error: tuple[str, str, str | None, str | None, str | None] | None = None
    is_busy: bool = False


class Companion:
    """The store at an address, reached through this process's companion.

    Args:
        url: The store's address.
        options: As for `ObjectStorage`.
        variables: The environment's `store_settings` when the store was made.
    """

    def __init__(self, url: str, options: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self._url = url
        self._options = dict(options)
        self._variables = [(os.fsencode(name), os.fsencode(variables[name])) for name in variables]

    @property
    def url(self) -> str:
        """The store's address."""
        return self._url

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object."""
        self._ask("put", name, data=data)

    def get(self, name: str) -> bytes:
        """Return all bytes of an object."""
        return self._ask("get", name).parts[0]

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object, and their version."""
        data, version = self._ask("get_version", name).parts
        return data, version.decode()

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object, if its version is this one."""
        return self._ask("put_if", name, data=data, version=version).parts[0].decode()

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`."""
        return self._ask("get_ranges", name, spans=list(spans)).parts

    def head(self, name: str) -> ObjectInfo | None:
        """Return the size and time of an object, or None."""
        return next(_infos(self._ask("head", name)), None)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects at and below a prefix, by name."""
        # One process for the whole listing, since only that one knows it.
        process = _process()
        answer = self._ask("list", prefix, process=process)
        listing = answer.number
        while answer.infos:
            yield from _infos(answer)
            answer = self._ask("more", prefix, process=process, listing=listing)

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._ask("delete", name)

    def _ask(
        self, method: str, name: str, *, process: _Process | None = None, **more: Any
    ) -> _Answer:
        process = process or _process()
        answer = process.ask(
            _Request(
                process.next_number(),
                self._url,
                self._options,
                self._variables,
                method,
                name,
                seconds=remaining_seconds(),
                **more,
            )
        )
        if answer.error is not None:
            kind, message, path, object_name, hint = answer.error
            told = getattr(errors, kind)(message, path=path, object_name=object_name, hint=hint)
            if answer.is_busy:
                told.is_busy = True
            raise told
        return answer


def _infos(answer: _Answer) -> Iterator[ObjectInfo]:
    for info in answer.infos:
        yield ObjectInfo(info.name, info.size, info.modified)


class _Process:
    """The handle of the other process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.is_over = False
        # Whether it missed a deadline, at which it should have sent an error itself.
        self.is_doubted = False
        self._numbers = count(1)
        self._writing = Lock()
        self._waiting: dict[int, SimpleQueue[_Answer | None]] = {}
        self._popen, self._input, self._output = _started()
        # A pipe that nobody empties must not hold the writer.
        os.set_blocking(self._input.fileno(), False)
        hello: SimpleQueue[_Answer | None] = SimpleQueue()
        self._waiting[0] = hello
        Thread(target=self._read, name="statebag-companion", daemon=True).start()
        remaining = remaining_seconds()
        longest = _START_SECONDS if remaining is None else min(remaining, _START_SECONDS)
        try:
            ready = hello.get(timeout=max(longest, 0))
        except Empty:
            self.kill()
            self.end()
            raise StoreUnavailable(
                f"the helper process for object storage after a fork did not start within "
                f"{longest:.1f} s",
                hint=_HINT,
            ) from None
        if ready is None:
            self.end()
            raise _not_started("it ended at once")

    def next_number(self) -> int:
        """Return the number of the next request."""
        return next(self._numbers)

    def ask(self, request: _Request) -> _Answer:
        """Send a request and wait for its answer.

        Raises:
            StoreUnavailable: The other process has ended or was stopped, or the deadline passed.
        """
        seconds = request.seconds
        until = None
        if seconds is not None and seconds < _NO_BOUND:
            until = monotonic() + max(seconds, 0) + _GRACE_SECONDS
        inbox: SimpleQueue[_Answer | None] = SimpleQueue()
        self._waiting[request.number] = inbox
        try:
            if self.pid != os.getpid() or self.is_over or not self._sent(request, until):
                raise _gone()
            while True:
                left = None if until is None else until - monotonic()
                wait = _patience(left)
                with suppress(Empty):
                    answer = inbox.get(timeout=max(wait, 0))
                    break
                if wait == left:
                    self.is_doubted = True
                    raise _too_late(request)
                if not self.is_there():
                    raise _gone()
        finally:
            self._waiting.pop(request.number, None)
        if answer is None:
            raise _gone()
        return answer

    def is_there(self) -> bool:
        """Return whether the other process answers; end it if it does not.

        Raises:
            StoreUnavailable: The deadline leaves too little time to know.
        """
        remaining = remaining_seconds()
        longest = _THERE_SECONDS
        if remaining is not None:
            longest = min(longest, max(remaining / 2, 0))
        request = _Request(self.next_number(), "", {}, [], "there", "")
        inbox: SimpleQueue[_Answer | None] = SimpleQueue()
        self._waiting[request.number] = inbox
        try:
            if self._sent(request, monotonic() + longest) and inbox.get(timeout=longest):
                self.is_doubted = False
                return True
        except (Empty, StoreUnavailable):
            pass  # judged below
        finally:
            self._waiting.pop(request.number, None)
        if longest < _LEAST_SECONDS:
            raise _too_late(request)
        self.kill()
        return False

    def _sent(self, request: _Request, until: float | None) -> bool:
        """Send a request; return False if the other process has ended, or had to be ended."""
        longest = -1 if until is None else max(until - monotonic(), 0)
        if not self._writing.acquire(timeout=longest):
            self.is_doubted = True
            raise _too_late(request)
        try:
            rest = _frame(request)
            whole = len(rest)
            poll = select.poll()
            poll.register(self._input, select.POLLOUT)
            while rest:
                rest = rest[self._input.write(rest) or 0 :]
                if not rest:
                    break
                left = None if until is None else until - monotonic()
                wait = _patience(left)
                if poll.poll(max(wait, 0) * 1000):
                    continue
                self.is_doubted = True
                if len(rest) < whole or wait != left:
                    self.kill()  # half a request would block all others
                if wait == left:
                    raise _too_late(request)
                return False
        except (OSError, ValueError):  # it has ended, or this side was closed
            self.is_over = True
            return False
        finally:
            self._writing.release()
        return True

    def _read(self) -> None:
        decoder = msgspec.msgpack.Decoder(_Answer)
        with suppress(OSError, ValueError, msgspec.DecodeError):
            while (frame := _receive(self._output)) is not None:
                answer = decoder.decode(frame)
                inbox = self._waiting.get(answer.number)
                if inbox is not None:
                    inbox.put(answer)
        self.is_over = True
        for inbox in list(self._waiting.values()):
            inbox.put(None)

    def end(self) -> None:
        """Close the pipes; the other process ends by itself."""
        self.is_over = True
        with suppress(OSError, ValueError):
            self._input.close()
        try:
            self._popen.wait(1)
        except Exception:  # noqa: BLE001  # it does not end: something holds it
            self.kill()

    def kill(self) -> None:
        """End the other process, even if it was stopped, and wake all threads that wait for it."""
        self.is_over = True
        self._popen.kill()
        with suppress(Exception):  # it is in the kernel, and ends when it comes out of there
            self._popen.wait(1)

    def leave(self) -> None:
        """Close inherited pipes in a forked child, so that it does not keep the process alive."""
        for file in (self._input, self._output):
            with suppress(OSError, ValueError):
                os.close(file.fileno())


_current: _Process | None = None
_inherited: list[_Process] = []
_starting = Lock()


def _process() -> _Process:
    """Return this process's companion, which the first request starts.

    Raises:
        StoreUnavailable: The deadline passed before it was started.
    """
    global _current  # noqa: PLW0603  # one for the whole process
    current = _current
    if _is_usable(current) and not current.is_doubted:
        return current
    remaining = remaining_seconds()
    bounded = remaining is not None and remaining < _NO_BOUND
    starting = _starting
    if not starting.acquire(timeout=max(remaining or 0, 0) if bounded else -1):
        raise StoreUnavailable(
            "the helper process for object storage after a fork is still starting",
            hint="Give the work more time, or less to do.",
        )
    try:
        current = _current
        if not (_is_usable(current) and (not current.is_doubted or current.is_there())):
            if current is None:
                atexit.register(_at_exit)
            elif current.pid == os.getpid():
                current.end()
            current = _current = _Process()
        return current
    finally:
        starting.release()


def _is_usable(process: _Process | None) -> TypeGuard[_Process]:
    return process is not None and process.pid == os.getpid() and not process.is_over


def _at_exit() -> None:
    if _current is not None and _current.pid == os.getpid():
        _current.end()


def _in_child() -> None:
    global _current, _starting  # noqa: PLW0603  # one for the whole process
    _starting = Lock()
    if _current is not None:
        _current.leave()
        _inherited.append(_current)  # kept: its files must not be closed twice
        _current = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def _started() -> tuple[Popen[bytes], BinaryIO, BinaryIO]:
    import subprocess  # noqa: PLC0415  # only after a fork

    if not sys.executable:
        raise _not_started("this program does not say where its Python is")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        process = subprocess.Popen(  # this Python itself, and a module of ours
            [sys.executable, "-P", "-m", "statebag.store.companion"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            bufsize=0,
            start_new_session=True,  # so that Ctrl-C does not end it
        )
    except OSError as error:
        raise _not_started(error.strerror or type(error).__name__) from None
    assert process.stdin is not None  # for the type checker
    assert process.stdout is not None
    return process, process.stdin, process.stdout  # type: ignore[return-value]


def _not_started(why: str) -> ConfigurationError:
    return ConfigurationError(
        "this process was forked after its parent had sent requests to object storage, which the "
        f"storage client does not survive, and the helper process did not start: {why}",
        hint=_HINT,
    )


def _gone() -> StoreUnavailable:
    return StoreUnavailable(
        "the helper process for object storage after a fork has ended",
        hint="Try again: the next request starts another helper.",
    )


def _patience(left: float | None) -> float:
    """Return after how many silent seconds to ask, so that time is left to start another."""
    if left is None:
        return _SILENT_SECONDS
    return left if left < _TWO_TRIES_SECONDS else min(left / 4, _SILENT_SECONDS)


def _too_late(request: _Request) -> StoreUnavailable:
    return StoreUnavailable(
        f"{request.url or 'object storage'} did not answer before the deadline",
        object_name=request.name or None,
    )


def _frame(message: msgspec.Struct) -> memoryview:
    data = msgspec.msgpack.encode(message)
    return memoryview(len(data).to_bytes(_LENGTH_BYTES, "big") + data)


def _send(file: BinaryIO, message: msgspec.Struct) -> None:
    rest = _frame(message)
    while rest:  # unbuffered: a pipe takes what fits
        rest = rest[file.write(rest) :]


def _receive(file: BinaryIO) -> bytes | None:
    """Return the next frame; None at the end."""
    length = _exactly(file, _LENGTH_BYTES)
    return None if length is None else _exactly(file, int.from_bytes(length, "big"))


def _exactly(file: BinaryIO, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        part = file.read(min(length - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def serve() -> None:
    """Run as the other process: answer the requests on standard input until it ends."""
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what anything prints must not get between the answers
    room = _Room()
    writing = Lock()

    def tell(reply: _Answer) -> None:
        # The reader is gone if this fails, and the loop below ends as well.
        with suppress(OSError), writing:
            _send(answers, reply)

    def answer(request: _Request) -> None:
        tell(room.answered(request))

    _send(answers, _Answer(0))
    decoder = msgspec.msgpack.Decoder(_Request)
    workers = Workers(_AT_ONCE, "statebag-answer")
    while (frame := _receive(requests)) is not None:
        request = decoder.decode(frame)
        if request.method == "there":
            tell(_Answer(request.number))
        else:
            workers.submit(answer, request)
    os._exit(0)  # nobody waits for unfinished requests


class _Room:
    """The stores in use, and the unfinished listings."""

    def __init__(self) -> None:
        self._stores: Recent[bytes, Any] = Recent(_MOST_STORES)
        self._listings: Recent[int, Iterator[ObjectInfo]] = Recent(_MOST_LISTINGS)
        self._lock = Lock()

    def answered(self, request: _Request) -> _Answer:
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
        return _Answer(request.number, error=told, is_busy=is_busy)

    def _called(self, request: _Request) -> _Answer:
        number, name = request.number, request.name
        if request.method == "more":
            return self._page(number, request.listing)
        store = self._store(request)
        if request.method == "put":
            store.put(name, request.data)
            return _Answer(number)
        if request.method == "put_if":
            return _Answer(number, [store.put_if(name, request.data, request.version).encode()])
        if request.method == "get_version":
            data, version = store.get_version(name)
            return _Answer(number, [data, version.encode()])
        if request.method == "get":
            return _Answer(number, [store.get(name)])
        if request.method == "get_ranges":
            return _Answer(number, store.get_ranges(name, request.spans))
        if request.method == "head":
            info = store.head(name)
            return _Answer(number, infos=[] if info is None else [_told(info)])
        if request.method == "list":
            with self._lock:
                self._listings.put(number, iter(store.list(name)))
            return self._page(number, number)
        store.delete(name)
        return _Answer(number)

    def _store(self, request: _Request) -> Any:
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

    def _page(self, number: int, listing: int) -> _Answer:
        with self._lock:
            found = self._listings.peek(listing)
        if found is None:  # not an end, which would look as if there were no more objects
            raise StoreUnavailable(
                "the helper process does not have this listing any more", hint="List again."
            )
        try:
            infos = [_told(info) for _, info in zip(range(_PAGE), found, strict=False)]
        except BaseException:
            self._listings.pop(listing)
            raise
        if not infos:
            self._listings.pop(listing)
        return _Answer(number, infos=infos)


def _set_environment(variables: _Variables) -> None:
    """Set the variables with which the store was made, and remove others that decide its server."""
    kept = {os.fsdecode(name): os.fsdecode(value) for name, value in variables}
    for name, _ in store_settings():
        if name not in kept:
            del os.environ[name]
    os.environ.update(kept)


def _told(info: ObjectInfo) -> _Info:
    return _Info(info.name, info.size, info.modified)


if __name__ == "__main__":
    serve()
