"""A pool of threads that wait for work, and that the interpreter waits for when it ends.

`concurrent.futures` has such a pool too, but loads `logging`, which takes 6 ms of CPU in a process
whose first open sends several requests.
"""

from __future__ import annotations

import atexit
import os
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

from statebag.process.forking import fork_safe_lock

if TYPE_CHECKING:
    from statebag.process.forking import Task

__all__ = ["WorkThreads"]


class WorkThreads:
    """Threads that start when there is more work than threads, and stay for later work.

    They end when the pool is closed, when nobody holds it any more, and when the interpreter ends.
    In the last two cases they finish all work that was given. A forked child has none of them and
    makes another pool.

    Args:
        at_once: The largest number of threads.
        name: What the threads' names begin with.
    """

    def __init__(self, at_once: int, name: str) -> None:
        self._at_once = at_once
        self._name = name
        self._shared = _Shared(self)

    def give(self, task: Task[Any]) -> None:
        """Give work to a thread.

        Raises:
            RuntimeError: No thread can be started, the pool is closed, or the interpreter is
                ending.
        """
        shared = self._shared
        with shared.lock:
            if shared.is_closed:
                raise RuntimeError("the pool of threads takes no more work")
            number = len(shared.threads)
            if number < self._at_once and shared.unfinished >= number:
                try:
                    shared.start(f"{self._name}_{number}")
                except RuntimeError:
                    if not number:  # otherwise one of the others does it
                        raise
            shared.unfinished += 1
            shared.queue.put(task)

    def close(self) -> None:
        """Drop work that has not begun, and wait for the rest."""
        with self._shared.lock:
            self._shared.is_closed = True
        self.leave()
        for thread in self._shared.threads:
            thread.join()

    def leave(self) -> None:
        """Drop work that has not begun, and let the threads end after the rest.

        Nobody may give work meanwhile: it might be put where no thread takes it any more.
        It waits for nothing and takes no lock, since the garbage collector may end a generator
        anywhere: also where this thread holds that lock, or one that the work needs.
        """
        shared = self._shared
        shared.is_closed = True
        dropped: list[Task[Any]] = []
        try:
            while (task := shared.queue.get_nowait()) is not None:
                dropped.append(task)
        except Empty:
            pass
        shared.queue.put(None)
        for task in dropped:
            task.drop()


class _Shared:
    """What a pool and its threads share: a thread does not hold the pool itself."""

    def __init__(self, pool: WorkThreads) -> None:
        self.lock = fork_safe_lock()
        self.queue: SimpleQueue[Task[Any] | None] = SimpleQueue()  # None: the threads end
        self.threads: list[threading.Thread] = []
        self.unfinished = 0  # tasks that wait, or that a thread works on
        self._pool = ref(pool, self._left)
        with _lock:
            _all.add(self)
            self.is_closed = _is_over

    def start(self, name: str) -> None:
        """Start one more thread."""
        # A daemon: the interpreter would wait for others before it calls what `atexit` has.
        thread = threading.Thread(target=self._serve, name=name, daemon=True)
        thread.start()
        self.threads.append(thread)

    def _left(self, _: object) -> None:
        """Let the threads end after the work that was given: nobody holds the pool any more."""
        # It takes no lock: the collector may call it anywhere, also where this thread holds that.
        if not self.is_closed:
            self.queue.put(None)

    def _serve(self) -> None:
        while (task := self.queue.get()) is not None:
            task.work()
            # Before the end, so that new work of who waits for it finds this thread free.
            with self.lock:
                self.unfinished -= 1
            task.end()
            del task  # while this thread waits, it keeps no answer
        self.queue.put(None)  # for the next thread


_lock = fork_safe_lock()
_all: WeakSet[_Shared] = WeakSet()
_is_over = False


def _finish() -> None:
    """Finish all work that was given, as the interpreter ends."""
    global _is_over  # noqa: PLW0603  # a fact of the whole process
    with _lock:
        _is_over = True
        pools = list(_all)
    for shared in pools:
        with shared.lock:
            shared.is_closed = True
            shared.queue.put(None)
    for shared in pools:
        for thread in shared.threads:
            thread.join()


def _in_child() -> None:
    """Leave all pools alone: their threads are the parent's."""
    for shared in list(_all):
        shared.is_closed = True
    _all.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

# As `concurrent.futures` does it. It is called before the interpreter waits for other threads, also
# at the end of a child of `multiprocessing`, which calls nothing of `atexit`.
getattr(threading, "_register_atexit", atexit.register)(_finish)
