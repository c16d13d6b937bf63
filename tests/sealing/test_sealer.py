"""One seal: what it writes before it returns, and what it does where memory is wrong."""

import pytest

from statebag import (
    BagTooLarge,
    ConfigurationError,
    InvalidState,
    Policy,
    Statebag,
    StoreUnavailable,
)
from statebag.store.memory import MemoryStore
from statebag.testing import FaultyStore, RecordingStore
from statebag.testing.faulty_store import Fault
from tests.bags import noise

POLICY = Policy(carry_bytes=0, attempts=3)
STATE = {"text": noise(40_000, 1), "n": 1}


def test_one_write_and_then_none_for_the_same_state():
    store = RecordingStore(MemoryStore())
    client = Statebag(store, policy=POLICY)
    bag = client.seal(STATE, scope="m/e")
    assert len(store.of("put")) == 1
    assert client.seal(STATE, scope="m/e") == bag
    assert len(store.of("put")) == 1
    client.seal(STATE, scope="m/e", heal=True)
    assert len(store.of("put")) == 2


def test_a_write_that_fails_gives_no_bag_and_is_not_remembered():
    store = FaultyStore(MemoryStore(), [Fault("put", call) for call in (1, 2, 3)])
    client = Statebag(store, policy=Policy(carry_bytes=0, attempts=3))
    with pytest.raises(StoreUnavailable):
        client.seal(STATE, scope="m/e")
    bag = client.seal(STATE, scope="m/e")
    assert Statebag(store, policy=POLICY).open(bag) == STATE


def test_a_pack_that_the_store_lost_is_written_again():
    store = MemoryStore()
    client = Statebag(store, policy=POLICY)
    bag = client.seal(STATE, scope="m/e")
    (name,) = (info.name for info in store.list())
    store.delete(name)
    assert client.seal({**STATE, "n": 2}, scope="m/e") == {**bag, "n": 2}
    assert [info.name for info in store.list()] == [name]


@pytest.mark.parametrize("budget", ["1", 1.5, True])
def test_a_budget_is_an_int(budget):
    with pytest.raises(ConfigurationError, match="budget must be an int, not"):
        Statebag(MemoryStore()).seal({}, budget=budget)


def test_what_json_cannot_hold_is_refused_before_a_request():
    store = RecordingStore(MemoryStore())
    client = Statebag(store, policy=Policy(carry_bytes=0, control=("text",)))
    for state in ({**STATE, "bad": float("nan")}, {**STATE, "bad": "\ud800"}, {1: 2}):
        with pytest.raises(InvalidState):
            client.seal(state, scope="m/e")
    with pytest.raises(BagTooLarge):
        client.seal(STATE, scope="m/e", budget=1000)
    assert store.of("put") == []


def test_without_a_scope_objects_have_one_of_their_own():
    store = MemoryStore()
    Statebag(store, policy=POLICY).seal(STATE)
    assert all(info.name.startswith("unscoped/") for info in store.list())
