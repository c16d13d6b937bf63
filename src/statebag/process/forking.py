"""Protect a forked child from locks that other threads held, and from lost threads.

`fork` copies only the calling thread. A lock that another thread held stays locked in the child
for ever, a module that it was loading stays incomplete, and a pool still expects threads that only
the parent has.
"""

from __future__ import annotations

import os
import sys
from contextvars import copy_context
from functools import partial
from threading import Lock, get_ident, local
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeVar
from weakref import WeakSet

from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from statebag.process.work_threads import WorkThreads

__all__ = ["Task", "Workers", "fork_safe_lock"]

_Answer = TypeVar("_Answer")
_Item = TypeVar("_Item")
_Arguments = ParamSpec("_Arguments")

# Chosen: a section under one of these locks is a few dictionary operations. A lock that is not free
# by then belongs to the thread that forks (a signal handler), which must not wait for itself.
_LONGEST_SECONDS = 1.0

# Chosen: ten times what the slowest of them takes (botocore with its data, 1 s). A load that waits
# for the thread that forks does not end before.
_LONGEST_IMPORT_SECONDS = 10.0

# What this library loads, or has loaded by what it uses, besides the standard library.
_PACKAGES = frozenset(
    {
        __name__.partition(".")[0],
        "aws_lambda_powertools",
        "backports",
        "boto3",
        "botocore",
        "cryptography",
        "dateutil",
        "jmespath",
        "jsonata",
        "msgspec",
        "obstore",
        "opentelemetry",
        "s3transfer",
        "urllib3",
        "yaml",
    }
)

_locks: WeakSet[Any] = WeakSet()
_registry = Lock()
_forking = local()


def fork_safe_lock() -> Lock:
    """Return a lock for short sections; a fork waits until it is free, so the child can use it."""
    lock = Lock()
    with _registry:
        _locks.add(lock)
    return lock


def _is_importing() -> bool:
    """Return whether another thread is loading a module that this library may need."""
    own = get_ident()
    for name, lock in _import_locks():
        if getattr(lock, "owner", None) not in (None, own):
            package = name.partition(".")[0]
            if package in _PACKAGES or package in sys.stdlib_module_names:
                return True
    return False


def _drop_unfinished_imports() -> None:
    """Let a forked child load the modules that lost threads were loading.

    Python does not release its lock of a module in a child, and it has no public interface for
    these locks. The names used here are the same in 3.11 to 3.14; if one is absent, nothing is
    done.

    Their locks are dropped, and so are the modules in `sys.modules` with everything below them, so
    that the next import loads them from the beginning. Modules that the calling thread is loading
    stay.
    """
    bootstrap: Any = sys.modules.get("_frozen_importlib")
    locks = getattr(bootstrap, "_module_locks", None)
    if locks is None:
        return
    own, lost = get_ident(), set()
    for name, lock in _import_locks():
        owner = getattr(lock, "owner", None)
        if owner == own:
            continue
        # Also a lock that has no owner: a lost thread may have been about to take it.
        locks.pop(name, None)
        if owner is not None:
            lost.add(name)
    _forget_waiting(bootstrap, own)
    unfinished = {name for name in lost if _is_unfinished(name)}
    # A package runs before the modules below it: its unfinished run loaded all of them.
    below = tuple(f"{name}." for name in unfinished)
    for name in [one for one in sys.modules if one in unfinished or one.startswith(below)]:
        del sys.modules[name]


def _import_locks() -> list[tuple[str, Any]]:
    """Return the name of each module that is being loaded, and its lock."""
    bootstrap = sys.modules.get("_frozen_importlib")
    locks = getattr(bootstrap, "_module_locks", {})
    return [(name, reference()) for name, reference in list(locks.items())]


def _forget_waiting(bootstrap: Any, own: int) -> None:
    """Drop the locks that lost threads waited for; a new thread may get a lost one's number."""
    waiting = getattr(bootstrap, "_blocking_on", None)
    waiting = getattr(waiting, "data", waiting)  # from Python 3.12 a class around a dict
    if isinstance(waiting, dict):
        for thread in [one for one in list(waiting) if one != own]:
            waiting.pop(thread, None)


def _is_unfinished(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def _before() -> None:
    _forking.held = []
    # A child can load a module from the beginning. What other modules already took from it is then
    # not the same, so it is better complete.
    until = monotonic() + _LONGEST_IMPORT_SECONDS
    while _is_importing() and monotonic() < until:
        sleep(0.001)
    if _registry.acquire(timeout=_LONGEST_SECONDS):
        _forking.held.append(_registry)
        _forking.held += [lock for lock in list(_locks) if lock.acquire(timeout=_LONGEST_SECONDS)]


def _in_parent() -> None:
    for lock in reversed(getattr(_forking, "held", ())):
        lock.release()
    _forking.held = []


def _in_child() -> None:
    # Not only what was waited for: a fork in C code runs this hook alone.
    _drop_unfinished_imports()
    for lock in (_registry, *list(_locks)):
        lock._at_fork_reinit()  # noqa: SLF001  # as logging and queue do it
    _forking.held = []


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)


class Task(Generic[_Answer]):
    """Work that was given to `Workers`, and its outcome.

    Args:
        work: Is called once, with no arguments.
    """

    _answer: _Answer

    def __init__(self, work: Callable[[], _Answer]) -> None:
        self._work: Callable[[], _Answer] | None = work
        self._error: BaseException | None = None
        self._pid = os.getpid()
        self._running = Lock()  # held until the end
        self._running.acquire()

    def work(self) -> None:
        """Do the work, and keep its answer or its error."""
        work, self._work = self._work, None  # what it holds is not kept for as long as its answer
        try:
            if work is not None:
                self._answer = work()
        except BaseException as error:  # noqa: BLE001  # raised by result()
            self._error = error
            del self  # the error's traceback holds this frame, and would hold itself

    def end(self) -> None:
        """Let `result` return: the work is done."""
        self._running.release()

    def drop(self) -> None:
        """End work that has not begun, and will not."""
        self._work = None
        self._error = RuntimeError("the pool of threads was closed before this work began")
        self.end()

    def result(self) -> _Answer:
        """Wait for the end of the work; return its answer or raise its error.

        Raises:
            ConfigurationError: The work began before a fork, in threads of the parent process.
        """
        if self._pid != os.getpid():
            raise ConfigurationError(
                "the work began in the parent process, before a fork, and its threads do not exist "
                "in this process",
                hint="Begin it in the process that uses it.",
            )
        with self._running:
            error = self._error
        if error is None:
            return self._answer
        try:
            raise error
        finally:
            del error, self  # as in `work`


class Workers:
    """A pool of threads that start with the first work; a forked child gets its own threads.

    Work runs in a copy of the caller's context, so that deadlines and counters apply to it. If no
    thread can start, the caller's thread does the work.

    Args:
        at_once: The largest number of threads.
        name: The beginning of the threads' names.
    """

    def __init__(self, at_once: int, name: str) -> None:
        self._at_once = at_once
        self._name = name
        self._lock = fork_safe_lock()
        self._pid = 0
        self._threads: WorkThreads | None = None

    def submit(
        self,
        work: Callable[_Arguments, _Answer],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> Task[_Answer]:
        """Start work in one of the threads, without waiting."""
        task = Task(partial(copy_context().run, work, *arguments, **named))
        try:
            self._pool().give(task)
        except RuntimeError:  # no thread can be started, or the interpreter is ending
            task.work()
            task.end()
        return task

    def each(self, work: Callable[[_Item], _Answer], items: Iterable[_Item]) -> list[_Answer]:
        """Do the same work on several items concurrently; return the results in their order.

        The caller's thread works on a single item. If there are several errors, that of the first
        item is raised; the work on other items continues.
        """
        todo = list(items)
        if len(todo) <= 1:
            return [work(item) for item in todo]
        return [task.result() for task in [self.submit(work, item) for item in todo]]

    def _pool(self) -> WorkThreads:
        with self._lock:
            if self._threads is None or self._pid != os.getpid():
                # Loaded with the first work: many handlers never need a thread.
                from statebag.process.work_threads import WorkThreads  # noqa: PLC0415

                self._threads = WorkThreads(self._at_once, self._name)
                self._pid = os.getpid()
            return self._threads

    def close(self) -> None:
        """Drop work that has not started, and wait for the rest."""
        if self._threads is not None and self._pid == os.getpid():
            self._threads.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not GeneratorExit:
            self.close()
        elif self._threads is not None and self._pid == os.getpid():
            self._threads.leave()  # the garbage collector may be ending the generator
