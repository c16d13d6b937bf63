"""A head advances only from what was read, and no crash, fork or deletion loses a version."""

import threading
from datetime import timedelta

import pytest

from statebag import (
    BlobMissing,
    ConfigurationError,
    Conflict,
    InvalidState,
    Statebag,
    StoreUnavailable,
)
from statebag.format.head_names import head_name
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.fsck import fsck
from tests.bags import noise
from tests.versions.threads import (
    STORING,
    client,
    everything,
    grown,
    head_of,
    labels,
    state_at,
    with_each_fault,
)


def test_a_head_has_the_newest_version_and_all_before(store):
    head = head_of(store)
    assert head.read() is None
    assert head.versions() == []
    last = grown(head, 7)
    assert (last.number, last.label, last.note) == (7, "step-6", {"step": 6})
    assert head_of(store).read() == last
    assert labels(head) == [f"step-{n}" for n in reversed(range(7))]
    assert everything(head) == {f"step-{n}": state_at(n) for n in range(7)}
    assert [one.number for one in head.history(2)] == [7, 6]
    assert head.find("step-3").note == {"step": 3}
    assert head.find("other") is None
    assert fsck(store).whole


def test_a_read_is_one_request_and_an_advance_three_writes(store):
    recording = RecordingStore(store)
    head = head_of(recording)
    last = grown(head, 5)
    recording.forget()
    bag = head.seal(state_at(5), last)
    head.advance(bag, last)
    assert [call.operation for call in recording.calls if "put" in call.operation] == [
        "put",
        "put",
        "put_if",
    ]
    recording.forget()
    head.read()
    assert [call.operation for call in recording.calls] == ["get_version"]


def test_who_read_an_older_version_gets_a_conflict(store):
    head = head_of(store)
    first = grown(head, 1)
    other = head_of(store)
    assert other.read() == first
    second = grown(head, 1, after=first)
    with pytest.raises(Conflict):
        other.advance(other.seal({}), first)
    with pytest.raises(Conflict):
        other.advance(other.seal({}), None)
    assert head_of(store).read() == second
    assert other.advance(other.seal({}), second).number == 3


def test_one_who_drops_versions_is_in_no_writers_way(store):
    head = head_of(store)
    last = grown(head, 3)
    other = head_of(store)
    assert other.read() == last  # what it knows of the head is from before
    head.drop([1])
    newest = other.advance(other.seal({"n": 4}, last), last)
    assert [one.number for one in head.versions()] == [4, 3, 2]
    head.drop([3])
    with pytest.raises(Conflict):
        other.advance(other.seal({}), last)
    assert head.read() == newest


@pytest.mark.parametrize("folder", [False, True])
def test_no_update_of_many_writers_is_lost(tmp_path, folder):
    store = FileStore(tmp_path) if folder else MemoryStore()
    writers, each = 4, 6
    failures = []

    def write(writer):
        head = head_of(store)
        for step in range(each):
            for _ in range(1000):
                last = head.read()
                state = {"done": []} if last is None else head.open(last)
                state["done"].append([writer, step])
                try:
                    head.advance(head.seal(state, last), last, label=f"{writer}-{step}")
                except Conflict:
                    continue
                break
            else:
                failures.append(writer)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(240)
    assert not failures
    head = head_of(store)
    done = head.open(head.read())["done"]
    assert sorted(done) == [[writer, step] for writer in range(writers) for step in range(each)]
    assert labels(head) == [f"{writer}-{step}" for writer, step in reversed(done)]


def test_a_store_without_conditional_writes_is_refused():
    class Plain:
        def __init__(self):
            inner = MemoryStore()
            for name in ("put", "get", "get_ranges", "head", "list", "delete"):
                setattr(self, name, getattr(inner, name))
            self.url = inner.url

    with pytest.raises(ConfigurationError, match="no conditional writes"):
        client(Plain()).heads("agents/one")
    with pytest.raises(ConfigurationError, match="no conditional writes"):
        head_of(Plain())


def test_a_fork_writes_no_blob_and_shares_what_it_goes_on_with(store):
    recording = RecordingStore(store)
    head = head_of(recording)
    grown(head, 20)
    other = head_of(recording, scope="agents/two")
    recording.forget()
    forked = head.fork(other, head.find("step-9"))
    assert [call.operation for call in recording.calls if "put" in call.operation] == ["put_if"]
    assert everything(other) == {"step-9": state_at(9)}
    for memory in ("warm", "cold"):
        if memory == "cold":
            forget()
        state = other.open(forked)
        state["messages"].append(noise(200, 77))
        recording.forget()
        bag = other.seal(state, forked)
        packs = [call.size for call in recording.of("put")]
        assert sum(packs) < 1500, memory  # the tail and what is new, not the ten messages
        forked = other.advance(bag, forked)
    assert len(other.open(other.read())["messages"]) == 12
    assert everything(head)["step-19"] == state_at(19)


def test_a_fork_is_read_only_by_those_who_read_it_as_one(store):
    head, other = head_of(store), head_of(store, scope="agents/two")
    grown(head, 5)
    forked = head.fork(other)
    forget()
    with pytest.raises(Exception, match="another scope"):
        client(store).open(forked.bag, scope="agents/two/@heads")
    assert other.open(forked) == state_at(4)


def test_a_whole_fork_has_all_versions_and_goes_on_by_itself(store):
    head, other = head_of(store), head_of(store, scope="agents/two", name="copy")
    grown(head, 6)
    head.drop([2])
    head.attached.put("step-3", "task", head.seal({"pending": noise(900)}))
    head.fork(other, whole=True)
    assert everything(other) == everything(head)
    assert [one.number for one in other.versions()] == [6, 5, 4, 3, 1]
    (attached,) = other.attached.all("step-3").values()
    assert other.open(attached) == {"pending": noise(900)}
    grown(other, 2, after=other.read(), salt=1)
    head.delete()
    found = everything(other)
    assert found["step-5"] == state_at(5)
    assert found["step-7"] == state_at(7, salt=1)
    with pytest.raises(Conflict):
        other.fork(other)


def test_a_whole_fork_of_an_older_version_uses_the_numbers_above_it_anew(store):
    """A number that was dropped in the origin is not dropped in the new head, too."""
    head, other = head_of(store), head_of(store, scope="agents/two")
    grown(head, 6)
    head.drop([2, 4, 5])
    last = head.fork(other, at=head.find("step-2"), whole=True)
    assert [one.number for one in other.versions()] == [3, 1]
    grown(other, 4, after=last, salt=1)
    assert [one.number for one in other.versions()] == [7, 6, 5, 4, 3, 1]
    assert everything(other)["step-3"] == state_at(3, salt=1)


def test_a_fork_of_a_fork_reads_both_origins(store):
    heads = [head_of(store, scope=f"agents/{n}") for n in range(3)]
    grown(heads[0], 4)
    grown(heads[1], 2, after=heads[0].fork(heads[1]), salt=1)
    grown(heads[2], 2, after=heads[1].fork(heads[2]), salt=2)
    assert everything(heads[2])["step-7"] == state_at(7, salt=2)
    assert everything(heads[2])["step-5"] == state_at(5, salt=1)


@pytest.mark.parametrize("scope", ["agents/one/below", "agents", "agents/one"])
def test_a_fork_into_a_scope_above_or_below(store, scope):
    head, other = head_of(store), head_of(store, scope=scope, name="other")
    grown(head, 4)
    grown(other, 2, after=head.fork(other), salt=1)
    assert everything(other) == {
        "step-3": state_at(3),
        "step-4": state_at(4, salt=1),
        "step-5": state_at(5, salt=1),
    }


def test_a_fork_of_what_is_not_there_is_refused(store):
    head, other = head_of(store), head_of(store, name="other")
    with pytest.raises(BlobMissing):
        head.fork(other)
    grown(head, 3)
    second = head.find("step-1")
    head.drop([second.number])
    with pytest.raises(BlobMissing):
        head.fork(other, second)
    assert other.read() is None


def test_a_crash_at_any_request_of_a_whole_fork_leaves_all_or_nothing(store):
    grown(head_of(store), 3)

    def work(place):
        head_of(place).fork(head_of(place, scope="agents/two"), whole=True)

    for where, left, failed in with_each_fault(store, work):
        other = head_of(left, scope="agents/two")
        if other.read() is None:
            assert failed, where
            work(left)
        assert everything(other) == {f"step-{n}": state_at(n) for n in range(3)}, where


@pytest.mark.parametrize("gone", [[1], [2, 3], [4], [3, 4], [1, 2, 3, 4], [9]])
def test_dropped_versions_are_gone_and_the_others_are_whole(store, gone):
    head = head_of(store)
    grown(head, 4)
    head.drop(gone)
    left = [n for n in range(1, 5) if n not in gone]
    assert everything(head) == {f"step-{n - 1}": state_at(n - 1) for n in left}
    assert [one.number for one in head.versions()] == sorted(left, reverse=True)
    after = grown(head, 1, after=head.read(), salt=3) if left else grown(head, 1)
    assert after.number == (5 if left else 1)


def test_retention_by_number_and_by_age(store):
    head = head_of(store)
    grown(head, 6)
    assert head.retain(keep=6) == []
    assert head.retain(younger=timedelta(days=1)) == []
    assert sorted(head.retain(keep=2)) == [1, 2, 3, 4]
    assert head.retain(keep=1, younger=timedelta(0)) == [5]
    assert labels(head) == ["step-5"]
    with pytest.raises(ConfigurationError):
        head.retain()
    assert head_of(store, name="none").retain(keep=1) == []


def test_a_deleted_head_is_gone_and_can_begin_again(store):
    head, stale = head_of(store), head_of(store)
    last = grown(head, 3)
    stale.read()
    head.attached.put("step-1", "task", head.seal({}))
    head.delete()
    head.delete()
    assert head.read() is None
    assert head.versions() == []
    assert head.attached.all("step-1") == {}
    with pytest.raises(Conflict):
        stale.advance(stale.seal({}), last)
    again = grown(head, 2, salt=5)
    assert again.number == 2
    assert everything(head) == {f"step-{n}": state_at(n, salt=5) for n in range(2)}
    with pytest.raises(Conflict):
        stale.advance(stale.seal({}), last)


def test_a_crash_at_any_request_of_a_deletion_leaves_no_part_of_a_head(store):
    grown(head_of(store), 3)
    for where, left, failed in with_each_fault(store, lambda place: head_of(place).delete()):
        head = head_of(left)
        found = everything(head)
        assert found in ({}, {f"step-{n}": state_at(n) for n in range(3)}), where
        assert failed or not found, where
        head.delete()
        assert [name for name in names(left) if name.startswith("@heads/")] == [
            head_name("agents/one", "main")
        ], where


def test_a_deletion_that_broke_off_is_repeated_with_what_is_attached(store):
    first = head_of(store)
    grown(first, 3)
    for step in range(3):
        first.attached.put(f"step-{step}", "task", first.seal({"at": step}))
    for where, left, _ in with_each_fault(store, lambda place: head_of(place).delete()):
        head = head_of(left)
        found = [list(head.attached.all(f"step-{step}")) for step in range(3)]
        assert head.read() is None or found == [["task"]] * 3, where
        head.delete()
        assert everything(head) == {}, where
        assert not any(head.attached.all(f"step-{step}") for step in range(2)), where


@pytest.mark.parametrize("call", ["list", "delete"])
def test_a_deletion_takes_nothing_of_what_another_writer_begins_meanwhile(store, call):
    """The writer is between the deletion's requests, after the head was replaced."""
    grown(head_of(store), 3)

    class Busy(MemoryStore):
        is_begun = False
        begins = threading.Lock()  # deletions are side by side

        def _begin(self):
            with self.begins:
                if self.is_begun or head_of(store).read() is not None:
                    return
                self.is_begun = True
                again = head_of(store)
                last = grown(again, 3, salt=5)
                for step in range(3):
                    again.attached.put(f"step-{step}", "new", again.seal({"at": step}, last))

        def list(self, prefix=""):
            if call == "list":
                self._begin()
            return super().list(prefix)

        def delete(self, name):
            if call == "delete":
                self._begin()
            super().delete(name)

    busy = Busy()
    busy._objects = store._objects  # the same objects
    head_of(busy).delete()
    assert busy.is_begun
    found = head_of(store)
    assert everything(found) == {f"step-{n}": state_at(n, salt=5) for n in range(3)}
    assert [found.attached.keys(f"step-{step}") for step in range(3)] == [["new"]] * 3
    assert fsck(store).whole


def test_a_deletion_that_is_repeated_takes_nothing_that_is_attached_to_the_next_life(store):
    """The first deletion broke off; the next life begins while the second one is under way."""
    first = head_of(store)
    grown(first, 3)

    class Dying(MemoryStore):
        def delete(self, name):
            raise StoreUnavailable("the process ends here")

    class Busy(MemoryStore):
        is_begun = False

        def list(self, prefix=""):
            if not self.is_begun and "@at" in prefix:
                self.is_begun = True
                again = head_of(store)
                last = grown(again, 2, salt=5)
                again.attached.put("step-1", "new", again.seal({"at": 1}, last))
            return super().list(prefix)

    dying, busy = Dying(), Busy()
    dying._objects = busy._objects = store._objects  # the same objects
    with pytest.raises(StoreUnavailable):
        head_of(dying).delete()
    head_of(busy).delete()
    assert busy.is_begun
    assert everything(first) == {f"step-{n}": state_at(n, salt=5) for n in range(2)}
    assert first.attached.keys("step-1") == ["new"]


def test_a_drop_takes_nothing_that_is_attached_to_a_later_version_of_the_label(store):
    head = head_of(store)
    last = grown(head, 3)
    head.attached.put("step-1", "old", head.seal({"at": 1}, last))

    class Busy(MemoryStore):
        is_advanced = False

        def put_if(self, name, data, version):
            new = super().put_if(name, data, version)
            if not self.is_advanced:
                self.is_advanced = True
                other = head_of(store)
                other.advance(other.seal({"again": 1}, last), other.read(), label="step-1")
                other.attached.put("step-1", "new", other.seal({"at": 2}, last))
            return new

    busy = Busy()
    busy._objects = store._objects  # the same objects
    head_of(busy).drop([2])
    assert labels(head_of(store)) == ["step-1", "step-2", "step-0"]
    assert head_of(store).attached.keys("step-1") == ["new"]


@pytest.mark.parametrize("steps", [4, 24])
def test_a_fork_and_a_deletion_list_as_often_for_many_versions_as_for_few(store, steps):
    recording = RecordingStore(store)
    head = head_of(recording)
    grown(head, steps)
    for step in range(steps):
        head.attached.put(f"step-{step}", "task", head.seal({"at": step}))
    recording.forget()
    target = head_of(recording, scope="agents/two")
    head.fork(target, whole=True)
    assert len(recording.of("list")) <= 2
    assert [target.attached.keys(f"step-{step}") for step in range(steps)] == [["task"]] * steps
    recording.forget()
    head.delete()
    assert len(recording.of("list")) <= 3
    assert len(recording.of("delete")) == 2 * steps - 1  # the newest has no object of its own
    assert len(everything(target)) == steps


def test_a_head_is_deleted_only_if_nobody_advanced_it(store):
    head = head_of(store)
    first = grown(head, 1)
    second = grown(head, 1, after=first)
    with pytest.raises(Conflict):
        head.delete(first)
    assert labels(head) == ["step-1", "step-0"]
    with pytest.raises(ConfigurationError, match="expected"):
        head.delete(2)
    head.delete(second)
    assert head.read() is None
    with pytest.raises(Conflict):
        head.delete(second)
    head_of(store, name="none").delete(second)


def names(store):
    return [info.name for info in store.list()]


def test_heads_whose_names_begin_alike_keep_apart(store):
    outer, inner = head_of(store, name="a"), head_of(store, name="a/b")
    below = head_of(store, name="a", scope="agents/one/a")
    for salt, head in enumerate((outer, inner, below)):
        grown(head, 3, salt=salt)
    outer.drop([1])
    outer.delete()
    assert everything(inner) == {f"step-{n}": state_at(n, salt=1) for n in range(3)}
    assert everything(below) == {f"step-{n}": state_at(n, salt=2) for n in range(3)}


def test_odd_labels_and_notes_come_back(store):
    head = head_of(store)
    deep = []
    for _ in range(490):
        deep = [deep]
    last = None
    given = [("", None), ("ä~", [1.0, "\u0000"]), ("50%", {"@": deep}), ("x" * 200, "n")]
    for label, note in given:
        last = head.advance(head.seal({"deep": deep}), last, label=label, note=note)
    found = list(head.history())
    assert [(one.label, one.note) for one in reversed(found)] == given
    for label, note in given:
        assert head.find(label).note == note
    for wrong in ("a/b", "x" * 300, 7, ".."):
        with pytest.raises(InvalidState):
            head.advance(head.seal({}), last, label=wrong)
    with pytest.raises(InvalidState):
        head.advance(head.seal({}), last, note={"nan": float("nan")})
    assert head.read() == last


def test_encrypted_and_signed(store):
    keys = {"signing_keys": {"one": b"k" * 32}, "encryption_keys": [b"e" * 32]}
    sb = Statebag(store, policy=STORING, replicas=(), **keys)
    head = sb.heads("agents/one").head("main")
    grown(head, 4)
    other = sb.heads("agents/two").head("main")
    grown(other, 2, after=head.fork(other), salt=1)
    assert everything(other)["step-5"] == state_at(5, salt=1)
    assert b"step" not in store.get(head_name("agents/one", "main"))
    forget()
    unsigned = Statebag(store, policy=STORING, replicas=(), encryption_keys=[b"e" * 32])
    stranger = unsigned.heads("agents/three").head("main")
    bag = stranger.seal({"text": noise(2000)})
    stranger.advance(bag, None)
    with pytest.raises(Exception, match="sign"):
        sb.heads("agents/three").head("main").open(stranger.read())


@pytest.mark.s3
def test_a_real_object_store(s3_store_url):
    sb = Statebag(s3_store_url, policy=STORING, replicas=())
    store = sb.store
    head = head_of(store)
    last = grown(head, 4)
    other = head_of(store)
    with pytest.raises(Conflict):
        other.advance(other.seal({}), None)
    assert everything(other) == {f"step-{n}": state_at(n) for n in range(4)}
    forked = head_of(store, scope="agents/two")
    head.fork(forked, whole=True)
    head.drop([1, 4])
    assert [one.number for one in head.versions()] == [3, 2]
    assert forked.read().id == last.id
    head.delete()
    assert everything(forked) == {f"step-{n}": state_at(n) for n in range(4)}


def test_a_note_of_a_fork_that_json_cannot_hold_is_refused():
    sb = Statebag(MemoryStore())
    head = sb.heads("m").head("a")
    head.advance(head.seal({"n": 1}), None)
    with pytest.raises(InvalidState):
        head.fork(sb.heads("m").head("b"), note=lambda _: object())
    assert sb.heads("m").head("b").read() is None
