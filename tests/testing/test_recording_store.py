import pytest

from statebag.errors import BlobMissing
from statebag.store.memory import MemoryStore
from statebag.testing.recording_store import Call, RecordingStore


def test_every_call_is_recorded_in_order():
    store = RecordingStore(MemoryStore())
    store.put("scope/a", b"data")
    store.get("scope/a")
    store.get_ranges("scope/a", [(0, 1), (2, 2)])
    store.head("scope/a")
    list(store.list("scope"))
    store.delete("scope/a")
    assert store.calls == [
        Call("put", "scope/a", size=4),
        Call("get", "scope/a"),
        Call("get_ranges", "scope/a", spans=((0, 1), (2, 2))),
        Call("head", "scope/a"),
        Call("list", "scope"),
        Call("delete", "scope/a"),
    ]
    assert store.of("put") == [Call("put", "scope/a", size=4)]


def test_a_call_that_failed_is_recorded_too():
    store = RecordingStore(MemoryStore())
    with pytest.raises(BlobMissing):
        store.get("a")
    assert store.calls == [Call("get", "a")]


def test_the_record_can_be_emptied_and_is_handed_out_as_a_copy():
    store = RecordingStore(MemoryStore())
    store.head("a")
    store.calls.clear()
    assert len(store.calls) == 1
    store.forget()
    assert store.calls == []
