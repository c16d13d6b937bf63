"""The calls of `Statebag` for coroutines: the same work, in separate threads.

The default threads of an event loop are few, and an application uses them too. These threads wait
for the store most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

from statebag.process.forking import Workers

__all__ = ["AsyncCalls", "in_threads"]

_Answer = TypeVar("_Answer")
_Arguments = ParamSpec("_Arguments")

# Measured with `benchmarks/event_loop.py`: with 8 threads, the event loop is at most 10 ms late, 99
# of 100 times; with 16 it is 20 ms, since threads that compute take turns with it. Chosen: fewer,
# for machines that have other work too.
_AT_ONCE = 6
_POOL = Workers(_AT_ONCE, "statebag-async")
# To start a thread is to wait for it (measured: up to 5 ms each while others compute), so the event
# loop hands that to one thread too.
_STARTER = Workers(1, "statebag-async-start")


async def in_threads(
    work: Callable[_Arguments, _Answer], *arguments: _Arguments.args, **named: _Arguments.kwargs
) -> _Answer:
    """Do blocking work in a thread, and return its answer or raise its error.

    If the coroutine is cancelled, work that has not begun is dropped. Work that has begun goes on
    to its end in the thread, so that nothing is left half done; its answer is dropped.
    """
    from asyncio import wrap_future  # noqa: PLC0415  # slow to import, and a coroutine has it
    from concurrent.futures import Future  # noqa: PLC0415  # as above

    future: Future[_Answer] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            answer = work(*arguments, **named)
        except BaseException as error:  # noqa: BLE001  # raised where it is awaited
            future.set_exception(error)
        else:
            future.set_result(answer)

    _STARTER.submit(_POOL.submit, run)
    return await wrap_future(future)


class _Blocking(Protocol):
    """The calls that block."""

    def seal(
        self,
        state: Any,
        scope: str | None = None,
        parent: Any = None,
        budget: int | None = None,
        *,
        heal: bool = False,
        append: Mapping[str, Iterable[Any]] | None = None,
        default: Callable[[Any], Any] | None = None,
    ) -> Any: ...

    def open(
        self,
        bag: Any,
        only: Iterable[str | Sequence[str | int | slice]] | None = None,
        scope: str | None = None,
        *,
        legacy: bool | str | Sequence[str | int] = False,
        embedded: bool | None = None,
    ) -> Any: ...

    def append(
        self,
        bag: Any,
        field: str | Sequence[str | int],
        entries: Iterable[Any],
        scope: str | None = None,
        budget: int | None = None,
        *,
        embedded: bool | None = None,
    ) -> Any: ...

    def get(
        self,
        bag: Any,
        path: str | Sequence[str | int | slice],
        scope: str | None = None,
        *,
        embedded: bool | None = None,
    ) -> Any: ...


class AsyncCalls:
    """`seal`, `open`, `append` and `get` as coroutines, which do not hold the event loop.

    They take the same arguments and can be mixed with the blocking calls. Do not change an argument
    before the call has ended. After a cancellation, the earlier bag is as good as it was; what was
    written for the cancelled call is garbage that gc collects.
    """

    async def aseal(
        self: _Blocking,
        state: Any,
        scope: str | None = None,
        parent: Any = None,
        budget: int | None = None,
        *,
        heal: bool = False,
        append: Mapping[str, Iterable[Any]] | None = None,
        default: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Seal a state; arguments, result and errors are those of `seal`."""
        return await in_threads(
            self.seal, state, scope, parent, budget, heal=heal, append=append, default=default
        )

    async def aopen(
        self: _Blocking,
        bag: Any,
        only: Iterable[str | Sequence[str | int | slice]] | None = None,
        scope: str | None = None,
        *,
        legacy: bool | str | Sequence[str | int] = False,
        embedded: bool | None = None,
    ) -> Any:
        """Open a bag; arguments, result and errors are those of `open`."""
        return await in_threads(self.open, bag, only, scope, legacy=legacy, embedded=embedded)

    async def aappend(
        self: _Blocking,
        bag: Any,
        field: str | Sequence[str | int],
        entries: Iterable[Any],
        scope: str | None = None,
        budget: int | None = None,
        *,
        embedded: bool | None = None,
    ) -> Any:
        """Append to an array of a bag; arguments, result and errors are those of `append`."""
        return await in_threads(self.append, bag, field, entries, scope, budget, embedded=embedded)

    async def aget(
        self: _Blocking,
        bag: Any,
        path: str | Sequence[str | int | slice],
        scope: str | None = None,
        *,
        embedded: bool | None = None,
    ) -> Any:
        """Get the value at a path; arguments, result and errors are those of `get`."""
        return await in_threads(self.get, bag, path, scope, embedded=embedded)
