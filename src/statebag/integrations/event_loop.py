"""Run blocking calls for coroutines, in threads that hold no event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from statebag.process.forking import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_thread"]

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")

_AT_ONCE = 16  # calls that are in the store at the same time. Chosen, not measured

_workers = Workers(_AT_ONCE, "statebag-coroutine")


async def in_thread(
    call: Callable[_Arguments, _Answer], *arguments: _Arguments.args, **named: _Arguments.kwargs
) -> _Answer:
    """Return the answer of a call, or raise its error, without holding the event loop.

    If the coroutine is cancelled, the call goes on, and its answer is dropped.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[_Answer] = loop.create_future()

    def run() -> None:
        try:
            answer, error = call(*arguments, **named), None
        except BaseException as raised:  # noqa: BLE001 (raised again where it is awaited)
            answer, error = None, raised
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(_settle, answered, answer, error)

    _workers.submit(run)
    return await answered


def _settle(answered: asyncio.Future[Any], answer: Any, error: BaseException | None) -> None:
    if answered.done():  # cancelled
        return
    if error is None:
        answered.set_result(answer)
    else:
        answered.set_exception(error)
