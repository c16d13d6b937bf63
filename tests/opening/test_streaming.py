"""Many values opened one after another: all of them, in order, and few of them in memory."""

import itertools

import pytest

from statebag import BlobMissing, NotPermitted, Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise

COUNT = 300


def sealed(store):
    forget()
    client = Statebag(store, policy=Policy(carry_bytes=0, field_limit=500), replicas=())
    return [
        client.seal({"n": n, "text": noise(2000, n)}, scope=f"machine/run/{n}")
        for n in range(COUNT)
    ]


def test_all_come_in_order_and_each_is_read_once():
    store = RecordingStore(MemoryStore())
    bags = sealed(store)
    forget()
    client = Statebag(store, replicas=())
    with usage.measured() as counted:
        opened = list(client.open_each(iter(bags)))
    assert opened == [{"n": n, "text": noise(2000, n)} for n in range(COUNT)]
    assert len(store.of("get_ranges")) == COUNT
    assert (counted.opens, counted.gets) == (COUNT, COUNT)
    memory = client._memory()
    assert memory.texts.bytes_held == 0
    assert not list(memory.known._blobs)


def test_only_some_are_read_ahead():
    store = RecordingStore(MemoryStore())
    bags = sealed(store)
    taken = itertools.count()
    endless = ((next(taken), bag)[1] for bag in itertools.cycle(bags))
    forget()
    values = Statebag(store, replicas=()).open_each(endless)
    assert next(values)["n"] == 0
    values.close()
    assert next(taken) == 3 * 128, "one batch is used, and two are read meanwhile"


def test_what_is_missing_is_told_when_its_turn_has_come():
    store = MemoryStore()
    bags = sealed(store)
    forget()
    gone = next(info.name for info in store.list("machine/run/200"))
    store.delete(gone)
    values = Statebag(store, replicas=()).open_each(bags)
    for n in range(100):
        assert next(values)["n"] == n
    with pytest.raises(BlobMissing) as caught:
        list(values)
    assert caught.value.object_name == gone


def test_scopes_hold():
    store = RecordingStore(MemoryStore())
    bags = sealed(store)
    forget()
    before = len(store.calls)
    with pytest.raises(NotPermitted):
        list(Statebag(store, replicas=()).open_each(bags, scope="another/run"))
    assert len(store.calls) == before


def test_nothing_gives_nothing():
    assert list(Statebag(MemoryStore(), replicas=()).open_each([])) == []


@pytest.mark.parametrize("given", [0, 1, 127, 128, 129, 300, 500])
def test_all_that_came_before_an_error_of_the_iterator_is_given(given):
    def failing():
        yield from ([n] for n in range(given))
        raise OSError("no more lines can be read")

    opened = []
    with pytest.raises(OSError, match="no more lines"):
        opened.extend(Statebag(MemoryStore(), replicas=()).open_each(failing()))
    assert opened == [[n] for n in range(given)]
