"""Writes beside those of others, to a head in memory."""

import pytest

from statebag import Conflict, Statebag
from statebag.integrations import other_writers
from statebag.integrations.other_writers import write_after_others
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.upkeep.condemned_packs import write_condemned
from statebag.upkeep.objects import root_scope
from statebag.versions.condemned import forget_condemned, packs_named
from tests.bags import noise

STATE = {"text": noise(60_000)}


@pytest.fixture
def head():
    forget()
    forget_condemned()
    return Statebag(MemoryStore(), replicas=()).heads("m").head("main")


def written(head, state, present, seen):
    def write(last, heal):
        seen.append((None if last is None else last.number, heal))
        return head.advance(head.seal(state, last, heal=heal), last)

    return write_after_others(write, present, head.read, "head")


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_version_that_needs_a_marked_pack_is_written_again(head, before):
    last = None
    for n in range(before):
        last = head.advance(head.seal({"n": n}, last), last)
    bag = head.seal(STATE)
    packs = packs_named(bag)
    write_condemned(head._client.store, root_scope(min(packs)), packs)
    forget_condemned()
    seen = []
    version = written(head, STATE, last, seen)
    number = before or None
    assert seen == [(number, False), (number, True)]
    assert not packs_named(version.bag) & packs
    assert head.open(version) == STATE


def test_a_version_of_another_writer_comes_before(head):
    first = head.advance(head.seal({"n": 0}), None)
    head.advance(head.seal({"n": 1}, first), first)
    for believed in (None, first):
        seen = []
        version = written(head, {"n": 2}, believed, seen)
        assert [heal for _, heal in seen] == [False, False]
        assert seen[-1][0] == version.number - 1


def test_a_head_that_was_deleted_begins_again(head):
    first = head.advance(head.seal({"n": 0}), None)
    head.delete()
    seen = []
    assert head.open(written(head, {"n": 1}, first, seen)) == {"n": 1}
    assert seen == [(1, False), (None, False)]


def test_endless_conflicts_end_in_one(head, monkeypatch):
    monkeypatch.setattr(other_writers, "_TURNS", 3)

    def write(last, heal):
        raise Conflict("another writer was first")

    with pytest.raises(Conflict, match="writers of this head were first 3 times") as caught:
        write_after_others(write, None, head.read, "head")
    assert caught.value.hint == "Let fewer writers write to one head at a time."
