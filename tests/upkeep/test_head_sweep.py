"""No pack that a version needs is ever deleted; what no version needs goes in two passes."""

from datetime import timedelta

import pytest

from statebag import BlobMissing, Conflict, Statebag, StatebagError, StoreUnavailable
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.fsck import fsck
from statebag.upkeep.gc import Rules, collect
from statebag.upkeep.head_sweep import read_heads
from statebag.versions.condemned import forget_condemned
from tests.bags import noise
from tests.upkeep.aged_folder import STORING, WEEK, YEARS
from tests.versions.threads import everything, grown, head_of, state_at, with_each_fault


def packs(place):
    return [name for name in place.names() if name.endswith(".pack")]


def passes(place, number=3, rules=None):
    """Collect again and again, with a week between."""
    for _ in range(number):
        place.age("", WEEK)
        forget_condemned()
        place.actions(rules)


def test_a_thread_stays_whole_however_old_it_is(place):
    head = head_of(place.store)
    grown(head, 6)
    before = set(packs(place))
    place.age("", YEARS)
    assert place.actions() == {"agents/one": "keep"}
    passes(place)
    assert everything(head) == {f"step-{n}": state_at(n) for n in range(6)}
    assert set(packs(place)) <= before


def test_what_only_dropped_versions_needed_goes_and_nothing_else(place):
    head = head_of(place.store)
    grown(head, 4)
    last = grown(head, 4, after=head.read(), salt=1)  # other messages: other packs
    head.retain(keep=1)
    before = len(packs(place))
    passes(place, 1)
    assert len(packs(place)) == before  # marked
    passes(place, 1)
    assert len(packs(place)) < before
    assert everything(head) == {last.label: state_at(7, salt=1)}
    assert fsck(place.store).whole
    assert len(place.names("@gc")) == 1  # which packs are gone
    passes(place, 1)
    assert place.names("@gc") == []


def test_a_deleted_thread_keeps_what_its_forks_use(place):
    head, fork = head_of(place.store), head_of(place.store, scope="agents/two")
    grown(head, 8)
    head.fork(fork, head.find("step-3"))
    attached = head_of(place.store, scope="agents/three")
    head.fork(attached, head.find("step-1"), whole=True)
    head.delete()
    passes(place)
    assert everything(fork) == {"step-3": state_at(3)}
    assert everything(attached) == {f"step-{n}": state_at(n) for n in range(2)}
    fork.delete()
    attached.delete()
    passes(place)
    assert packs(place) == []
    assert fsck(place.store).whole


def test_what_is_attached_is_kept_with_its_version(place):
    head = head_of(place.store)
    grown(head, 2)
    head.attached.put("step-0", "k", head.seal({"text": noise(3000, 5)}))
    head.attached.put("never", "k", head.seal({"text": noise(3000, 6)}))
    passes(place)
    assert head.open(head.attached.get("step-0", "k")) == {"text": noise(3000, 5)}
    assert head.attached.keys("never") == []


def test_a_young_pack_waits_for_the_version_that_it_was_sealed_for(place):
    head = head_of(place.store)
    last = grown(head, 2)
    bag = head.seal({"text": noise(5000, 3)}, last)
    for _ in range(3):
        forget_condemned()
        place.actions()
    version = head.advance(bag, last)
    passes(place)
    forget()
    assert head.open(version) == {"text": noise(5000, 3)}


def test_a_writer_beside_the_collector_gets_a_conflict_and_never_a_lost_pack(place):
    """A process remembers a pack of a dropped version; it is marked, and goes in the next pass."""
    head = head_of(place.store)
    old = {"text": noise(5000, 4)}
    first = head.advance(head.seal(old), None)
    last = grown(head, 2, after=first)
    head.drop([first.number])
    passes(place, 1)
    bag = head.seal(old, last)
    with pytest.raises(Conflict):
        head.advance(bag, last)
    version = head.advance(head.seal(old, last, heal=True), last)
    passes(place)
    forget()
    assert head.open(version) == old


class Interleaved:
    """A store in which something happens right before the first deletion of a pack."""

    def __init__(self, store, meanwhile):
        self._store, self._meanwhile = store, meanwhile

    def __getattr__(self, name):
        return getattr(self._store, name)

    def delete(self, name):
        if self._meanwhile is not None and name.endswith(".pack"):
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile()
        self._store.delete(name)


@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.parametrize("heals_first", [True, False])
def test_between_the_last_look_at_a_pack_and_its_deletion_a_writer_needs_it(
    place, remembers, heals_first
):
    """The writer seals the very values of the pack, in the moment that nothing protects it."""
    head = head_of(place.store)
    old = {"text": noise(5000, 4), "log": [noise(300, n) for n in range(50)]}
    first = head.advance(head.seal(old), None)
    last = grown(head, 2, after=first)
    head.drop([first.number])
    passes(place, 1)
    place.age("", WEEK)
    done = []

    def writes():
        forget_condemned()
        if not remembers:
            forget()
        writer = head_of(place.store)
        last = writer.read()
        bag = writer.seal(old, last, heal=heals_first)
        try:
            done.append(writer.advance(bag, last))
        except Conflict:
            done.append(writer.advance(writer.seal(old, last, heal=True), last))

    collect(Interleaved(place.store, writes), dry_run=False)
    assert len(done) == 1
    assert last.number + 1 == done[0].number
    passes(place)
    forget()
    assert head.open(done[0]) == old
    assert fsck(place.store).whole


def test_a_bag_that_was_sealed_before_a_deletion_is_refused_after_it(place):
    """Also if the marks are read for the first time after it, and if the collector stopped."""
    head = head_of(place.store)
    old = {"text": noise(5000, 4)}
    first = head.advance(head.seal(old), None)
    last = grown(head, 2, after=first)
    head.drop([first.number])
    passes(place, 1)
    place.age("", WEEK)
    bag = head.seal(old, last)  # the pack is there, and this process remembers it

    class StopsBeforeTheMark(Interleaved):
        def put(self, name, data):
            if name.startswith("@gc/packs/"):
                raise StoreUnavailable("stopped")
            self._store.put(name, data)

    with pytest.raises(StoreUnavailable):
        collect(StopsBeforeTheMark(place.store, None), dry_run=False)
    for _ in range(2):
        forget_condemned()
        with pytest.raises(Conflict):
            head.advance(bag, last)
        collect(place.store, dry_run=False)
    place.age("@gc", WEEK)
    collect(place.store, dry_run=False)  # nothing names the pack any more
    assert place.names("@gc") == []
    version = head.advance(head.seal(old, last), last)  # a new seal looks at what it relies on
    forget()
    assert head.open(version) == old


def test_packs_of_executions_are_never_swept(place):
    """A bag that an engine carries is in no store: what is sealed for it stays, also in a scope
    that has heads."""
    bag = place.seal("agents/one")
    other = place.seal("machine/exec")
    head = head_of(place.store)
    grown(head, 3)
    head.delete()
    passes(place)
    forget()
    client = Statebag(place.store, policy=STORING, replicas=())
    assert len(client.open(bag)["log"]) == 60
    assert len(client.open(other)["log"]) == 60


def test_a_version_keeps_the_execution_whose_packs_it_names(place):
    bag = place.seal("machine/old")
    head = head_of(place.store, scope="machine/old")
    version = head.advance(bag, None)
    fork = head_of(place.store, scope="agents/two")
    head.fork(fork)
    head.delete()
    place.age("", YEARS)
    passes(place, rules=Rules(ended=lambda _: "unknown"))
    forget()
    assert len(fork.open(fork.read())["log"]) == 60
    assert version.bag == bag


def test_a_snapshot_keeps_a_pack_of_a_head(place):
    from statebag.format import json_text
    from statebag.format.codec import sha256_hex

    head = head_of(place.store)
    version = grown(head, 3)
    text = json_text.encode(version.bag)
    name = f"machine/one/snapshots/pre_{sha256_hex(text)[:32]}.json"
    place.store.put(name, text)
    head.delete()
    passes(place)
    forget()
    client = Statebag(place.store, policy=STORING, replicas=())
    assert client.open(version.bag, scope="agents/one/@heads") == state_at(2)


def test_kept_scopes_are_not_swept(place):
    head = head_of(place.store)
    grown(head, 3)
    head.delete()
    before = packs(place)
    passes(place, rules=Rules(keep=("agents/one",)))
    assert packs(place) == before


def test_a_dry_run_writes_nothing_and_says_what_would_go(place):
    head = head_of(place.store)
    grown(head, 3)
    head.delete()
    passes(place, 1)
    place.age("", WEEK)
    recording = RecordingStore(place.store)
    done = collect(recording)
    assert {call.operation for call in recording.calls} <= {"list", "get", "head", "get_ranges"}
    (decision,) = done.decisions
    assert "would be deleted" in decision.why
    assert done.deleted_objects == 0
    assert packs(place)


def test_a_damaged_version_stops_the_collector(place):
    head = head_of(place.store)
    grown(head, 3)
    (name, *_) = [one for one in place.names("@heads") if "~" in one]
    place.store.put(name, b"x")
    before = packs(place)
    place.age("", YEARS)
    with pytest.raises(StatebagError):
        place.actions()
    assert packs(place) == before


def test_a_lost_index_stops_the_collector(place):
    head = head_of(place.store)
    head.advance(head.seal({"log": [noise(200, n) for n in range(400)]}), None)
    for name in packs(place):
        place.store.delete(name)
    with pytest.raises(BlobMissing):
        read_heads(place.store)


def test_a_crash_at_any_request_of_the_collector_loses_nothing(tmp_path):
    from statebag.store.memory import MemoryStore

    store = MemoryStore()
    head = head_of(store)
    grown(head, 3)
    grown(head, 3, after=head.read(), salt=1)
    head.drop([1, 2])
    aged(store, 30)
    collect(store, dry_run=False)
    aged(store, 30)

    def work(place):
        collect(place, dry_run=False)

    for where, left, _ in with_each_fault(store, work):
        found = everything(head_of(left))
        assert set(found) == {f"step-{n}" for n in range(2, 6)}, where
        collect(left, dry_run=False)
        assert everything(head_of(left)) == found, where


def aged(store, days):
    """Make all objects of a store in memory older."""
    import msgspec

    for name, held in list(store._objects.items()):
        store._objects[name] = msgspec.structs.replace(
            held, modified=held.modified - timedelta(days=days)
        )
