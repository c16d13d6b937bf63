"""The calls of heads for coroutines do what the blocking ones do, and hold no event loop."""

import asyncio
import inspect
import threading

import pytest

from statebag import Conflict
from statebag.store.memory import MemoryStore
from statebag.versions.attached import Attached
from statebag.versions.coroutines import AttachedCoroutines, HeadCoroutines, HeadsCoroutines
from statebag.versions.head import Head
from statebag.versions.heads import Heads
from tests.versions.threads import client, grown, head_of, state_at

LIMIT = 240


def run(work):
    return asyncio.run(asyncio.wait_for(work, LIMIT))


@pytest.mark.parametrize(
    ("blocking", "coroutines"),
    [(Head, HeadCoroutines), (Heads, HeadsCoroutines), (Attached, AttachedCoroutines)],
)
def test_every_call_with_a_request_has_one_with_the_same_arguments(blocking, coroutines):
    calls = {
        name: one
        for name, one in vars(blocking).items()
        if not name.startswith("_") and callable(one) and name != "head"  # it makes no request
    }
    assert {f"a{name}" for name in calls} == {
        name for name in vars(coroutines) if not name.startswith("_")
    }
    for name, one in calls.items():
        other = getattr(coroutines, f"a{name}")
        assert inspect.iscoroutinefunction(other) or inspect.isasyncgenfunction(other), name
        mine, theirs = (list(inspect.signature(each).parameters.values()) for each in (other, one))
        assert [(p.name, p.kind, p.default) for p in mine] == [
            (p.name, p.kind, p.default) for p in theirs
        ], name


def test_a_thread_is_written_read_forked_and_deleted():
    store = MemoryStore()
    heads = client(store).heads("agents/one")
    head = heads.head("main")

    async def work():
        version = await head.aread()
        assert version is None
        for step in range(4):
            bag = await head.aseal(state_at(step), version)
            version = await head.aadvance(bag, version, label=f"step-{step}", note={"step": step})
        found = await head.afind("step-2")
        assert await head.aopen(found) == state_at(2)
        assert (await head.aopen(found, ["$.step"]))["step"] == 2
        assert [one.label async for one in head.ahistory(limit=2)] == ["step-3", "step-2"]
        assert [one.number for one in await head.aversions()] == [4, 3, 2, 1]
        fork = client(store).heads("agents/two").head("main")
        begun = await head.afork(fork, found, note=lambda note: {**note, "fork": True})
        assert begun.note == {"step": 2, "fork": True}
        await head.attached.aput("step-3", "task", await head.aseal([1]), {"n": 1})
        assert await head.attached.akeys("step-3") == ["task"]
        attached = await head.attached.aget("step-3", "task")
        assert {"task": attached} == await head.attached.aall("step-3")
        assert await head.attached.aseveral(["step-3"]) == {"step-3": {"task": attached}}
        copy = await heads.acopy("agents/three")
        assert await copy.anames() == ["main"]
        assert [one.scope for one in await copy.abelow()] == ["agents/three"]
        await head.attached.adelete("step-3", "task")
        assert await head.attached.akeys("step-3") == []
        await head.adrop([1])
        assert await head.aretain(keep=1) == [3, 2]
        await head.adelete()
        assert await heads.anames() == []
        await copy.adelete()
        assert await fork.aopen(await fork.aread()) == state_at(2)

    run(work())


def test_two_writers_lose_nothing_and_errors_come_as_they_are():
    store = MemoryStore()

    async def writer(name):
        head = head_of(store)
        turns = 0
        for step in range(5):
            while True:
                last = await head.aread()
                state = [] if last is None else await head.aopen(last)
                bag = await head.aseal([*state, f"{name}-{step}"], last)
                try:
                    await head.aadvance(bag, last)
                except Conflict:
                    turns += 1
                else:
                    break
        return turns

    async def work():
        await asyncio.gather(*(writer(name) for name in "abc"))

    run(work())
    head = head_of(store)
    state = head.open(head.read())
    assert sorted(state) == sorted(f"{name}-{step}" for name in "abc" for step in range(5))
    for name in "abc":  # each writer's own steps are in their order
        assert [one for one in state if one.startswith(name)] == [f"{name}-{n}" for n in range(5)]


class Gated(MemoryStore):
    """Each write under a condition waits until the gate is opened."""

    def __init__(self):
        super().__init__()
        self.gate, self.entered = threading.Event(), threading.Event()
        self.gate.set()

    def put_if(self, name, data, version):
        self.entered.set()
        assert self.gate.wait(LIMIT)
        return super().put_if(name, data, version)


def test_a_cancelled_advance_ends_in_its_thread_and_the_head_tells():
    store = Gated()
    head = head_of(store)
    last = grown(head, 2)
    bag = head.seal(state_at(2), last)
    store.gate.clear()
    store.entered.clear()

    async def work():
        task = asyncio.create_task(head.aadvance(bag, last, label="cancelled"))
        while not store.entered.is_set():  # noqa: ASYNC110 (another thread sets it)
            await asyncio.sleep(0)  # a held loop would never get here again
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        store.gate.set()
        other = head_of(store)
        while (await other.aread()).label != "cancelled":  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0)
        assert await other.aopen(await other.aread()) == state_at(2)

    run(work())
