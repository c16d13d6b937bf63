"""Threads in heads, without LangGraph: checkpoints and writes beside writers and collectors."""

import pytest

from statebag import Conflict, Statebag
from statebag.integrations import other_writers
from statebag.integrations.langgraph_threads import Threads
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.upkeep.condemned_packs import write_condemned
from statebag.versions.condemned import forget_condemned, packs_named
from tests.bags import noise

STATE = {"text": noise(60_000)}


@pytest.fixture
def threads():
    forget()
    forget_condemned()
    return Threads(Statebag(MemoryStore(), replicas=()), "langgraph")


def put(threads, checkpoint, state, parent=None):
    note = {"thread": "t", "ns": "", "id": checkpoint, "parent": parent}
    threads.advance("t", "", state, note)


def test_checkpoints_are_found_by_id_and_the_largest_is_the_newest(threads):
    for checkpoint, parent in (("1", None), ("3", "1"), ("2", "1")):
        put(threads, checkpoint, {"n": checkpoint}, parent)
    head = threads.head("t", "")
    assert threads.find(head, None).note["id"] == "3"
    assert head.open(threads.find(head, "2")) == {"n": "2"}
    assert threads.find(head, "9") is None
    assert [one.note["id"] for one in threads.versions(head)] == ["3", "2", "1"]
    assert [one.note["id"] for one in threads.versions(head, before="3")] == ["2", "1"]
    assert [one.note["id"] for one in threads.versions(head, "2")] == ["2"]
    found = threads.ancestors(head, threads.find(head, "2"))
    assert [one.note["id"] for one in found] == ["1"]
    assert [one.scope for one in threads.heads()] == ["langgraph/t"]


def marked(threads, bag):
    """Mark the packs of a bag, as a collector does that finds that no version needs them."""
    write_condemned(threads.client.store, "langgraph/t", packs_named(bag))
    forget_condemned()


@pytest.mark.parametrize("remembers", [True, False])
def test_a_checkpoint_and_writes_do_not_rely_on_what_a_collector_is_about_to_delete(
    threads, remembers
):
    head = threads.head("t", "")
    put(threads, "1", {})
    bag = head.seal(STATE)
    marked(threads, bag)
    if not remembers:
        forget()
    put(threads, "2", STATE, "1")
    threads.write(head, "2", {0: ["channel", STATE["text"]]}, {"task": "a", "path": ""})
    for name in packs_named(bag):
        threads.client.store.delete(name)
    forget()
    assert head.open(threads.find(head, "2")) == STATE
    (write,) = head.attached.all("2").values()
    assert head.open(write) == {"writes": [[0, "channel", STATE["text"]]]}


def test_writes_of_a_task_whose_packs_are_marked_are_written_again(threads):
    head = threads.head("t", "")
    put(threads, "1", {})
    bag = head.seal({"writes": [[0, "channel", STATE["text"]]]})
    marked(threads, bag)
    threads.write(head, "1", {0: ["channel", STATE["text"]]}, {"task": "a", "path": ""})
    (write,) = head.attached.all("1").values()
    assert not packs_named(write.bag) & packs_named(bag)


def test_a_thread_that_is_deleted_and_made_again_begins_anew(threads):
    put(threads, "1", {"n": 1})
    threads.copy("t", "u")
    threads.delete("t")
    assert threads.find(threads.head("t", ""), None) is None
    put(threads, "2", {"n": 2})
    head, other = threads.head("t", ""), threads.head("u", "")
    assert [one.note["id"] for one in threads.versions(head)] == ["2"]
    assert other.open(threads.find(other, "1")) == {"n": 1}


def test_endless_conflicts_of_writes_end_in_one(threads, monkeypatch):
    monkeypatch.setattr(other_writers, "_TURNS", 3)
    head = threads.head("t", "")

    def overtaken(*_, **__):
        raise Conflict("another writer was first")

    monkeypatch.setattr(head.attached, "put", overtaken)
    with pytest.raises(Conflict, match="were first 3 times"):
        threads.write(head, "1", {}, {"task": "a", "path": ""})


def test_a_thread_whose_packs_were_marked_begins_again_in_the_same_process(threads):
    put(threads, "1", STATE)
    head = threads.head("t", "")
    bag = threads.find(head, "1").bag
    threads.delete("t")
    marked(threads, bag)
    put(threads, "2", STATE)
    for name in packs_named(bag):
        threads.client.store.delete(name)
    forget()
    assert head.open(threads.find(head, None)) == STATE
