"""The objects of a head: no crash and no other writer leaves a part of a version."""

import msgspec
import pytest

from statebag import (
    BlobCorrupt,
    Conflict,
    StoreUnavailable,
)
from statebag.format.head_names import head_name
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.upkeep.fsck import fsck
from statebag.versions import stored_head
from tests.versions.threads import (
    RETRYING,
    everything,
    grown,
    head_of,
    labels,
    state_at,
    with_each_fault,
)


def test_what_was_read_is_used_once_and_still_checked(store):
    """A head that remembers what it read writes under the condition that it still is so."""
    one, two = head_of(store), head_of(store)
    first = grown(one, 1)
    two.read()
    grown(one, 1, after=first)
    with pytest.raises(Conflict):  # `two` does not look again before it writes
        two.advance(two.seal({"lost": 1}), first)
    assert labels(one) == ["step-1", "step-0"]


def test_a_crash_at_any_request_of_an_advance_leaves_the_older_or_the_newer_version(store):
    before = grown(head_of(store), 3)

    def work(place):
        head = head_of(place)
        last = head.read()
        grown(head, 1, after=last)

    outcomes = set()
    for where, left, failed in with_each_fault(store, work):
        head = head_of(left)
        found = head.read()
        assert found.label in {"step-2", "step-3"}, where
        assert everything(head) == {f"step-{n}": state_at(n) for n in range(found.number)}, where
        assert failed or found.label == "step-3", where
        outcomes.add((failed, found.label))
        assert fsck(left).whole, where
        again = grown(head, 1, after=found)
        assert again.number == found.number + 1
        assert labels(head) == [f"step-{n}" for n in reversed(range(again.number))], where
    assert outcomes >= {(True, "step-2"), (True, "step-3")}
    assert head_of(store).read() == before


def test_a_lost_answer_is_no_conflict(store):
    last = grown(head_of(store), 2)
    with FaultyStore(store, [Fault("put_if", 1, "after")]) as faulty:
        head = head_of(faulty, policy=RETRYING)
        assert grown(head, 1, after=last).number == 3
    assert labels(head_of(store)) == ["step-2", "step-1", "step-0"]


class Overtaken(MemoryStore):
    """Loses the answer to one conditional write; another writer advances before the next."""

    overtake = None

    def put_if(self, name, data, version):
        new = super().put_if(name, data, version)
        if self.overtake is not None:
            overtake, self.overtake = self.overtake, None
            overtake()
            raise StoreUnavailable("the answer was lost")
        return new


def test_a_lost_answer_before_another_writers_version_is_no_conflict_either():
    store = Overtaken()
    last = grown(head_of(store), 2)
    head = head_of(store, policy=RETRYING)

    def overtake():
        other = head_of(store)
        other.advance(other.seal({"other": True}), other.read(), label="other")

    bag = head.seal(state_at(2), last)
    store.overtake = overtake
    mine = head.advance(bag, last, label="mine")
    assert mine.number == 3
    assert labels(head_of(store)) == ["other", "mine", "step-1", "step-0"]


def test_a_crash_at_any_request_of_a_drop_leaves_versions_whole(store):
    grown(head_of(store), 4)
    for gone in ([1, 2], [3, 4]):

        def work(place, gone=gone):
            head_of(place).drop(gone)

        for where, left, _ in with_each_fault(store, work):
            found = everything(head_of(left))
            assert all(state == state_at(state["step"]) for state in found.values()), where
            kept = {f"step-{n - 1}" for n in range(1, 5) if n not in gone}
            assert set(found) in ({f"step-{n}" for n in range(4)}, kept), where
            head_of(left).drop(gone)
            assert set(everything(head_of(left))) == kept, where


def test_a_version_that_a_slow_writer_wrote_again_stays_dropped(store):
    """A writer that read the head long ago writes the version of then under its name again."""
    head, slow = head_of(store), head_of(store)
    first = grown(head, 1)
    slow.read()
    grown(head, 3, after=first)
    head.drop([1])
    with pytest.raises(Conflict):
        slow.advance(slow.seal({}), first)
    assert [one.number for one in head.versions()] == [4, 3, 2]
    assert set(everything(head)) == {"step-1", "step-2", "step-3"}


def test_a_damaged_head_is_said_to_be(store):
    head = head_of(store)
    grown(head, 3)
    name = head_name("agents/one", "main")
    whole = store.get(name)
    for broken in (b"", whole[:30], whole[:-5], whole[:60] + b"x" + whole[61:], b"{}" + whole):
        store.put(name, broken)
        with pytest.raises(BlobCorrupt):
            head_of(store).read()
        assert not fsck(store).whole
    store.put(name, whole)
    assert fsck(store).whole


def test_a_head_that_others_change_each_time_is_a_conflict(store, monkeypatch):
    monkeypatch.setattr(stored_head, "_TURNS", 3)
    head = head_of(store)
    grown(head, 2)
    asked = []

    def change(state):
        asked.append(state)
        other = head_of(store)
        grown(other, 1, after=other.read())
        return msgspec.structs.replace(state, dropped=((1, 1),))

    with pytest.raises(Conflict, match="another writer"):
        head._stored.change(change)
    assert len(asked) == 3
    assert len(labels(head)) == 5
