"""Start, use and end the other process, which sends the requests of a forked process.

It can be stopped or killed at any moment. So each request waits only as long as the other process
shows that it is alive, and the next request starts another one.
"""

from __future__ import annotations

import atexit
import os
import select
import sys
from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO, TypeGuard

import msgspec

from statebag.errors import ConfigurationError, StoreUnavailable
from statebag.store.bounded import remaining_seconds
from statebag.store.companion_messages import Reply, Request, frame, receive

if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ["CompanionProcess", "this_companion"]

# Chosen: a fresh Python with this library takes 0.2 s on an idle machine (measured).
_START_SECONDS = 15.0
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

_HINT = (
    "Start worker processes with multiprocessing's 'spawn' or 'forkserver', or send no request "
    "before the fork."
)


class CompanionProcess:
    """The handle of the other process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.is_over = False
        # Whether it missed a deadline, at which it should have sent an error itself.
        self.is_doubted = False
        self._numbers = count(1)
        self._writing = Lock()
        self._waiting: dict[int, SimpleQueue[Reply | None]] = {}
        self._popen, self._input, self._output = _started()
        # A pipe that nobody empties must not hold the writer.
        os.set_blocking(self._input.fileno(), False)
        hello: SimpleQueue[Reply | None] = SimpleQueue()
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

    def ask(self, request: Request) -> Reply:
        """Send a request and wait for its answer.

        Raises:
            StoreUnavailable: The other process has ended or was stopped, or the deadline passed.
        """
        seconds = request.seconds
        until = None
        if seconds is not None and seconds < _NO_BOUND:
            until = monotonic() + max(seconds, 0) + _GRACE_SECONDS
        inbox: SimpleQueue[Reply | None] = SimpleQueue()
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
            StoreUnavailable: The deadline leaves too little time to find out.
        """
        remaining = remaining_seconds()
        longest = _THERE_SECONDS
        if remaining is not None:
            longest = min(longest, max(remaining / 2, 0))
        request = Request(self.next_number(), "", {}, [], "there", "")
        inbox: SimpleQueue[Reply | None] = SimpleQueue()
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

    def _sent(self, request: Request, until: float | None) -> bool:
        """Send a request; return False if the other process has ended, or had to be ended."""
        longest = -1 if until is None else max(until - monotonic(), 0)
        if not self._writing.acquire(timeout=longest):
            self.is_doubted = True
            raise _too_late(request)
        try:
            rest = frame(request)
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
        decoder = msgspec.msgpack.Decoder(Reply)
        with suppress(OSError, ValueError, msgspec.DecodeError):
            while (frame := receive(self._output)) is not None:
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


_current: CompanionProcess | None = None
_inherited: list[CompanionProcess] = []
_starting = Lock()


def this_companion() -> CompanionProcess:
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
            current = _current = CompanionProcess()
        return current
    finally:
        starting.release()


def _is_usable(process: CompanionProcess | None) -> TypeGuard[CompanionProcess]:
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
            [sys.executable, "-P", "-m", "statebag.store.companion_server"],
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
    """Return the silent seconds after which to ask, so that time is left to start another."""
    if left is None:
        return _SILENT_SECONDS
    return left if left < _TWO_TRIES_SECONDS else min(left / 4, _SILENT_SECONDS)


def _too_late(request: Request) -> StoreUnavailable:
    return StoreUnavailable(
        f"{request.url or 'object storage'} did not answer before the deadline",
        object_name=request.name or None,
    )
