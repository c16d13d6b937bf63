"""Apply the deadline of the calling code to calls that have no time limit of their own.

The call runs in a thread, and its caller waits until the deadline. A call that has not ended by
then is abandoned: its thread continues, and its result is dropped. The threads are daemons, so an
abandoned one does not keep the process from ending.
"""

from __future__ import annotations

import os
from contextvars import ContextVar, copy_context
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from statebag.errors import StoreUnavailable
from statebag.process.forking import fork_safe_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from queue import SimpleQueue

__all__ = ["DEADLINE", "each_within_deadline", "remaining_seconds", "within_deadline"]

_Answer = TypeVar("_Answer")

DEADLINE: ContextVar[float | None] = ContextVar("statebag_deadline", default=None)
"""An instant of time.monotonic()."""

# An abandoned call holds a thread and perhaps a connection. Chosen: twice as many as the packs that
# an open reads side by side (32) mean that the store answers nothing at all.
_MOST_ABANDONED = 64
_IDLE_SECONDS = 60.0  # after which a thread without work ends. Chosen: requests come in bursts
_NO_BOUND = 1e6  # seconds. Chosen: an infinite deadline of a handler without a context is none


def remaining_seconds() -> float | None:
    """Return the seconds until the deadline, negative after it; None if there is no deadline."""
    instant = DEADLINE.get()
    return None if instant is None else instant - monotonic()


class _Call:
    """A call, its context, and later its answer."""

    __slots__ = ("answer", "context", "ended", "error", "work")

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.context = copy_context()
        self.answer: Any = None
        self.error: BaseException | None = None
        self.ended = Lock()
        self.ended.acquire()


class _Helper(Thread):
    """A thread that runs one call after another, and ends after a minute without work."""

    def __init__(self) -> None:
        from queue import SimpleQueue  # noqa: PLC0415  # no call without a deadline needs it

        super().__init__(name="statebag-bounded", daemon=True)
        self.calls: SimpleQueue[_Call] = SimpleQueue()

    def run(self) -> None:
        from queue import Empty  # noqa: PLC0415  # only with a deadline

        while True:
            try:
                call = self.calls.get(timeout=_IDLE_SECONDS)
            except Empty:
                try:
                    _idle.remove(self)
                except ValueError:  # it was just taken for a call
                    continue
                return
            try:
                call.answer = call.context.run(call.work)
            except BaseException as error:  # noqa: BLE001  # raised in the thread that waits
                call.error = error
            _idle.append(self)
            with _lock:
                _abandoned.discard(call)
                call.ended.release()
            del call  # or the answer lives until the next call


_idle: list[_Helper] = []
_abandoned: set[_Call] = set()
_lock = fork_safe_lock()


def _in_child() -> None:
    _idle.clear()
    _abandoned.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def within_deadline(
    work: Callable[[], _Answer], what: str, *, at_most: float | None = None, name: str | None = None
) -> _Answer:
    """Return what `work` returns, or raise what it raises, before the deadline.

    Args:
        work: The call. It runs in this thread if there is no deadline, or if `at_most` is less
            than the time that is left.
        what: The beginning of the error's message, such as `s3://bucket did not answer`.
        at_most: Seconds after which the call ends by itself; None if it may take any time.
        name: The object of the call, for the error.

    Raises:
        StoreUnavailable: The deadline passed, or too many earlier calls have not ended yet.
    """
    remaining = remaining_seconds()
    if remaining is None or remaining > _NO_BOUND or (at_most is not None and at_most < remaining):
        return work()
    if remaining <= 0:
        raise _too_late(what, name)
    if len(_abandoned) >= _MOST_ABANDONED:
        raise StoreUnavailable(
            f"{what}: {_MOST_ABANDONED} earlier calls passed their deadline and have not ended",
            object_name=name,
            hint="The store does not answer: check it, and the network on the way to it.",
        )
    call = _Call(work)
    try:
        helper = _idle.pop()
    except IndexError:
        helper = _Helper()
        try:
            helper.start()
        except RuntimeError:  # no thread can start here: run it without a limit
            return work()
    helper.calls.put(call)
    in_time = False
    try:
        in_time = call.ended.acquire(timeout=remaining)
    finally:
        if not in_time:
            with _lock:
                in_time = not call.ended.locked()
                if not in_time:
                    _abandoned.add(call)
    if not in_time:
        raise _too_late(what, name)
    if call.error is not None:
        try:
            raise call.error
        finally:
            call.error = None  # it refers to this frame, and this frame to the call
    answer: _Answer = call.answer
    return answer


def each_within_deadline(
    items: Iterator[_Answer], what: str, *, at_most: float | None = None, name: str | None = None
) -> Iterator[_Answer]:
    """Yield the items of an iterator, whose every step is bounded as by `within_deadline`."""
    end: Any = object()
    while True:
        item = within_deadline(lambda: next(items, end), what, at_most=at_most, name=name)
        if item is end:
            return
        yield item


def _too_late(what: str, name: str | None) -> StoreUnavailable:
    return StoreUnavailable(
        f"{what}: no answer before the deadline",
        object_name=name,
        hint="Give the work more time (Policy.deadline_seconds, the Lambda's timeout), or less "
        "to do.",
    )
