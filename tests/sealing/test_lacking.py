"""Deltas of values that are too large for the cache start from chunks that are read for them."""

import msgspec
import pytest

from statebag import Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.stub import Patched
from statebag.opening.known import Bases
from statebag.opening.verified import Listed
from statebag.sealing import pieces
from statebag.sealing.lacking import NeedsBase, ReadBases, lacking, with_base
from statebag.sealing.plan import Planner
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from tests.bags import blobs, noise, stubs
from tests.sealing.moves import move_from

POLICY = Policy(cache_bytes=60_000, carry_bytes=4096, field_limit=512, piece_bytes=1024)
SCOPE = "machine/run"


def rows(count):
    return [{"n": n, "text": noise(200, n)} for n in range(count)]


VALUES = {
    "a string": lambda: noise(100_000, 1),
    "an array": lambda: rows(400),
    "an object": lambda: {str(n): one for n, one in enumerate(rows(400))},
    "an array in an item": lambda: [{"id": 1}, {"id": 2, "inner": rows(400)}],
}


def edited(value, n):
    if isinstance(value, str):
        place = n * 7919 % len(value)
        return f"{value[:place]}<{n}>{value[place + 2 :]}"
    if isinstance(value, dict):
        name = list(value)[n * 37 % len(value)] if len(value) > 10 else list(value)[-1]
        return {**value, name: edited(value[name], n)}
    if len(value) > 10:
        return [*value[: n * 37 % 250], {"n": n}, *value[n * 37 % 250 + 1 :]]
    return [*value[:-1], edited(value[-1], n)] if isinstance(value, list) else value


def change(value, n):
    if isinstance(value, dict) and len(value) > 10:
        return {**value, str(n * 37 % 250): {"n": n}}
    return edited(value, n)


@pytest.mark.parametrize("cold", [True, False], ids=["opened by another process", "sealed here"])
@pytest.mark.parametrize("name", VALUES)
def test_small_edits_of_a_value_beyond_the_cache_write_nothing(name, cold):
    store = MemoryStore()
    forget()
    client, value = Statebag(store, policy=POLICY), VALUES[name]()
    bag = client.seal({"v": value}, scope=SCOPE)
    for n in range(6):
        if cold:
            forget()
            value = client.open(bag, scope=SCOPE)["v"]
        value = change(value, n)
        with usage.measured() as cost:
            bag = client.seal({"v": value}, scope=SCOPE)
        assert (cost.puts, cost.gets <= 1) == (0, True)
        assert any(isinstance(one, Patched) for one in stubs(bag))
    forget()
    assert encode(client.open(bag, scope=SCOPE)) == encode({"v": value})


def test_a_long_run_flushes_now_and_then():
    store = MemoryStore()
    forget()
    client, value = Statebag(store, policy=POLICY), VALUES["a string"]()
    bag = client.seal({"v": value}, scope=SCOPE)
    with usage.measured() as cost:
        for n in range(60):
            forget()
            value = edited(client.open(bag, scope=SCOPE)["v"], n)
            bag = client.seal({"v": value, "n": n}, scope=SCOPE)
    assert 0 < cost.puts < 20
    forget()
    assert client.open(bag, scope=SCOPE) == {"v": value, "n": 59}


@pytest.mark.parametrize(
    "new",
    [
        lambda value: value + noise(300, 7),
        lambda _: noise(100_000, 8),
        lambda value: value[:1000],
        lambda value: value,
    ],
    ids=["grew", "is another", "is mostly gone", "is the same"],
)
def test_nothing_is_read_where_no_delta_can_be_short(new):
    store = MemoryStore()
    forget()
    client, value = Statebag(store, policy=POLICY), VALUES["a string"]()
    bag = client.seal({"v": value}, scope=SCOPE)
    forget()
    value = new(client.open(bag, scope=SCOPE)["v"])
    with usage.measured() as cost:
        bag = client.seal({"v": value}, scope=SCOPE)
    assert cost.gets <= 1
    forget()
    assert client.open(bag, scope=SCOPE) == {"v": value}


@pytest.mark.parametrize("kind", ["before", "after", "truncate"])
def test_a_chunk_that_cannot_be_read_costs_a_write_and_no_more(kind):
    inner = MemoryStore()
    store = FaultyStore(inner, [Fault("get_ranges", call, kind) for call in range(1, 9)])
    policy = Policy(cache_bytes=8_000, carry_bytes=4096, field_limit=512, piece_bytes=1024)
    forget()
    client, value = Statebag(store, policy=policy), VALUES["a string"]()
    client.seal({"v": value}, scope=SCOPE)
    value = edited(value, 3)
    with usage.measured() as cost:
        bag = client.seal({"v": value}, scope=SCOPE)
    assert cost.puts == 1
    forget()
    assert Statebag(inner).open(bag, scope=SCOPE) == {"v": value}


def test_a_lost_pack_is_written_again():
    store = MemoryStore()
    forget()
    client, value = Statebag(store, policy=POLICY), VALUES["a string"]()
    bag = client.seal({"v": value}, scope=SCOPE)
    for name in {blob.at for blob in blobs(bag, store)}:
        store.delete(name)
    value = edited(value, 1)
    bag = client.seal({"v": value}, scope=SCOPE)
    forget()
    assert client.open(bag, scope=SCOPE) == {"v": value}


SEVERAL = ["an array", "an object"]
ROOMY = Policy(cache_bytes=250_000, carry_bytes=4096, field_limit=512, piece_bytes=1024)


def several(count=8):
    """Fields each of which the cache has room for, and by far not for all."""
    return {f"f{n}": VALUES[SEVERAL[n % 2]]() for n in range(count)}


@pytest.fixture
def work(monkeypatch):
    """Count the plans of states, and the items that are cut."""
    done = {"plans": 0, "items": 0}
    part, cut = Planner.part, pieces.cut

    def counted(planner, value, path):
        done["plans"] += not path
        return part(planner, value, path)

    def cut_counted(items, aim):
        done["items"] += len(items)
        return cut(items, aim)

    monkeypatch.setattr(Planner, "part", counted)
    monkeypatch.setattr(pieces, "cut", cut_counted)
    return done


@pytest.mark.parametrize("cold", [True, False], ids=["opened by another process", "sealed here"])
def test_of_a_state_beyond_the_cache_only_what_changed_is_cut_or_written(cold, work):
    store = MemoryStore()
    forget()
    client, state = Statebag(store, policy=ROOMY), several()
    bag = client.seal(state, scope=SCOPE)
    for n in range(10):
        if cold:
            forget()
            state = client.open(bag, scope=SCOPE)
        name = f"f{n * 3 % 8}"
        state[name] = change(state[name], n)
        work.update(plans=0, items=0)
        with usage.measured() as cost:
            bag = client.seal(state, scope=SCOPE)
        assert (cost.puts, cost.gets <= 1, work["plans"]) == (0, True, 1)
        if cold:  # a process that only seals makes each delta again
            assert work["items"] <= 400, "no field is cut, but the one that changed"
    forget()
    assert encode(client.open(bag, scope=SCOPE)) == encode(state)


def test_a_state_beyond_the_cache_that_is_the_same_has_the_same_bag(work):
    store = MemoryStore()
    forget()
    client, state = Statebag(store, policy=ROOMY), several()
    bag = client.seal(state, scope=SCOPE)
    again = client.seal(state, scope=SCOPE)
    forget()
    work.update(plans=0, items=0)
    state = client.open(bag, scope=SCOPE)
    with usage.measured() as cost:
        assert client.seal(state, scope=SCOPE) == again == bag
    assert (cost.puts, cost.gets, work["plans"], work["items"]) == (0, 0, 1, 0)


def test_values_known_by_their_chunks_are_written_again_where_a_pack_is_lost():
    store = MemoryStore()
    forget()
    client, state = Statebag(store, policy=ROOMY), several()
    bag = client.seal(state, scope=SCOPE)
    for name in {blob.at for blob in blobs(bag, store)}:
        store.delete(name)
    state["f7"] = change(state["f7"], 1)
    bag = client.seal(state, scope=SCOPE)
    forget()
    assert client.open(bag, scope=SCOPE) == state


def test_values_known_by_their_chunks_move_where_packs_are_merged():
    store = MemoryStore()
    policy = msgspec.structs.replace(ROOMY, carry_bytes=0, max_packs=2)
    forget()
    client, state = Statebag(store, policy=policy), several()
    bag = client.seal(state, scope=SCOPE)
    for n in range(24):
        forget()
        state = client.open(bag, scope=SCOPE)
        state[f"f{n % 8}"] = change(state[f"f{n % 8}"], n)
        bag = client.seal(state, scope=SCOPE)
    assert len({blob.at for blob in blobs(bag, store)}) <= 4
    forget()
    assert encode(client.open(bag, scope=SCOPE)) == encode(state)


@pytest.mark.parametrize("settings", [{"forms": 1}, {"carry_bytes": 0}])
def test_a_policy_without_deltas_reads_nothing(settings):
    store = MemoryStore()
    policy = Policy(**{"cache_bytes": 60_000, "field_limit": 512, "piece_bytes": 1024, **settings})
    forget()
    client, value = Statebag(store, policy=policy), rows(400)
    client.seal({"v": value}, scope=SCOPE)
    value = change(value, 3)
    with usage.measured() as cost:
        bag = client.seal({"v": value}, scope=SCOPE)
    assert cost.gets == 0
    forget()
    assert client.open(bag, scope=SCOPE) == {"v": value}


def chunked():
    """A stored array, with its index."""
    store = MemoryStore()
    forget()
    bag = Statebag(store, policy=POLICY).seal({"v": rows(100)}, scope="m")
    (stub,) = [one for one in stubs(bag) if one.kind == "array"]
    opener = move_from(store=store)
    entries = stub.read.entries
    while any(one.level for one in entries):
        below = opener.listed([one for one in entries if one.level], ("v",))
        entries = tuple([each for one in entries for each in below.get(one, (one,))])
    return store, Listed(stub.read, entries, frozenset(stub.packs()))


def test_what_lacks_is_what_is_not_held():
    _, listed = chunked()
    texts = {one.sha256: b"" for one in listed.pieces}
    assert lacking(listed, texts) is None
    assert lacking(listed, {}) is None
    first = listed.pieces[0]
    assert lacking(listed, {k: v for k, v in texts.items() if k != first.sha256}) == [first.blob]


def test_a_base_that_cannot_be_read_is_not_asked_for_again():
    _, listed = chunked()
    elsewhere = move_from(store=MemoryStore())
    held = {one.sha256: b"" for one in listed.pieces[1:]}
    bases = with_base(Bases(1000), NeedsBase(("v",), listed, held), elsewhere._fetcher)
    assert isinstance(bases, ReadBases)
    assert bases.read == {("v",): None}
    assert bases.index("m", ("v",)) is None
    assert bases.find("m", ("v",)) is None
