"""References from one execution to the objects of another."""

import pytest

from statebag import Policy, Statebag
from statebag.errors import BlobCorrupt
from statebag.store.memory import MemoryStore
from statebag.upkeep.outside import referred_from_elsewhere
from tests.bags import noise

POLICY = Policy(carry_bytes=0, readable_scopes=("machine/first",))


@pytest.fixture
def store():
    """The second execution's index lists chunks of the first one's."""
    store = MemoryStore()
    client = Statebag(store, policy=POLICY)
    items = [noise(500, n) for n in range(1000)]
    first = client.seal({"list": items}, scope="machine/first")
    second = client.open(first, only=["$.nothing"], scope="machine/second")
    for n in range(20):
        bag = client.seal(second, scope="machine/second")
        bag = client.append(
            bag, "list", [noise(500, 1000 + 60 * n + i) for i in range(60)], scope="machine/second"
        )
        second = client.open(bag, only=["$.nothing"], scope="machine/second")
    return store


def packs(store, scope):
    return [info.name for info in store.list(scope)]


def test_an_index_of_another_execution_holds_a_scope(store):
    found = referred_from_elsewhere(store, {"machine/first"})
    assert found.keys() == {"machine/first"}
    assert found["machine/first"] in packs(store, "machine/second")
    assert referred_from_elsewhere(store, {"machine/second"}) == {}
    assert referred_from_elsewhere(store, {"machine/first"}, of={"machine/third"}) == {}


def test_an_object_that_cannot_be_read_stops_everything(store):
    name = packs(store, "machine/second")[0]
    store.put(name, store.get(name)[:-20])
    with pytest.raises(BlobCorrupt):
        referred_from_elsewhere(store, {"machine/first"})
