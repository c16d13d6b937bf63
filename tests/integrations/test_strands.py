import asyncio
import json
import types

import pytest

pytest.importorskip("strands.storage", reason="strands-agents is not installed")

from strands.storage import InMemoryStorage
from strands.types.exceptions import StorageError

from statebag import ConfigurationError, Policy, Statebag, StoreUnavailable
from statebag.integrations.strands import StatebagStorage
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.fsck import fsck
from statebag.versions.condemned import forget_condemned
from tests.bags import noise
from tests.upkeep.aged_folder import WEEK, Place


@pytest.fixture
def objects():
    forget()
    return RecordingStore(MemoryStore())


@pytest.fixture
def storage(objects):
    return StatebagStorage(Statebag(objects, policy=Policy(attempts=1)))


def run(work):
    return asyncio.run(asyncio.wait_for(work, 60))


DATA = [
    b"",
    b"{}",
    b"null",
    b"\x00\xff",
    b'{"a":1}',
    b'{"a": 1}',
    b'{ "a": 1 }',
    b'{"a": NaN}',
    b'{"a": "\\ud800"}',
    b'{"a": 1, "a": 2}',
    b"[1.0, 1e3, 12345678901234567890]",
    '{"a": "é"}'.encode(),
    b'{"a": "\\u00e9"}',
    json.dumps({"a": [1]}, indent=2).encode(),
    json.dumps({"__statebag__": {"v": 1}}).encode(),
    json.dumps([noise(200_000)]).encode(),
    bytes(range(256)) * 1000,
    b"[" * 600 + b"]" * 600,
]


@pytest.mark.parametrize("data", DATA, ids=range(len(DATA)))
def test_bytes_come_back_as_they_were(storage, data):
    async def work():
        await storage.write("a/b.json", data)
        forget()
        return await storage.read("a/b.json")

    assert run(work()) == data


def test_the_contract_of_a_storage(storage):
    """What the SDK's own storages do, one call after another."""

    async def work(one):
        seen = [await one.read("a/x"), await one.list("")]
        await one.delete("a/x")
        for key in ("a/x", "a/y/z", "b", "a/x y", "a/é%2F"):
            await one.write(key, key.encode())
        await one.write("/a//x/", b"again")
        seen += [
            await one.list(""),
            await one.list("a/"),
            await one.list("a/x"),
            await one.list("c"),
        ]
        seen += [await one.read("a/x"), await one.read("a"), await one.read("a//y/z")]
        await one.delete("a/x")
        seen += [await one.read("a/x"), await one.list(""), await one.read("a/y/z")]
        found = await one.search("again")
        seen.append([(result.key, result.data) for result in found])
        return seen

    assert run(work(storage)) == run(work(InMemoryStorage()))


@pytest.mark.parametrize("key", ["", "/", "..", "a/../b", "a\x00b", "a/./b"])
def test_a_key_that_leads_elsewhere_is_refused(storage, key):
    with pytest.raises(StorageError):
        run(storage.write(key, b"{}"))


def test_a_store_that_does_not_answer_is_a_storage_error():
    class Silent(MemoryStore):
        def get(self, name):
            raise StoreUnavailable("no answer")

    storage = StatebagStorage(Statebag(Silent(), policy=Policy(attempts=1)))
    with pytest.raises(StorageError, match="StoreUnavailable"):
        run(storage.read("a"))


def test_a_value_under_the_key_of_another_folder_is_not_read(storage, objects):
    async def work():
        await storage.write("one/a", json.dumps([noise(300_000)]).encode())
        await storage.write("two/a", b"[]")
        (found,) = [
            info.name for info in objects.list("@heads/strands/one") if "/@at/" in info.name
        ]
        objects.put(found.replace("/one/", "/two/"), objects.get(found))
        with pytest.raises(StorageError, match="NotPermitted"):
            await storage.read("two/a")

    run(work())


def test_what_nobody_signed_is_refused_by_a_client_that_signs(storage, objects):
    signing = StatebagStorage(Statebag(objects, signing_keys={"one": b"k" * 32}))
    data = json.dumps([noise(300_000)]).encode()

    async def work():
        await storage.write("a", data)
        with pytest.raises(StorageError, match="NotPermitted"):
            await signing.read("a")
        await signing.write("b", data)
        forget()
        return await signing.read("b")

    assert run(work()) == data


def packs(store):
    return [info.name for info in store.list() if info.name.endswith(".pack")]


@pytest.fixture
def place(tmp_path):
    forget()
    return Place(tmp_path)


def collected(place):
    """Collect until nothing goes any more, with a week before each pass."""
    for _ in range(3):
        place.age("", WEEK)
        forget_condemned()
        place.actions()


def snapshot(*numbers):
    return json.dumps([noise(100_000, number) for number in numbers]).encode()


def test_gc_deletes_what_only_overwritten_and_deleted_values_needed(place):
    storage = StatebagStorage(Statebag(place.store, replicas=()))

    async def work():
        for number in range(8):
            await storage.write("session/s/latest", snapshot(number))
        await storage.write("session/s/history/1", snapshot(7, 8))
        await storage.write("session/t/latest", snapshot(9))

    run(work())
    before = len(packs(place.store))
    collected(place)
    assert len(packs(place.store)) < before - 5
    assert fsck(place.store).whole
    forget()
    assert run(storage.read("session/s/latest")) == snapshot(7)
    assert run(storage.read("session/s/history/1")) == snapshot(7, 8)

    run(storage.delete("session/s/latest"))
    collected(place)
    forget()
    assert run(storage.read("session/s/history/1")) == snapshot(7, 8)  # it shared some of it

    run(storage.delete("session/s/history/1"))
    run(storage.delete("session/t/latest"))
    collected(place)
    assert packs(place.store) == []
    assert run(storage.list()) == []
    run(storage.write("session/s/latest", snapshot(1)))
    forget()
    assert run(storage.read("session/s/latest")) == snapshot(1)


def test_a_writer_that_remembers_a_pack_which_a_collector_marked_writes_it_again(place):
    storage = StatebagStorage(Statebag(place.store, replicas=()))
    run(storage.write("session/s/latest", snapshot(1)))
    run(storage.write("session/s/latest", snapshot(2)))
    place.age("", WEEK)
    place.actions()  # marks the pack of the first
    forget_condemned()
    run(storage.write("session/s/latest", snapshot(1)))
    place.age("@gc", WEEK)
    place.actions()
    forget()
    assert run(storage.read("session/s/latest")) == snapshot(1)


def test_many_writers_of_one_key_and_the_last_one_wins(storage):
    async def work():
        await asyncio.gather(*(storage.write("a/b", str(n).encode()) for n in range(30)))
        await storage.write("a/b", b"last")
        return await storage.read("a/b")

    assert run(work()) == b"last"


def test_a_long_key_is_listed_whole(storage):
    keys = [f"session/s/{'agent-' * 30}/{'snapshots-' * 10}/{n}.json" for n in range(2)]
    keys += ["session/s/~tilde", "session/s/per%cent/%2F"]

    async def work():
        for key in keys:
            await storage.write(key, key.encode())
        assert [await storage.read(key) for key in keys] == [key.encode() for key in keys]
        await storage.delete(keys[0])
        return await storage.list("session/s/")

    assert run(work()) == sorted(keys[1:])


def test_a_namespace_holds_the_keys_below_its_prefix(storage):
    inner = storage.namespace("/a/").namespace("b")

    async def work():
        await inner.write("k", b"1")
        await storage.write("a/bc/k", b"2")
        assert await storage.list() == ["a/b/k", "a/bc/k"]
        assert await inner.list() == ["k"]
        assert await storage.read("a/b/k") == b"1"
        for key in ("", "/", "../bc/k"):
            with pytest.raises(StorageError):
                await inner.write(key, b"")
        await inner.delete("k")
        return await storage.list()

    assert run(work()) == ["a/bc/k"]


def test_a_store_without_conditional_writes_is_refused():
    class Plain:
        def __getattr__(self, name):
            if name in {"get_version", "put_if"}:
                raise AttributeError(name)
            return getattr(store, name)

    store = MemoryStore()
    with pytest.raises(ConfigurationError, match="no conditional writes"):
        StatebagStorage(Statebag(Plain()))


def test_a_grown_snapshot_costs_what_is_new(storage, objects):
    async def work():
        messages = [{"role": "user", "content": [{"text": noise(4000, n)}]} for n in range(100)]
        for turn in range(100, 120):
            messages.append({"role": "user", "content": [{"text": noise(4000, turn)}]})
            data = json.dumps({"data": {"messages": messages}}, ensure_ascii=False).encode()
            if turn == 101:
                objects.forget()
            await storage.write("session/snapshot_latest.json", data)
        return len(data)

    size = run(work())
    assert sum(call.size for call in objects.of("put")) / 19 < size / 8


def test_a_session_manager_restores_an_agent(storage):
    pytest.importorskip("strands.session.snapshot_session_manager")
    from strands import Agent
    from strands.session import SnapshotSessionManager

    def agent():
        return Agent(
            model=Silence(),
            agent_id="a1",
            session_manager=SnapshotSessionManager(session_id="s1", storage=storage),
            callback_handler=None,
        )

    first = agent()
    first("hello")
    forget()
    assert agent().messages == first.messages
    assert len(first.messages) == 2


class Silence:
    """A model that answers one word."""

    stateful = False
    config = types.MappingProxyType({})

    def update_config(self, **_):
        pass

    def get_config(self):
        return self.config

    async def stream(self, *_arguments, **_named):
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": {}}}
        yield {"contentBlockDelta": {"delta": {"text": "yes"}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}
