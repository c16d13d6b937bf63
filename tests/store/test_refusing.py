"""Code in which nothing may be written."""

import pytest

from statebag import InvalidState
from statebag.process.forking import Workers
from statebag.store.memory import MemoryStore
from statebag.store.refusing import refusing_writes
from statebag.store.retrying import RetryingStore
from statebag.testing.recording_store import RecordingStore


def refusal():
    return InvalidState("no writes here")


def test_a_write_is_refused_before_any_request_and_reads_are_not():
    recording = RecordingStore(MemoryStore())
    store = RetryingStore(recording)
    store.put("m/r/a.json", b"1")
    with refusing_writes(refusal):
        with pytest.raises(InvalidState, match="no writes here"):
            store.put("m/r/b.json", b"2")
        assert store.get("m/r/a.json") == b"1"
    store.put("m/r/c.json", b"3")
    assert [call.name for call in recording.of("put")] == ["m/r/a.json", "m/r/c.json"]
    assert store.head("m/r/b.json") is None


def test_threads_that_work_for_the_code_refuse_too():
    store = RetryingStore(MemoryStore())
    with Workers(2, "test") as pool:
        with refusing_writes(refusal):
            task = pool.submit(store.put, "m/r/a.json", b"1")
        pool.submit(store.put, "m/r/b.json", b"2").result()
        with pytest.raises(InvalidState):
            task.result()
    assert [one.name for one in store.list()] == ["m/r/b.json"]


def test_the_inner_of_two_blocks_chooses_the_error():
    store = RetryingStore(MemoryStore())
    with (
        refusing_writes(refusal),
        refusing_writes(lambda: InvalidState("the inner one")),
        pytest.raises(InvalidState, match="the inner one"),
    ):
        store.put("m/r/a.json", b"1")
