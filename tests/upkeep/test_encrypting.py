"""Objects from before there were keys are encrypted, each once."""

import pytest

from statebag import Policy, Statebag
from statebag.errors import ConfigurationError
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.upkeep.encrypting import encrypt_plain
from tests.bags import noise

POLICY = Policy(carry_bytes=0)
STATE = {"text": noise(40_000, 1)}


@pytest.fixture
def store():
    store = MemoryStore()
    Statebag(store, policy=POLICY).seal(STATE, scope="machine/run")
    store.put("machine/run/map/SUCCEEDED_0.json", b"[]")
    forget()
    return store


def test_packs_are_encrypted_and_the_objects_of_others_are_left(store):
    (pack, _) = (info.name for info in store.list())
    plain = store.get(pack)
    client = Statebag(store, policy=POLICY, encryption_keys=[b"k" * 32])
    assert encrypt_plain(client.store, dry_run=True) == [pack]
    assert store.get(pack) == plain
    assert encrypt_plain(client.store) == [pack]
    assert store.get(pack) != plain
    assert client.store.get(pack) == plain
    assert store.get("machine/run/map/SUCCEEDED_0.json") == b"[]"
    assert encrypt_plain(client.store) == []


def test_a_damaged_pack_is_left_to_a_repair(store):
    (pack, _) = (info.name for info in store.list())
    store.put(pack, store.get(pack)[:-1])
    client = Statebag(store, policy=POLICY, encryption_keys=[b"k" * 32])
    assert encrypt_plain(client.store) == []


def test_a_store_without_keys_is_refused(store):
    with pytest.raises(ConfigurationError, match="no encryption keys"):
        encrypt_plain(Statebag(store, policy=POLICY).store)
