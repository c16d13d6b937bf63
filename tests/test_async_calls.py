import asyncio
import contextvars
import threading

import pytest

import statebag
from statebag import BlobMissing, InvalidState, Policy, Statebag
from statebag.async_calls import in_threads
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise
from tests.forks import in_child

SCOPE = "m/e"
STATE = {"text": noise(60_000), "log": [1]}
LIMIT = 240


class GatedStore(MemoryStore):
    """Each call waits until the gate is opened."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.entered = threading.Event()

    def put(self, name, data):
        self.entered.set()
        assert self.gate.wait(LIMIT)
        super().put(name, data)


@pytest.fixture
def store():
    forget()
    return RecordingStore(MemoryStore())


@pytest.fixture
def sb(store):
    return Statebag(store, policy=Policy(carry_bytes=0))


def test_the_calls_do_what_the_blocking_ones_do(sb):
    async def work():
        bag = await sb.aseal(STATE, scope=SCOPE)
        assert bag == sb.seal(STATE, scope=SCOPE)
        bag = await sb.aappend(bag, "$.log", [2], scope=SCOPE)
        assert await sb.aget(bag, "$.log", scope=SCOPE) == [1, 2]
        part = await sb.aopen(bag, ["$.log"], SCOPE)
        assert part["log"] == [1, 2]
        assert sb.open(bag, scope=SCOPE) == await sb.aopen(bag) == {**STATE, "log": [1, 2]}
        return await sb.aseal({"v": (1,)}, default=list, append=None, heal=True, budget=5000)

    assert asyncio.run(work()) == {"v": [1]}


def test_errors_come_as_they_are(sb, store):
    async def work():
        with pytest.raises(InvalidState, match="complex"):
            await sb.aseal({"a": 1j})
        bag = await sb.aseal(STATE, scope=SCOPE)
        for info in list(store.list()):
            store.delete(info.name)
        forget()
        with pytest.raises(BlobMissing):
            await sb.aopen(bag)

    asyncio.run(work())


def test_the_event_loop_goes_on_while_the_store_is_slow():
    store = GatedStore()
    sb = Statebag(store, policy=Policy(carry_bytes=0))

    async def work():
        seals = [
            asyncio.create_task(sb.aseal({"n": n, "text": noise(60_000, n)}, scope=f"m/{n}"))
            for n in range(40)
        ]
        turns = 0
        while not store.entered.is_set() or turns < 100:
            await asyncio.sleep(0)  # a held loop would wait here for the gate
            turns += 1
        assert not any(seal.done() for seal in seals)
        store.gate.set()
        bags = await asyncio.gather(*seals)
        return await asyncio.gather(*map(sb.aopen, bags))

    states = asyncio.run(asyncio.wait_for(work(), LIMIT))
    assert [state["n"] for state in states] == list(range(40))


def test_the_default_threads_of_the_loop_are_not_used(sb):
    async def work():
        loop = asyncio.get_running_loop()
        loop.run_in_executor = None
        return await in_threads(lambda: threading.current_thread().name)

    assert asyncio.run(work()).startswith("statebag-async")


def test_counters_and_context_of_the_caller_apply(sb):
    own = contextvars.ContextVar("own", default=0)

    async def work():
        own.set(5)
        assert await in_threads(own.get) == 5
        with usage.measured() as spent:
            await sb.aseal(STATE, scope=SCOPE)
        return spent

    spent = asyncio.run(work())
    assert (spent.seals, spent.puts) == (1, 1)


def test_a_cancelled_seal_ends_in_its_thread_and_the_earlier_bag_is_whole():
    store = GatedStore()
    sb = Statebag(store, policy=Policy(carry_bytes=0))
    store.gate.set()
    before = sb.seal(STATE, scope=SCOPE)
    store.gate.clear()
    store.entered.clear()

    async def work():
        task = asyncio.create_task(sb.aappend(before, "log", [noise(50_000, 3)], scope=SCOPE))
        assert await asyncio.to_thread(store.entered.wait, LIMIT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        store.gate.set()
        # The next call waits for nothing, and finds the store as any other writer would.
        assert await sb.aopen(before, scope=SCOPE) == STATE
        return await sb.aappend(before, "log", [2], scope=SCOPE)

    after = asyncio.run(asyncio.wait_for(work(), LIMIT))
    assert sb.open(after) == {**STATE, "log": [1, 2]}


def test_work_that_was_cancelled_before_it_began_is_dropped():
    gate = threading.Event()
    begun = []

    async def work():
        busy = [asyncio.create_task(in_threads(gate.wait, LIMIT)) for _ in range(20)]
        await asyncio.sleep(0.01)
        late = asyncio.create_task(in_threads(begun.append, 1))
        await asyncio.sleep(0)
        late.cancel()
        with pytest.raises(asyncio.CancelledError):
            await late
        gate.set()
        await asyncio.gather(*busy)
        await in_threads(lambda: None)

    asyncio.run(asyncio.wait_for(work(), LIMIT))
    assert begun == []


def test_a_forked_child_has_threads_of_its_own(tmp_path):
    sb = Statebag(tmp_path.as_uri(), policy=Policy(carry_bytes=0))
    bag = asyncio.run(sb.aseal(STATE, scope=SCOPE))

    def child():
        async def work():
            again = await sb.aseal({**STATE, "more": noise(50_000, 9)}, scope=SCOPE)
            return (await sb.aopen(bag))["log"], len((await sb.aopen(again))["more"])

        return asyncio.run(work())

    assert in_child(child) == ([1], 50_000)
    assert asyncio.run(sb.aopen(bag)) == STATE


class TestStep:
    def test_an_async_handler_is_opened_for_and_its_answer_sealed(self, sb):
        @sb.step
        async def handler(state, context):
            """What it does."""
            await asyncio.sleep(0)
            return {**state, "more": (noise(50_000, 1),)}

        event = sb.seal({"execution_id": SCOPE, **STATE}, scope=SCOPE)
        bag = asyncio.run(handler(event, None))
        assert sb.open(bag)["more"] == [noise(50_000, 1)]
        assert handler.__doc__ == "What it does."

    def test_its_options_apply(self, sb):
        @sb.step(bag_path="$.bag", returns="delta", only=["$.log"])
        async def handler(state, context, event):
            assert event["other"] == 1
            return {"log": [*state["log"], 2], "n": statebag.DELETE}

        bag = sb.seal({**STATE, "n": 1}, scope=SCOPE)
        after = asyncio.run(handler({"bag": bag, "other": 1, "execution_id": SCOPE}, None))
        assert sb.open(after) == {**STATE, "log": [1, 2]}

    def test_one_that_another_decorator_wrapped(self, sb):
        import functools

        async def inner(state, context):
            return {**state, "n": 1}

        @functools.wraps(inner)
        async def outer(state, context):
            return await inner(state, context)

        class Callable:
            async def __call__(self, state, context):
                return {**state, "n": 1}

        for one in (outer, functools.partial(inner), Callable()):
            if not hasattr(one, "__name__"):
                functools.update_wrapper(one, inner) if isinstance(one, Callable) else None
            assert asyncio.run(sb.step(one)({"execution_id": SCOPE}, None))["n"] == 1

    def test_several_at_once_do_not_mix_their_events(self, sb):
        @sb.step
        async def handler(state, context):
            await asyncio.sleep(0.001 * (state["n"] % 3))
            return {**state, "double": 2 * state["n"]}

        async def work():
            events = [{"execution_id": f"m/{n}", "n": n} for n in range(50)]
            return await asyncio.gather(*(handler(event, None) for event in events))

        assert [one["double"] for one in asyncio.run(work())] == [2 * n for n in range(50)]

    def test_its_own_error_passes_and_is_reported(self, sb):
        @sb.step
        async def handler(state, context):
            raise KeyError("its own")

        with pytest.raises(KeyError, match="its own"):
            asyncio.run(handler({"execution_id": SCOPE}, None))

    def test_where_sealing_is_off_it_is_as_before(self, sb, monkeypatch):
        monkeypatch.setenv("STATEBAG_PLAIN", "1")
        answer = {"v": {1}}

        @sb.step
        async def handler(state, context):
            return answer

        assert asyncio.run(handler({}, None)) is answer


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_an_error_is_raised_where_it_is_awaited(error):
    def work():
        raise error

    async def main():
        with pytest.raises(type(error)):
            await in_threads(work)

    asyncio.run(main())
