"""A process that forgets starts cold, as a new Lambda container does."""

from statebag import Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.testing import RecordingStore, forget
from tests.bags import noise


def test_what_was_read_is_read_again_and_what_was_written_is_written_again():
    store = RecordingStore(MemoryStore())
    policy = Policy(carry_bytes=0)
    state = {"text": noise(40_000, 1)}
    bag = Statebag(store, policy=policy).seal(state, scope="machine/run")
    store.forget()
    Statebag(store, policy=policy).open(bag)
    assert store.calls == []
    forget()
    assert Statebag(store, policy=policy).open(bag) == state
    assert len(store.of("get_ranges")) + len(store.of("get")) == 1
    forget()
    Statebag(store, policy=policy).seal(state, scope="machine/run")
    assert len(store.of("put")) == 1
