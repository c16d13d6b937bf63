"""What is attached to a version: written side by side, once under each key, gone with it."""

import threading

import pytest

from statebag import Conflict, InvalidState
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise
from tests.versions.threads import RETRYING, grown, head_of, with_each_fault


@pytest.fixture
def store():
    return MemoryStore()


def test_many_writers_attach_without_waiting_for_each_other(store):
    grown(head_of(store), 1)

    def write(number):
        head = head_of(store)
        head.attached.put("step-0", f"task {number}", head.seal({"n": number}), note=number)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(240)
    found = head_of(store).attached.all("step-0")
    assert {key: one.note for key, one in found.items()} == {f"task {n}": n for n in range(8)}
    assert head_of(store).attached.keys("step-0") == sorted(found)


def test_a_key_is_written_once_and_replaced_only_from_what_was_read(store):
    head = head_of(store)
    first = head.attached.put("v", "k", {"n": 1})
    with pytest.raises(Conflict):
        head.attached.put("v", "k", {"n": 2})
    second = head.attached.put("v", "k", {"n": 2}, replaces=first)
    with pytest.raises(Conflict):
        head.attached.put("v", "k", {"n": 3}, replaces=first)
    assert head.attached.get("v", "k") == second
    assert head.attached.get("v", "other") is None
    assert head.attached.all("other") == {}


def test_attachments_of_several_versions_are_found_by_one_listing(store):
    head = head_of(store)
    for label in ("a b", "ä", "c", "d", "e"):
        for key in ("x y", "z"):
            head.attached.put(label, key, head.seal({"n": f"{label} {key}"}))
    recorded = RecordingStore(store)
    head = head_of(recorded)
    asked = ["c", "a b", "ä", "none", "e", "c"]
    found = head.attached.several(asked)
    assert found == {label: head_of(store).attached.all(label) for label in asked}
    assert list(found["a b"]) == ["x y", "z"]
    assert found["none"] == {}
    assert len(recorded.of("list")) == 1
    recorded.forget()
    few = head.attached.several(asked[:4])
    assert few == {label: found[label] for label in asked[:4]}
    at = {call.name.rpartition("/")[2] for call in recorded.of("list")}
    assert at == {"c", "a%20b", "%C3%A4", "none"}  # and nothing of other labels
    assert head.attached.several([]) == {}
    with pytest.raises(InvalidState, match="empty"):
        head.attached.several(["c", ""])


def test_a_lost_answer_is_no_conflict(store):
    with FaultyStore(store, [Fault("put_if", 1, "after")]) as faulty:
        head = head_of(faulty, policy=RETRYING)
        assert head.attached.put("v", "k", {"n": 1}).bag == {"n": 1}


def test_a_crash_leaves_it_attached_or_not(store):
    def work(place):
        head = head_of(place)
        head.attached.put("v", "k", head.seal({"text": noise(2000)}))

    for where, left, failed in with_each_fault(store, work):
        head = head_of(left)
        found = head.attached.get("v", "k")
        assert failed or found is not None, where
        assert found is None or head.open(found) == {"text": noise(2000)}, where


def test_what_is_attached_goes_with_its_version(store):
    head = head_of(store)
    last = grown(head, 3)
    for step in range(3):
        head.attached.put(f"step-{step}", "k", {"step": step})
    head.drop([1, last.number])
    assert [bool(head.attached.keys(f"step-{n}")) for n in range(3)] == [False, True, False]


def test_what_is_deleted_is_gone_and_can_be_attached_again(store):
    head = head_of(store)
    grown(head, 1)
    head.attached.delete("step-0", "k")  # it is not there
    for text in ("one", "two"):
        head.attached.put("step-0", "k", head.seal({"text": text}))
        head.attached.put("step-0", "other", {})
        head.attached.delete("step-0", "k")
        assert head.attached.get("step-0", "k") is None
        assert head.attached.keys("step-0") == ["other"]
        head.attached.delete("step-0", "other")


@pytest.mark.parametrize(("label", "key"), [("", "k"), ("v", ""), ("a/b", "k"), ("v", "a/b")])
def test_odd_names_are_refused(store, label, key):
    with pytest.raises(InvalidState):
        head_of(store).attached.put(label, key, {})
