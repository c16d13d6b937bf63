"""What one client leaves to the next in a process, and that it never changes a result."""

import os
import random
import threading
from dataclasses import dataclass, field

import pytest

from statebag import Policy, Statebag
from statebag.errors import BlobMissing, NotPermitted
from statebag.format import json_text
from statebag.format.encryption_keys import MAGIC
from statebag.opening.process_memory import Memory, memory_of, nothing_remembered
from statebag.opening.walk import EVERYTHING
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise

STORED = Policy(carry_bytes=0)
STATE = {"text": noise(60_000, 1), "rows": [noise(300, n) for n in range(600)]}


def empty(store):
    for info in list(store.list()):
        store.delete(info.name)


def rows(count, length, seed=1):
    numbers = random.Random(seed)
    return [{"id": n, "text": f"{numbers.getrandbits(4 * length):x}"} for n in range(count)]


def test_clients_of_one_store_share_it():
    one, other = memory_of(("one",), 9), memory_of(("two",), 9)
    again = memory_of(("one",), 9)
    assert again.known is one.known
    assert again.bases is one.bases
    assert again.presence is one.presence
    assert other.known is not one.known
    assert other.bases is not one.bases
    assert other.presence is not one.presence
    assert other.texts is one.texts, "one bound holds for all stores"


def test_a_memory_of_nothing_keeps_nothing_of_an_open():
    sb = Statebag(MemoryStore(), policy=STORED)
    bag = sb.seal(STATE, scope="m/e")
    nothing, something = Memory.of_nothing(), Memory.empty()
    assert sb._opener(None, nothing).open(bag, EVERYTHING) == STATE
    assert sb._opener(None, something).open(bag, EVERYTHING) == STATE
    assert len(something.known._blobs) > 1
    for kept in (nothing.known._blobs, nothing.known._values, nothing.bases._items):
        assert len(kept) == 0
    assert nothing.known._sizes == set()
    assert nothing.texts.bytes_held == 0


def test_a_client_that_is_there_forgets_too():
    sb = Statebag(MemoryStore(), policy=STORED)
    sb.seal(STATE, scope="m/e")
    before = sb._memory()
    forget()
    after = sb._memory()
    assert before.known is not after.known
    assert before.texts is not after.texts


# A digest is tied only to the stub that was verified to have it.


@pytest.mark.parametrize(
    ("cache_bytes", "count", "length"), [(0, 300, 300), (100_000, 300, 300), (1 << 20, 3000, 300)]
)
@pytest.mark.parametrize("edit", ["PAID", "x" * 300], ids=["shorter", "as-long"])
def test_an_edit_of_what_is_in_pieces_is_kept_by_a_reader_with_a_small_cache(
    cache_bytes, count, length, edit
):
    store = MemoryStore()
    state = {"rows": rows(count, length)}
    writer = Statebag(store)
    state = writer.open(writer.seal(state, scope="m/e"))
    state["rows"][5]["text"] = edit
    bag = json_text.decode(json_text.encode(writer.seal(state, scope="m/e")))
    forget()
    reader = Statebag(store, policy=Policy(cache_bytes=cache_bytes))
    passed_on = reader.seal(reader.open(bag), scope="m/e", parent=bag)
    forget()
    assert Statebag(store).open(passed_on) == state


def test_a_large_field_is_kept_with_the_policy_as_it_comes():
    store = MemoryStore()
    state = {"rows": rows(20_000, 900)}  # 18 MB: in pieces, and with its base over half the cache
    writer = Statebag(store)
    state = writer.open(writer.seal(state, scope="m/e"))
    state["rows"][7]["text"] = "PAID"
    bag = writer.seal(state, scope="m/e")
    forget()
    reader = Statebag(store)
    passed_on = reader.seal(reader.open(bag), scope="m/e")
    forget()
    assert Statebag(store).get(passed_on, "$.rows[7].text") == "PAID"


# Memory is kept by everything that decides whether it is true.


def test_a_second_store_at_the_same_address_gets_its_own_objects():
    class Elsewhere(MemoryStore):
        """A bucket of the same name, at another server."""

        url = "s3://states/p"
        identity = None

    for store in (Elsewhere(), Elsewhere()):
        bag = Statebag(store, policy=STORED).seal(STATE, scope="m/e")
        forgetful = Statebag(store)
        with nothing_remembered():
            assert forgetful.open(bag) == STATE


def test_a_wrapper_of_a_users_own_is_a_store_of_its_own():
    class Wrapper:
        def __init__(self, inner):
            self.inner = inner
            self.url = "s3://the-same/always"

        def __getattr__(self, name):
            if name in {"identity", "is_local"}:
                raise AttributeError(name)
            return getattr(self.inner, name)

    stores = [Wrapper(MemoryStore()) for _ in range(3)]
    for store in stores:
        Statebag(store, policy=STORED, replicas=()).seal(STATE, scope="m/e")
    assert [len(list(store.list())) for store in stores] == [1, 1, 1]


def test_a_client_with_a_key_relies_on_nothing_that_was_stored_in_plain():
    store = MemoryStore()
    Statebag(store, policy=STORED, encryption_keys=()).seal(STATE, scope="m/e")
    plain = {info.name for info in store.list()}
    sealing = Statebag(store, policy=STORED, encryption_keys=[b"k" * 32])
    bag = sealing.seal(STATE, scope="m/e")
    own = {info.name for info in store.list()} - plain
    assert {store.get(name)[: len(MAGIC)] for name in own} == {MAGIC}
    for name in plain:
        store.delete(name)
    forget()
    assert sealing.open(bag) == STATE


@pytest.mark.parametrize("as_function", [False, True])
def test_two_keys_read_nothing_of_each_other_from_memory(as_function):
    store = MemoryStore()
    clients = []
    for key in (b"a" * 32, b"b" * 32):
        keys = [key]
        provider = (lambda keys=keys: keys) if as_function else keys
        clients.append(Statebag(store, policy=STORED, encryption_keys=provider, replicas=()))
    bag = clients[0].seal(STATE, scope="m/e")
    assert clients[0].open(bag) == STATE
    with pytest.raises(Exception, match="encrypted with a key that this reader does not have"):
        clients[1].open(bag)


def test_one_function_may_give_each_client_other_keys():
    store, keys = MemoryStore(), [[b"a" * 32], [b"b" * 32]]

    def provider():
        return keys.pop(0)

    one = Statebag(store, policy=STORED, encryption_keys=provider, replicas=())
    two = Statebag(store, policy=STORED, encryption_keys=provider, replicas=())
    bag = one.seal(STATE, scope="m/e")
    with pytest.raises(Exception, match="a key that this reader does not have"):
        two.open(bag)


def test_signing_keys_part_what_is_remembered():
    store = MemoryStore()
    signing = {"a": b"k" * 32}
    plain = Statebag(store, signing_keys={})
    assert plain._memory().known is not Statebag(store, signing_keys=signing)._memory().known


# What was stored may be gone.


@pytest.mark.parametrize("kind", ["memory", "folder"])
@pytest.mark.parametrize("opened", [False, True])
def test_a_store_that_was_emptied_gets_the_state_again(tmp_path, kind, opened):
    store = MemoryStore() if kind == "memory" else FileStore(tmp_path / "store")
    sb = Statebag(store, policy=STORED)
    bag = sb.seal(STATE, scope="m/e")
    state = sb.open(bag) if opened else STATE
    empty(store)
    again = sb.seal(state, scope="m/e")
    forget()
    assert Statebag(store).open(again) == STATE


@pytest.mark.parametrize("edited", [False, True])
def test_one_pack_of_several_that_is_gone_is_written_again(edited):
    store = MemoryStore()
    sb = Statebag(store, policy=STORED)
    state = {"rows": rows(900, 300)}
    for n in range(6):  # each adds a pack of its own
        state["rows"].extend(rows(200, 300, seed=n + 2))
        bag = sb.seal(state, scope="m/e")
        state = sb.open(bag)
    names = [info.name for info in store.list()]
    assert len(names) > 3
    for name in names:
        data = store.get(name)
        store.delete(name)
        if edited:
            state["rows"][3]["text"] = name
        again = sb.seal(state, scope="m/e")
        forget()
        assert Statebag(store).open(again) == state
        store.put(name, data)
        state = sb.open(sb.seal(state, scope="m/e"))


def test_a_patch_is_not_sealed_for_a_base_that_is_gone():
    store = MemoryStore()
    sb = Statebag(store)
    state = sb.open(sb.seal({"rows": rows(400, 300)}, scope="m/e"))
    empty(store)
    state["rows"][3]["text"] = "PAID"
    bag = sb.seal(state, scope="m/e")
    forget()
    assert Statebag(store).open(bag) == state


def remote(store):
    """A store for which a look-up is a request."""
    return RecordingStore(store)


def test_a_remote_store_is_asked_again_once_the_sighting_is_old(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("statebag.store.presence.monotonic", lambda: now[0])
    inner = MemoryStore()
    store = remote(inner)
    sb = Statebag(store, policy=STORED, replicas=())
    sb.seal(STATE, scope="m/e")
    now[0] += STORED.recheck_seconds - 1
    store.forget()
    sb.seal(STATE, scope="m/e")
    assert store.calls == []
    now[0] += 2
    sb.seal(STATE, scope="m/e")
    assert [call.operation for call in store.calls] == ["head"]
    sb.seal(STATE, scope="m/e")
    assert len(store.calls) == 1, "an answer counts as a sighting"
    empty(inner)
    now[0] += STORED.recheck_seconds + 1
    bag = sb.seal(STATE, scope="m/e")
    forget()
    assert Statebag(inner).open(bag) == STATE


def test_with_no_seconds_a_remote_store_is_asked_each_time():
    inner = MemoryStore()
    store = remote(inner)
    sb = Statebag(store, policy=Policy(carry_bytes=0, recheck_seconds=0), replicas=())
    sb.seal(STATE, scope="m/e")
    empty(inner)
    bag = sb.seal(STATE, scope="m/e")
    forget()
    assert Statebag(inner).open(bag) == STATE


def test_what_was_missed_is_not_relied_on_however_young_its_sighting():
    inner = MemoryStore()
    sb = Statebag(remote(inner), policy=STORED, replicas=())
    bag = sb.seal(STATE, scope="m/e")
    empty(inner)
    sb._memory().texts.clear()
    with pytest.raises(BlobMissing):
        sb.open(bag)
    again = sb.seal(STATE, scope="m/e")
    forget()
    assert Statebag(inner).open(again) == STATE


def test_what_only_a_replica_has_is_written_to_the_store():
    store, replica = MemoryStore(), MemoryStore()
    bag = Statebag(store, policy=STORED, replicas=()).seal(STATE, scope="m/e")
    for info in list(store.list()):
        replica.put(info.name, store.get(info.name))
    empty(store)
    forget()
    sb = Statebag(remote(store), policy=STORED, replicas=[replica])
    state = sb.open(bag)
    again = sb.seal(state, scope="m/e")
    forget()
    assert Statebag(store, replicas=()).open(again) == STATE


def test_what_is_damaged_in_the_store_and_whole_in_a_replica_is_written_again():
    store, replica = MemoryStore(), MemoryStore()
    bag = Statebag(store, policy=STORED, replicas=()).seal(STATE, scope="m/e")
    for info in list(store.list()):
        data = store.get(info.name)
        replica.put(info.name, data)
        store.put(info.name, bytes(len(data)))
    forget()
    sb = Statebag(store, policy=STORED, replicas=[replica])
    again = sb.seal(sb.open(bag), scope="m/e")
    forget()
    assert Statebag(store, replicas=()).open(again) == STATE


def test_values_that_were_not_opened_are_handed_on_without_a_request():
    inner = MemoryStore()
    store = remote(inner)
    sb = Statebag(store, policy=Policy(carry_bytes=0, recheck_seconds=0), replicas=())
    bag = sb.seal(STATE, scope="m/e")
    forget()
    store.forget()
    passed_on = sb.seal(sb.open(bag, only=[]), scope="m/e")
    grown = sb.append(passed_on, "$.rows", ["one more"])
    assert [call.operation for call in store.calls] == ["put"]
    assert sb.get(grown, "$.rows[600]") == "one more"


# With every memory switched off the results are the same.


def test_with_nothing_remembered_a_state_is_sealed_and_opened_as_ever():
    store = MemoryStore()
    sb = Statebag(store, policy=STORED)
    with nothing_remembered():
        bags = [sb.seal(STATE, scope="m/e") for _ in range(2)]
        assert bags[0] == bags[1]
        assert sb.open(bags[0]) == STATE
    with usage.measured() as cost:
        assert sb.open(bags[0]) == STATE
    assert cost.blobs_read > 0


def test_settings_of_a_server_that_change_make_another_client(monkeypatch):
    from statebag.default_client import from_environment

    monkeypatch.setenv("STATEBAG_STORE", "memory://settings-" + os.urandom(4).hex())
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    one = from_environment()
    assert from_environment() is one
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2")
    assert from_environment() is not one


def test_clients_of_several_keys_take_nothing_from_each_other_in_one_scope():
    store = MemoryStore()
    keys = [(), [b"a" * 32], [b"b" * 32], [b"b" * 32, b"a" * 32]]
    clients = [Statebag(store, policy=STORED, encryption_keys=one, replicas=()) for one in keys]
    state = {"text": noise(60_000, 1), "rows": [noise(300, n) for n in range(900)]}
    for _ in range(2):
        bags = [client.seal(state, scope="m/e") for client in clients]
        forget()
        assert [one.open(bag) for one, bag in zip(clients, bags, strict=True)] == [state] * 4
        forget()
    assert len(list(store.list())) == 3, "one pack for each key that encrypts, and a plain one"


def test_arrays_that_are_written_item_by_item_have_packs_for_each_key():
    store = MemoryStore()
    clients = [Statebag(store, encryption_keys=one, replicas=()) for one in ((), [b"a" * 32])]
    arrays = []
    for client in clients:
        writer = client.array_writer("m/e")
        for place in range(2000):
            writer.add(place, json_text.encode(noise(100, place)))
        arrays.append(writer.finish())
    expected = [noise(100, place) for place in range(2000)]
    forget()
    assert [one.open(array) for one, array in zip(clients, arrays, strict=True)] == [expected] * 2


def test_a_pack_of_a_key_is_made_again_from_memory_and_found_whole():
    from statebag.upkeep.fsck import fsck

    store = MemoryStore()
    sb = Statebag(store, policy=STORED, encryption_keys=[b"a" * 32], replicas=())
    bag = sb.seal(STATE, scope="m/e")
    assert fsck(sb.store, bags={"now": bag}).faults == []
    empty(store)
    assert list(sb.repair(bag).values()) == ["what this process has in memory"]
    forget()
    assert sb.open(bag) == STATE


def test_an_index_node_inside_of_a_new_one_is_looked_up_too():
    store = MemoryStore()
    policy = Policy(carry_bytes=0, piece_bytes=4096, max_packs=10**6)
    sb = Statebag(store, policy=policy)
    base = rows(6000, 100, seed=0)

    def sealed(*edits):
        edited = list(base)
        for place, text in edits:
            edited[place] = {"id": place, "text": text * 100}
        return {"rows": edited}, sb.seal({"rows": edited}, scope="m/e")

    for place in range(100, 3000, 211):
        one, two = (place, "a"), (place + 60, "b")  # in other pieces, often below one node
        for edits in ((), (one,), (two,)):
            sealed(*edits)
        before = {info.name for info in store.list()}
        sealed(one, two)  # often the node alone is new
        new = {info.name: store.get(info.name) for info in store.list() if info.name not in before}
        for name in new:
            store.delete(name)
        state, bag = sealed(one, two, (5000, f"{place}"))
        with nothing_remembered():
            assert sb.open(bag) == state
        for name, data in new.items():
            store.put(name, data)


def test_a_thread_that_opens_old_bags_does_not_remind_another_of_what_is_gone():
    store = MemoryStore()
    sb = Statebag(store, policy=STORED)
    bag = sb.seal(STATE, scope="m/e")
    sb.open(bag)
    done = threading.Event()

    def read_from_memory():
        while not done.is_set():
            sb.open(bag)

    thread = threading.Thread(target=read_from_memory)
    thread.start()
    try:
        for _ in range(40):
            empty(store)
            again = sb.seal(STATE, scope="m/e")
            with nothing_remembered():
                assert sb.open(again) == STATE
    finally:
        done.set()
        thread.join()


def test_stores_that_compare_equal_are_two_stores():
    @dataclass(frozen=True)
    class Named:
        name: str
        inner: MemoryStore = field(compare=False)
        url: str = "own://a"

        def __getattr__(self, attribute):
            if attribute in {"identity", "is_local", "salt"}:
                raise AttributeError(attribute)
            return getattr(self.inner, attribute)

    stores = [Named("same", MemoryStore()) for _ in range(2)]
    for store in stores:
        Statebag(store, policy=STORED, replicas=()).seal(STATE, scope="m/e")
    assert [len(list(store.inner.list())) for store in stores] == [1, 1]


def test_a_client_that_requires_encryption_takes_nothing_plain_from_memory():
    store, keys = MemoryStore(), [b"a" * 32]
    bag = Statebag(store, policy=STORED, encryption_keys=(), replicas=()).seal(STATE, scope="m/e")
    assert Statebag(store, encryption_keys=keys, replicas=()).open(bag) == STATE
    strict = Statebag(
        store, policy=Policy(require_encryption=True), encryption_keys=keys, replicas=()
    )
    with pytest.raises(NotPermitted):
        strict.open(bag)
