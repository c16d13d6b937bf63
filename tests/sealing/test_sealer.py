"""One seal: what it writes before it returns, and what it does where memory is wrong."""

import base64
import json

import pytest

from statebag import (
    BagTooLarge,
    ConfigurationError,
    InvalidState,
    LimitExceeded,
    Policy,
    Statebag,
    StoreUnavailable,
)
from statebag.format.stub import KEY
from statebag.sealing import sealer
from statebag.store.memory import MemoryStore
from statebag.telemetry.usage import measured
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


_LIKE_FORMS = {
    "a stub": {KEY: {"v": 1, "sha256": "0" * 64}},
    "the key beside others": {KEY: 1, "b": 2},
    "a field's pointer": {"type": "s3_reference", "s3_path": "s3://b/k", "size_kb": 1},
    "a state's pointer": {"__s3_offloaded": True, "__s3_path": "s3://b/k"},
    "a bag's text as a name": {json.dumps({KEY: {"v": 1}}): 1},
    "that in base64": {base64.b64encode(json.dumps({KEY: {"v": 1}}).encode()).decode(): 1},
}


@pytest.mark.parametrize("like", _LIKE_FORMS.values(), ids=_LIKE_FORMS)
@pytest.mark.parametrize("strict", [False, True])
def test_data_that_looks_like_a_form_stays_data_at_any_depth(like, strict):
    client = Statebag(MemoryStore(), policy=Policy(strict=strict))
    before = {"plain": {"type": "text"}, "large": noise(40_000, 2)}
    for state in (
        {**before, "one": like},
        {**before, "one": {"two": [{"three": [like, 1]}, like]}},
        [like, 0],
        like,
    ):
        bag = client.seal(state, scope="m/e")
        assert json.dumps(client.open(bag, scope="m/e", legacy=True)) == json.dumps(state)


@pytest.mark.parametrize("like", _LIKE_FORMS.values(), ids=_LIKE_FORMS)
def test_data_that_a_seal_must_open_first_is_looked_at_too(like):
    store = MemoryStore()
    stores = Statebag(store, policy=Policy(field_limit=1_000, carry_bytes=0))
    doc = {"text": noise(9_000, 1), "in": [like]}
    stores.open(stores.seal({"doc": [doc]}, scope="m/e"), scope="m/e")
    state = {"doc": [{**doc, "n": 1}]}
    newer = Statebag(store, policy=Policy(field_limit=1_000))
    bag = newer.seal(state, scope="m/e")
    assert '"base"' in json.dumps(bag)  # a delta, which older readers do not know
    older = Statebag(store, policy=Policy(forms=1))
    again = older.seal(older.open(bag, only=[], scope="m/e"), scope="m/e")
    assert '"base"' not in json.dumps(again)  # it was opened
    assert older.open(again, scope="m/e", legacy=True) == state


def test_a_seal_that_offloads_nothing_is_counted_exactly():
    client = Statebag(MemoryStore())
    state = {"text": "a, b: c", "n": [1, 2]}
    with measured() as usage:
        bag = client.seal(state, scope="m/e")
    assert (usage.seals, usage.bag_bytes) == (1, len(json.dumps(bag)))
    assert usage.plain_bytes == len(json.dumps(bag, separators=(",", ":")))
    assert (usage.blobs_stored, usage.blobs_carried, usage.puts) == (0, 0, 0)


def test_a_seal_that_runs_out_of_memory_ends_in_an_error_of_ours(monkeypatch):
    client = Statebag(MemoryStore(), replicas=())

    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr(sealer, "check_json", exhausted)
    with pytest.raises(LimitExceeded, match="does not have enough memory") as caught:
        client.seal({"a": 1}, scope="m/e")
    assert "Seal fewer" in caught.value.hint
    assert caught.value.__cause__ is None
