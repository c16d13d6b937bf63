"""A parent bag that lies, or whose objects are damaged, costs a write, and never the state."""

import copy
import random

import pytest

from statebag import InvalidStub, Policy, Statebag, StatebagError
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.sealing import parent as parents
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import blobs, noise, stubs

SCOPE = "machine/run"
POLICY = Policy(
    carry_bytes=6000, field_limit=2000, piece_bytes=1024, max_bag_bytes=14_000, attempts=1
)
STORING = Policy(carry_bytes=0, field_limit=2000, piece_bytes=1024, max_bag_bytes=14_000)
KEY_OF_OBJECTS = b"e" * 32


def state_of(edit="middle"):
    return {
        "status": "RUNNING",
        "stored": noise(7000),
        "other": noise(7000, 77),
        "patched": noise(20_000, 5) + edit + noise(20_000, 6),
        "log": [{"n": n, "text": noise(500, n)} for n in range(60)],
        "few": [noise(900, 100 + n) for n in range(4)],
        "table": {f"row {n}": noise(300, 200 + n) for n in range(40)},
        "long": "".join(noise(3000, 300 + n) for n in range(12)),
        "inner": {
            "phase": "one",
            "big": noise(5000, 9),
            **{f"key {i}": "v" * 40 for i in range(300)},
        },
    }


def made(policy, **keys):
    """A store, a bag of every form, and its state."""
    forget()
    store = MemoryStore()
    client = Statebag(store, policy=policy, **keys)
    opened = client.open(client.seal(state_of(), scope=SCOPE))
    opened["patched"] = state_of("changed")["patched"]
    return store, client.seal(opened, scope=SCOPE), opened


def opens(store, bag, state, **keys):
    forget()
    client = Statebag(store, policy=POLICY, **keys)
    assert encode(client.open(bag, scope=SCOPE)) == encode(state)
    forget()
    assert client.get(bag, "$.few[-1]", scope=SCOPE) == state["few"][-1]
    assert client.get(bag, "$.log[-1]", scope=SCOPE) == state["log"][-1]


def ways(value, way=()):
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*way, key), member
            yield from ways(member, (*way, key))


def at(value, way):
    for part in way:
        value = value[part]
    return value


def lies(bag, share):
    """The bag with one wrong leaf, for a share of all wrong values of all leaves of its stubs."""
    leaves = [
        (way, leaf) for way, leaf in ways(bag) if KEY in way and not isinstance(leaf, dict | list)
    ]
    by_type: dict[type, list] = {}
    for _, leaf in leaves:
        if leaf not in by_type.setdefault(type(leaf), []):
            by_type[type(leaf)].append(leaf)
    chance = random.Random(7)
    for way, leaf in leaves:
        wrong = [chance.choice(by_type[type(leaf)])]
        if isinstance(leaf, int):
            wrong += [leaf + 1, leaf - 1, 0, leaf + 10_000]
        elif leaf in ("array", "object"):
            wrong = [{"array": "object", "object": "array"}[leaf]]
        for one in wrong:
            if one == leaf or chance.random() > share:
                continue
            forged = copy.deepcopy(bag)
            at(forged, way[:-1])[way[-1]] = one
            yield way, one, forged
    # Two rows of one index that change places, and a stub in the place of another one.
    for way, rows in ways(bag):
        if way[-1] == "pieces" and len(rows) > 1:
            forged = copy.deepcopy(bag)
            at(forged, way)[:2] = rows[1::-1]
            yield way, "swapped", forged
            if len(rows[0]) == len(rows[1]):  # counts that are wrong, with the right sum
                forged = copy.deepcopy(bag)
                at(forged, way)[0][0] += 1
                at(forged, way)[1][0] -= 1
                yield way, "counts", forged
    for one in ("stored", "other", "few", "log", "long", "table"):
        for two in ("stored", "log", "table"):
            yield (one,), two, {**bag, one: copy.deepcopy(bag[two])}


@pytest.mark.parametrize("policy", [POLICY, STORING], ids=["default", "stored"])
@pytest.mark.parametrize("looked_up", [False, True])
def test_no_lie_of_a_parent_gets_into_the_new_bag(policy, looked_up, monkeypatch):
    if looked_up:
        monkeypatch.setattr(parents, "_MOST_COMPARED", 0)
    store, bag, state = made(policy)
    forms = {type(stub).__name__ for stub in stubs(bag)}
    assert {"Stored", "Pieces", "Patched" if policy is POLICY else "Rest"} <= forms
    before = {one.name: store.get(one.name) for one in store.list()}
    tried = 0
    for way, _, forged in lies(bag, 0.07):
        tried += 1
        forget()
        sealed = Statebag(store, policy=policy).seal(state, parent=forged, scope=SCOPE)
        forget()
        try:
            assert encode(Statebag(store).open(sealed, scope=SCOPE)) == encode(state)
        except StatebagError as error:
            pytest.fail(f"{way}: {error}")
    assert tried > 60
    assert {name: store.get(name) for name in before} == before


def test_a_parent_that_tells_the_truth_is_not_written_again():
    store, bag, state = made(POLICY)
    forget()
    with usage.measured() as cost:
        sealed = Statebag(store, policy=POLICY).seal(state, parent=bag, scope=SCOPE)
    assert cost.puts == 0
    opens(store, sealed, state)


def damaged(data):
    for place in range(0, len(data), len(data) // 9):
        yield data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    for length in (0, 8, len(data) // 2, len(data) - 1):
        yield data[:length]


@pytest.mark.parametrize("keys", [{}, {"encryption_keys": [KEY_OF_OBJECTS]}], ids=["", "encrypted"])
def test_a_damaged_object_of_the_parent_is_written_again(keys):
    if keys:
        pytest.importorskip("cryptography")
    store, bag, state = made(POLICY, **keys)
    for info in list(store.list()):
        whole = store.get(info.name)
        for data in damaged(whole):
            store.put(info.name, data)
            forget()
            client = Statebag(store, policy=POLICY, **keys)
            opens(store, client.seal(state, parent=bag, scope=SCOPE), state, **keys)
        store.put(info.name, whole)


@pytest.mark.parametrize("keep", [0, 100, 4000, -1])
def test_an_object_that_is_cut_short_is_found_without_a_read_of_it(keep, monkeypatch):
    monkeypatch.setattr(parents, "_MOST_COMPARED", 0)
    store, bag, state = made(STORING)
    for info in list(store.list()):
        whole = store.get(info.name)
        store.put(info.name, whole[:keep])
        forget()
        client = Statebag(store, policy=STORING)
        opens(store, client.seal(state, parent=bag, scope=SCOPE), state)
        store.put(info.name, whole)


def test_an_object_that_a_process_remembers_and_that_was_cut_short_is_written_again():
    store, bag, state = made(STORING)
    client = Statebag(store, policy=STORING)
    client.open(bag, scope=SCOPE)
    for info in list(store.list()):
        store.put(info.name, store.get(info.name)[:-1])
    opens(store, client.seal(state, scope=SCOPE), state)


def test_a_large_state_is_looked_up_and_not_read():
    store = MemoryStore()
    state = {"rows": [{"n": n, "text": noise(900, n)} for n in range(6000)], "text": "t" * 60_000}
    forget()
    parent = Statebag(store).seal(state, scope=SCOPE)
    state["rows"].append("another")
    forget()
    recording = RecordingStore(store)
    client = Statebag(recording)
    with usage.measured() as cost:
        bag = client.seal(state, parent=parent, scope=SCOPE)
    asked = [call.operation for call in recording.calls]
    assert cost.puts == 0
    assert cost.bytes_got < parents._MOST_COMPARED + 600_000  # index nodes, and indexes of packs
    assert asked.count("head") <= len({blob.at for blob in blobs(bag, store)})
    assert asked.count("get_ranges") <= 7
    # And only once: neither the bag that it sealed nor this parent is asked for again.
    for again in (parent, bag):
        before = len(recording.calls)
        state["rows"].append("more")
        bag = client.seal(state, parent=again, scope=SCOPE)
        assert len(recording.calls) == before
    forget()
    assert Statebag(store).open(bag, scope=SCOPE) == state


@pytest.mark.parametrize("change", [None, "edit"])
def test_a_process_that_opened_or_sealed_the_parent_asks_for_nothing(change):
    store, bag, state = made(POLICY)
    recording = RecordingStore(store)
    client = Statebag(recording, policy=POLICY)
    client.open(bag, scope=SCOPE)
    before = len(recording.calls)
    if change:
        state["few"][1] = "edited"
    sealed = client.seal(state, parent=bag, scope=SCOPE)
    state["few"][2] = "again"
    client.seal(state, parent=sealed, scope=SCOPE)
    assert "get_ranges" not in [call.operation for call in recording.calls[before:]]


def test_a_parent_with_keys_is_verified_too():
    signing = {"first": b"s" * 32}
    store, bag, state = made(POLICY, signing_keys=signing)
    (name, *_) = [info.name for info in store.list()]
    whole = store.get(name)
    store.put(name, whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])
    forget()
    client = Statebag(store, policy=POLICY, signing_keys=signing)
    opens(store, client.seal(state, parent=bag, scope=SCOPE), state, signing_keys=signing)


def with_leaf(bag, way, value):
    forged = copy.deepcopy(bag)
    at(forged, way[:-1])[way[-1]] = value
    return forged


@pytest.mark.parametrize(
    ("field", "shape"),
    [
        ("stored", {"kind": "array", "count": 1}),
        ("stored", {"kind": "object", "count": 0}),
        ("few", {"count": 9}),
        ("few", {"kind": "object"}),
    ],
)
def test_an_open_that_failed_teaches_a_process_no_wrong_shape(field, shape):
    store, _, _ = made(STORING)
    client = Statebag(store, policy=Policy(carry_bytes=0, field_limit=2000, max_bag_bytes=14_000))
    state = state_of()
    bag = client.seal(state, scope=SCOPE)  # `few` is one blob
    forged = {**bag, field: {KEY: {**bag[field][KEY], **shape}}}
    forget()
    with pytest.raises(InvalidStub):
        client.open(forged, scope=SCOPE)
    opens(store, client.seal(state, scope=SCOPE), state)


def test_rows_whose_counts_are_wrong_are_refused_and_not_remembered():
    store = MemoryStore()
    client = Statebag(store, policy=STORING)
    state = {**state_of(), "log": [{"n": n, "text": noise(100, n)} for n in range(24)]}
    bag = client.seal(state, scope=SCOPE)
    forged = copy.deepcopy(bag)
    rows = forged["log"][KEY]["pieces"]
    assert len(rows[0]) == len(rows[1]) == 6  # chunks, and no index nodes
    rows[0][0] += 1
    rows[1][0] -= 1
    forget()
    with pytest.raises(InvalidStub, match="members that its stub says"):
        client.open(forged, scope=SCOPE)
    opens(store, client.seal(state, scope=SCOPE), state)


def test_a_pack_that_only_a_replica_had_whole_is_written_again():
    """Also if another part of it was read whole afterwards."""
    store, replica = MemoryStore(), MemoryStore()
    state = {"first": noise(90_000, 1), "second": noise(90_000, 2)}
    forget()
    bag = Statebag(store).seal(state, scope=SCOPE)
    (info,) = store.list()
    whole = store.get(info.name)
    replica.put(info.name, whole)
    store.put(info.name, whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    forget()
    client = Statebag(store, replicas=[replica])
    assert client.open(bag, only=["first"], scope=SCOPE)["first"] == state["first"]
    assert client.open(bag, only=["second"], scope=SCOPE)["second"] == state["second"]
    sealed = client.seal({**state, "n": 1}, parent=bag, scope=SCOPE)
    forget()
    assert Statebag(store).open(sealed, scope=SCOPE) == {**state, "n": 1}
