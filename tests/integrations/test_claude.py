import asyncio
import threading

import pytest

sdk = pytest.importorskip("claude_agent_sdk", reason="claude-agent-sdk is not installed")

from claude_agent_sdk.testing import run_session_store_conformance

from statebag import InvalidState, NotPermitted, Policy, Statebag, StoreUnavailable
from statebag.integrations.claude import StatebagSessionStore
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise

KEY = {"project_key": "-home-me", "session_id": "s1"}


def entry(number, size=200):
    return {"type": "user", "uuid": f"u{number}", "text": noise(size, number)}


@pytest.fixture
def objects():
    forget()
    return MemoryStore()


@pytest.fixture
def store(objects):
    return StatebagSessionStore(Statebag(objects))


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


def test_the_suite_of_the_package():
    run(run_session_store_conformance(lambda: StatebagSessionStore(Statebag(MemoryStore()))))


def test_many_appends_come_back_in_order_from_few_objects(objects, store):
    async def work():
        for number in range(100):
            await store.append(KEY, [entry(number), {"type": "mark", "n": number}])
        forget()
        return await StatebagSessionStore(Statebag(objects)).load(KEY)

    entries = run(work())
    assert [one["n"] for one in entries if "n" in one] == list(range(100))
    assert entries[::2] == [entry(number) for number in range(100)]
    assert sum(info.name.endswith(".bag") for info in objects.list()) < 24


def test_appends_at_once_keep_the_order_of_their_calls(store):
    async def work():
        await asyncio.gather(*(store.append(KEY, [entry(n)]) for n in range(60)))
        return await store.load(KEY)

    assert run(work()) == [entry(n) for n in range(60)]


def test_several_processes_append_and_merge_without_loss(objects):
    stores = [StatebagSessionStore(Statebag(objects)) for _ in range(3)]
    failures = []

    def writer(number):
        async def work():
            for turn in range(40):
                await stores[number].append(KEY, [{"type": "x", "n": [number, turn]}])
                if turn % 10 == 0:
                    await stores[number].load(KEY)

        try:
            asyncio.run(work())
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert failures == []
    loaded = [tuple(one["n"]) for one in run(stores[0].load(KEY))]
    assert sorted(loaded) == [(number, turn) for number in range(3) for turn in range(40)]
    for number in range(3):
        assert [turn for writer, turn in loaded if writer == number] == list(range(40))


def test_a_crash_at_any_request_loses_nothing_that_was_appended():
    """The process ends before each of the requests in turn; another one goes on."""
    for crash in range(1, 60):
        objects = MemoryStore()
        forget()
        calls = [0]

        def dies(call, objects=objects, calls=calls, crash=crash):
            calls[0] += 1
            if calls[0] >= crash:
                raise StoreUnavailable("the process has ended")
            return call

        recording = Stopping(objects, dies)
        first = StatebagSessionStore(Statebag(recording, policy=Policy(attempts=1)))
        kept = []

        async def work(first=first, kept=kept):
            for number in range(20):
                try:
                    await first.append(KEY, [{"type": "x", "n": number}])
                except StoreUnavailable:
                    return
                kept.append(number)

        run(work())
        forget()
        after = StatebagSessionStore(Statebag(objects))
        loaded = [one["n"] for one in run(after.load(KEY)) or []]
        assert loaded[: len(kept)] == kept, crash
        assert len(loaded) <= len(kept) + 1
        assert len(set(loaded)) == len(loaded)
        run(after.append(KEY, [{"type": "x", "n": "last"}]))
        assert run(after.load(KEY))[-1]["n"] == "last"
        if len(kept) == 20:
            return
    raise AssertionError("no run came to its end")


class Stopping:
    """A store that asks before each request."""

    def __init__(self, store, ask):
        self._store = store
        self._ask = ask

    def __getattr__(self, name):
        found = getattr(self._store, name)
        if name not in {"put", "get", "get_ranges", "head", "list", "delete"}:
            return found

        def call(*arguments):
            self._ask(name)
            return found(*arguments)

        return call


def test_an_append_whose_merge_fails_is_an_append(objects, caplog):
    failing = [False]

    def fails(call):
        if failing[0] and call == "get":
            raise StoreUnavailable("no answer")

    store = StatebagSessionStore(Statebag(Stopping(objects, fails), policy=Policy(attempts=1)))

    async def work():
        for number in range(20):
            failing[0] = 7 <= number < 12
            await store.append(KEY, [{"type": "x", "n": number}])
        return await store.load(KEY)

    assert [one["n"] for one in run(work())] == list(range(20))
    assert "not merged: StoreUnavailable" in caplog.text
    assert sum(info.name.endswith(".bag") for info in objects.list()) < 12


def test_a_deleted_session_can_be_written_again(store):
    large = [entry(1, 400_000)]

    async def work():
        for key in (KEY, {**KEY, "subpath": "subagents/a"}):
            await store.append(key, large)
            await store.delete(key)
            assert await store.load(key) is None
            await store.append(key, large)
        forget()
        return await store.load(KEY), await store.load({**KEY, "subpath": "subagents/a"})

    assert run(work()) == (large, large)


def test_a_repeated_batch_is_loaded_once(store):
    async def work():
        await store.append(KEY, [entry(1), {"type": "title"}])
        await store.append(KEY, [entry(1), entry(2), {"type": "title"}])
        return await store.load(KEY)

    assert run(work()) == [entry(1), {"type": "title"}, entry(2), {"type": "title"}]


def test_a_session_in_the_name_of_another_is_not_read(objects, store):
    async def work():
        await store.append(KEY, [entry(1, 90_000)])
        (bag,) = [info.name for info in objects.list() if info.name.endswith(".bag")]
        objects.put(bag.replace("/s1/", "/s2/"), objects.get(bag))
        with pytest.raises(NotPermitted):
            await store.load({**KEY, "session_id": "s2"})

    run(work())


def test_what_nobody_signed_is_refused_by_a_client_that_signs(objects, store):
    async def work():
        await store.append(KEY, [entry(1, 400_000)])
        signing = StatebagSessionStore(Statebag(objects, signing_keys={"one": b"k" * 32}))
        with pytest.raises(NotPermitted):
            await signing.load(KEY)
        other = {**KEY, "session_id": "s2"}
        await signing.append(other, [entry(1, 400_000)])
        forget()
        assert await signing.load(other) == [entry(1, 400_000)]

    run(work())


@pytest.mark.parametrize(
    "key",
    [
        {"project_key": "..", "session_id": "a"},
        {"project_key": "a/b", "session_id": "a"},
        {"project_key": "a", "session_id": ""},
        {"project_key": "a", "session_id": "b", "subpath": "../../x"},
        {"project_key": 5, "session_id": "b"},
    ],
)
def test_a_key_that_leads_elsewhere_is_refused(store, key):
    with pytest.raises(InvalidState):
        run(store.append(key, [entry(1)]))


def test_the_sdk_forks_and_deletes_sessions(store):
    session = "3f2f0c1e-0000-4000-8000-000000000001"
    key = {**KEY, "session_id": session}
    lines = [
        {
            "type": kind,
            "uuid": f"3f2f0c1e-0000-4000-8000-00000000010{n}",
            "parentUuid": None if not n else f"3f2f0c1e-0000-4000-8000-00000000010{n - 1}",
            "sessionId": session,
            "timestamp": f"2026-01-01T00:00:0{n}.000Z",
            "message": {"role": kind, "content": f"text {n}"},
        }
        for n, kind in enumerate(["user", "assistant", "user"])
    ]

    async def work():
        await store.append(key, lines)
        listed = await store.list_sessions(KEY["project_key"])
        assert [one["session_id"] for one in listed] == [session]
        await store.delete(key)
        assert await store.load(key) is None

    run(work())


def test_what_is_appended_costs_at_most_three_times_its_bytes(objects):
    recording = RecordingStore(objects)
    store = StatebagSessionStore(Statebag(recording))
    appended = 0

    async def work():
        nonlocal appended
        for number in range(200):
            line = entry(number, 3000)
            appended += len(str(line))
            await store.append(KEY, [line])

    run(work())
    written = sum(call.size for call in recording.of("put"))
    assert written <= 3 * appended
