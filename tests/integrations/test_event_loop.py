"""Calls for coroutines run in other threads, and give their answers and errors back."""

import asyncio
import contextvars
import threading

import pytest

from statebag.integrations.event_loop import in_thread

VARIABLE = contextvars.ContextVar("variable", default=0)


def test_a_call_runs_elsewhere_in_the_callers_context():
    def call(one, *, two):
        return one, two, threading.get_ident(), VARIABLE.get()

    async def main():
        VARIABLE.set(7)
        return await in_thread(call, 1, two=2)

    *given, thread, variable = asyncio.run(main())
    assert given == [1, 2]
    assert thread != threading.get_ident()
    assert variable == 7


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_an_error_is_raised_where_it_is_awaited(error):
    def call():
        raise error

    async def main():
        with pytest.raises(type(error)):
            await in_thread(call)

    asyncio.run(main())


def test_the_loop_goes_on_while_calls_wait():
    release = threading.Event()

    async def main():
        waiting = [asyncio.ensure_future(in_thread(release.wait, 60)) for _ in range(8)]
        for _ in range(100):
            await asyncio.sleep(0)  # the loop is free
        assert not any(one.done() for one in waiting)
        release.set()
        assert await asyncio.gather(*waiting) == [True] * 8

    asyncio.run(main())


def test_a_cancelled_call_goes_on_and_its_answer_is_dropped():
    begun, release, ended = threading.Event(), threading.Event(), threading.Event()

    def call():
        begun.set()
        release.wait(60)
        ended.set()

    async def main():
        waiting = asyncio.ensure_future(in_thread(call))
        while not begun.is_set():  # noqa: ASYNC110 (another thread sets it)
            await asyncio.sleep(0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        release.set()
        assert await in_thread(ended.wait, 60)

    asyncio.run(main())
