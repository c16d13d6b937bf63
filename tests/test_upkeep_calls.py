"""The calls of a client that look after what is stored; their work is tried in tests/upkeep."""

import pytest

from statebag import BlobMissing, Policy, Statebag
from statebag.client import Statebag as Client
from statebag.store.memory import MemoryStore
from statebag.testing import forget
from statebag.upkeep_calls import UpkeepCalls
from tests.bags import noise


@pytest.fixture
def client():
    forget()
    return Statebag(MemoryStore(), policy=Policy(carry_bytes=0))


def test_they_are_calls_of_the_client():
    names = {name for name in vars(UpkeepCalls) if not name.startswith("_")}
    assert names > {"packs", "repair", "export", "unpack", "map_results", "delete_objects"}
    assert all(getattr(Client, name) is getattr(UpkeepCalls, name) for name in names)


def test_the_packs_of_a_bag_and_what_goes_with_them(client):
    state = {"text": noise(40_000, 1)}
    bag = client.seal(state, scope="m/e")
    (name,) = client.packs(bag)
    assert [info.name for info in client.store.list()] == [name]
    client.delete_objects([name])
    forget()
    with pytest.raises(BlobMissing):
        Statebag(client.store).open(bag)
    assert client.seal(state, scope="m/e") == bag, "a later seal writes it again"
    assert client.packs(bag) == [info.name for info in client.store.list()]


def test_an_archive_needs_no_store_and_no_keys(client):
    state = {"text": noise(40_000, 2)}
    data = client.export(client.seal(state, scope="m/e"))
    other = Statebag(MemoryStore(), signing_keys={"one": b"k" * 32})
    assert other.open(other.unpack(data, scope="m/two")) == state
