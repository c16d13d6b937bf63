"""A version that relies on a pack which is about to be deleted is refused, and its heal is not."""

import pytest

from statebag import Conflict
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.condemned_packs import write_condemned
from statebag.versions.condemned import forget_condemned, packs_named
from tests.bags import noise
from tests.versions.threads import grown, head_of

OLD = {"text": noise(5000, 9)}


@pytest.fixture
def store():
    forget_condemned()
    return MemoryStore()


def test_a_pack_of_long_ago_is_not_relied_on_once_it_is_marked(store):
    head = head_of(store)
    old = head.advance(head.seal(OLD), None)
    last = grown(head, 2, after=old)
    head.drop([old.number])
    write_condemned(store, "agents/one", packs_named(old.bag))
    forget_condemned()
    bag = head.seal(OLD, last)
    assert packs_named(bag) == packs_named(old.bag)  # this process remembers it
    with pytest.raises(Conflict, match="about to delete") as caught:
        head.advance(bag, last)
    assert "heal=True" in caught.value.hint
    healed = head.advance(head.seal(OLD, last, heal=True), last)
    assert head.open(healed) == OLD


def test_what_the_version_before_needs_is_not_asked_for(store):
    head = head_of(store)
    first = head.advance(head.seal(OLD), None)
    write_condemned(store, "agents/one", packs_named(first.bag))
    forget_condemned()
    second = head.advance(head.seal({**OLD, "more": 1}, first), first)
    assert head.open(second) == {**OLD, "more": 1}


def test_marks_are_read_once_in_a_while(store):
    recording = RecordingStore(store)
    grown(head_of(recording), 10)
    assert len([one for one in recording.calls if one.name.startswith("@gc/")]) == 1


def test_a_marked_pack_is_refused_even_if_it_was_just_written_again(store):
    """The collector may have looked at it before that, and delete it after."""
    head = head_of(store)
    old = head.advance(head.seal(OLD), None)
    last = grown(head, 2, after=old)
    write_condemned(store, "agents/one", packs_named(old.bag))
    forget_condemned()
    forget()
    bag = head.seal(OLD, last)  # nobody remembers it, so it is written again
    assert packs_named(bag) == packs_named(old.bag)
    with pytest.raises(Conflict):
        head.advance(bag, last)
    repaired = head.seal(OLD, last, heal=True)
    assert not packs_named(repaired) & packs_named(old.bag)
    assert head.open(head.advance(repaired, last)) == OLD


def test_a_pack_that_is_gone_is_refused_while_the_mark_names_it(store):
    head = head_of(store)
    old = head.advance(head.seal(OLD), None)
    last = grown(head, 2, after=old)
    bag = head.seal(OLD, last)
    write_condemned(store, "agents/one", (), packs_named(old.bag))
    forget_condemned()
    with pytest.raises(Conflict):
        head.advance(bag, last)


def test_a_bag_that_waited_until_its_pack_was_gone_and_forgotten_is_refused(store):
    """It waited for longer than two graces, in an approval: no mark names the pack any more."""
    head = head_of(store)
    last = grown(head, 2)
    bag = head.seal({**OLD, "approved": True}, last)
    forget_condemned()  # another process goes on with the bag
    (waiting,) = packs_named(bag) - packs_named(last.bag)
    store.delete(waiting)
    with pytest.raises(Conflict, match="a pack that is not in the store") as caught:
        head.advance(bag, last)
    assert caught.value.object_name == waiting
    assert "heal=True" in caught.value.hint
    forget()
    version = head.advance(head.seal({**OLD, "approved": True}, last, heal=True), last)
    assert head.open(version) == {**OLD, "approved": True}


def test_what_this_process_has_just_sealed_is_not_looked_up(store):
    recording = RecordingStore(store)
    head = head_of(recording)
    grown(head, 3)
    assert [one.name for one in recording.calls if one.operation == "head"] == []
    bag = head.seal(OLD, head.read())
    forget_condemned()
    head.advance(bag, head.read())
    looked = [one.name for one in recording.calls if one.operation == "head"]
    assert set(looked) <= packs_named(bag)
    assert len(looked) == 1


@pytest.mark.parametrize("whole", [True, False])
def test_a_fork_that_paused_until_its_packs_were_marked_is_refused(store, whole, monkeypatch):
    head, target = head_of(store), head_of(store, scope="agents/two")
    old = head.advance(head.seal(OLD), None)
    grown(head, 2, after=old)

    def pauses(_note):
        """The version is dropped, and a collector marks what only it needed."""
        head.drop([old.number])
        write_condemned(store, "agents/one", packs_named(old.bag))

    monkeypatch.setattr("statebag.versions.condemned._RELIED_ON", 0.0)
    with pytest.raises(Conflict, match="about to delete"):
        head.fork(target, old, whole=whole, note=pauses)
    assert target.read() is None
