"""Writing in the background: bounded, and a failure is raised."""

from threading import Event

import pytest

from statebag.errors import StoreUnavailable
from statebag.store.background import BackgroundWriter
from statebag.store.memory import MemoryStore
from statebag.testing import FaultyStore
from statebag.testing.faulty_store import Fault


def test_everything_is_there_once_it_is_settled():
    store = MemoryStore()
    writer = BackgroundWriter(store)
    for n in range(20):
        writer.put(f"a/{n}", b"x" * n)
    writer.settle()
    assert {info.name: info.size for info in store.list()} == {f"a/{n}": n for n in range(20)}


def test_a_third_write_waits_for_the_first():
    class Slow(MemoryStore):
        def __init__(self):
            super().__init__()
            self.go = Event()
            self.started = 0

        def put(self, name, data):
            self.started += 1
            assert self.go.wait(240)
            super().put(name, data)

    store = Slow()
    writer = BackgroundWriter(store)
    writer.put("a/1", b"1")
    writer.put("a/2", b"2")
    assert store.started <= 2
    store.go.set()
    writer.put("a/3", b"3")
    assert store.get("a/1") == b"1"
    writer.settle()
    assert len(list(store.list())) == 3


@pytest.mark.parametrize("call", [1, 3])
def test_a_failure_is_raised_at_the_latest_when_it_is_settled(call):
    store = FaultyStore(MemoryStore(), [Fault("put", call)])
    writer = BackgroundWriter(store)
    with pytest.raises(StoreUnavailable):  # noqa: PT012 - a later put may raise it too
        for n in range(4):
            writer.put(f"a/{n}", b"x")
        writer.settle()
