"""Everything that an open needs is asked for at once, also what only an index lists."""

import copy
import threading

import pytest

from statebag import NotPermitted, Policy, Statebag
from statebag.format.stub import KEY
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore

POLICY = Policy(piece_bytes=1024, carry_bytes=0)
SCOPE = "machine/run"
STATE = {
    "log": [{"n": n, "text": f"{n * 7919}" * 12} for n in range(2000)],
    "text": "".join(f"{n:x}" for n in range(20_000)),
}


class Waiting(MemoryStore):
    """A store in which a read answers only when so many reads wait at once."""

    def __init__(self, store, together):
        super().__init__()
        self.inner = store
        self.barrier = threading.Barrier(together, timeout=240)

    @property
    def url(self):
        return self.inner.url

    def get_ranges(self, name, spans):
        self.barrier.wait()
        return self.inner.get_ranges(name, spans)


@pytest.fixture
def sealed():
    forget()
    store = MemoryStore()
    bag = Statebag(store, policy=POLICY).seal(STATE, scope=SCOPE)
    forget()
    return store, bag


def test_the_index_and_what_it_lists_are_read_in_one_round(sealed):
    store, bag = sealed
    assert bag["log"][KEY]["reads"]
    with usage.measured() as cost:
        assert Statebag(store, policy=POLICY).open(bag, scope=SCOPE) == STATE
    forget()
    # Every read waits for all others: a second round would wait until the barrier breaks.
    waiting = Waiting(store, cost.gets)
    assert Statebag(waiting, policy=POLICY).open(bag, scope=SCOPE) == STATE


def test_bytes_are_not_read_twice(sealed):
    store, bag = sealed
    with usage.measured() as cost:
        Statebag(store, policy=POLICY).open(bag, scope=SCOPE)
    assert cost.bytes_got <= sum(one.size for one in store.list())


def test_nothing_is_asked_for_ahead_where_the_index_is_at_hand(sealed):
    store, bag = sealed
    sb = Statebag(store, policy=POLICY)
    sb.open(bag, scope=SCOPE)
    with usage.measured() as cost:
        sb.open(bag, scope=SCOPE)
    assert cost.gets == 0


@pytest.mark.parametrize(
    "advice",
    [
        [],
        [[0, 0, 10**9]],
        [[0, 10**12, 5]],
        [[0, 8, 0]],
        [[0, 8, 3], [0, 9, 1]],
    ],
)
def test_wrong_advice_costs_a_request_and_nothing_else(sealed, advice):
    store, bag = sealed
    bag = copy.deepcopy(bag)
    bag["log"][KEY]["reads"] = advice
    assert Statebag(store, policy=POLICY).open(bag, scope=SCOPE) == STATE


def test_advice_is_confined_like_any_stub(sealed):
    store, bag = sealed
    bag = copy.deepcopy(bag)
    body = bag["log"][KEY]
    body["packs"].append(f"another/run/{'0' * 32}.pack")
    body["reads"] = [[len(body["packs"]) - 1, 0, 10]]
    recording = RecordingStore(store)
    with pytest.raises(NotPermitted):
        Statebag(recording, policy=POLICY).open(bag, scope=SCOPE)
    assert not recording.calls


def test_advice_is_left_out_where_the_bound_is_narrow():
    forget()
    store = MemoryStore()
    narrow = Policy(piece_bytes=1024, carry_bytes=0, max_bag_bytes=1024)
    bag = Statebag(store, policy=narrow).seal({"log": STATE["log"]}, scope=SCOPE)
    assert Statebag(store).open(bag)["log"] == STATE["log"]


def test_an_array_that_grows_unread_keeps_the_advice(sealed):
    store, bag = sealed
    longer = Statebag(store, policy=POLICY).append(bag, "log", [{"n": 2000}], scope=SCOPE)
    assert longer["log"][KEY]["reads"] == bag["log"][KEY]["reads"]
    forget()
    assert len(Statebag(store).open(longer)["log"]) == 2001
