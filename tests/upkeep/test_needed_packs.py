"""All packs that a bag needs, also those that an index names, without reading a value."""

import pytest

from statebag import BlobMissing, InvalidStub, Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.needed_packs import NeededPacks
from tests.bags import blobs, noise

STORING = Policy(carry_bytes=0, field_limit=300, piece_bytes=1024, max_packs=8)


def long_life(sb, steps=40):
    """The bags of a state whose arrays are in chunks behind index nodes, with deltas."""
    state, bags = {"log": [], "doc": noise(4000)}, []
    for step in range(steps):
        state["log"] += [noise(300, 10 * step + n) for n in range(10)]
        state["doc"] = state["doc"][:-10] + noise(10, step)
        bags.append(sb.seal(state, scope="m/e"))
    return bags


def test_the_packs_are_exactly_those_that_an_open_reads_from():
    store = RecordingStore(MemoryStore())
    sb = Statebag(store, policy=STORING, replicas=())
    bags = long_life(sb)
    assert max(len(sb.packs(bag)) for bag in bags) > 3
    for bag in (bags[0], bags[7], bags[-1]):
        assert sb.packs(bag) == sorted({blob.at for blob in blobs(bag, store)})
        forget()
        store.forget()
        sb.open(bag)
        assert {call.name for call in store.calls} == set(sb.packs(bag))


def test_what_several_bags_share_is_read_once():
    store = RecordingStore(MemoryStore())
    sb = Statebag(store, policy=STORING, replicas=())
    bags = long_life(sb)
    needed = NeededPacks(store)
    needed.of(bags[-1])
    store.forget()
    needed.of(bags[-1])
    assert store.calls == []


def test_without_stubs_nothing_is_needed():
    sb = Statebag(MemoryStore(), replicas=())
    assert sb.packs({"a": [1, {"b": None}]}) == []
    with pytest.raises(InvalidStub):
        sb.packs({"__statebag__": {"v": 1}})


def test_a_lost_index_is_said_to_be():
    store = MemoryStore()
    sb = Statebag(store, policy=STORING, replicas=())
    bag = long_life(sb)[-1]
    for name in sb.packs(bag):
        store.delete(name)
    forget()
    with pytest.raises(BlobMissing):
        sb.packs(bag)
