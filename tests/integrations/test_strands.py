import asyncio
import json
import types

import pytest

pytest.importorskip("strands.storage", reason="strands-agents is not installed")

from strands.storage import InMemoryStorage
from strands.types.exceptions import StorageError

from statebag import Policy, Statebag, StoreUnavailable
from statebag.integrations.strands import StatebagStorage
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise


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
        objects.put("strands/two/a.bag", objects.get("strands/one/a.bag"))
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


def test_deleting_the_last_key_of_a_folder_deletes_its_objects(storage, objects):
    async def work():
        await storage.write("s/latest", json.dumps([noise(300_000)]).encode())
        await storage.write("s/history/1", json.dumps([noise(300_000), 1]).encode())
        await storage.delete("s/latest")
        assert await storage.read("s/history/1")
        await storage.delete("s/history/1")
        await storage.delete("s/latest")

    run(work())
    assert list(objects.list()) == []

    async def again():
        data = json.dumps([noise(300_000)]).encode()
        await storage.write("s/latest", data)
        forget()
        return await storage.read("s/latest") == data

    assert run(again())


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
