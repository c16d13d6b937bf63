"""One head as the page sees it: versions in the place of events."""

import json

import pytest

from statebag import Statebag
from statebag.errors import BlobMissing, ConfigurationError, InvalidState
from statebag.format.head_names import head_name
from statebag.store import MemoryStore
from statebag.testing import RecordingStore
from statebag.ui.execution_catalog import ExecutionCatalog
from statebag.ui.page_answers import PageData
from statebag.ui.seen_head import SeenHead, is_head, overview_of_head
from tests.bags import noise
from tests.cli.program import statebag
from tests.ui.conftest import SECRET

NAME = head_name("agents/thread-7", "main")


@pytest.fixture
def store():
    return RecordingStore(MemoryStore())


@pytest.fixture
def client(store):
    return Statebag(store, replicas=(), signing_keys={})


@pytest.fixture
def head(client):
    """Five versions; the second is dropped, and thread-8 is a fork at the third."""
    head = client.heads("agents/thread-7").head("main")
    version = None
    for n in range(1, 6):
        state = {"messages": [noise(40_000, m) for m in range(n)], "n": n, "secret": SECRET}
        if n == 3:
            state["gone"] = True
        version = head.advance(
            head.seal(state, version), version, label=f"s{n}", note={"x": SECRET}
        )
    third = head.find("s3")
    head.drop([2])
    fork = client.heads("agents/thread-8").head("main")
    begun = head.fork(fork, third)
    fork.advance(fork.seal({"n": "other"}, begun), begun, label="other")
    return head


@pytest.fixture
def seen(client, head):
    return SeenHead(client, NAME)


@pytest.fixture
def ask(client, head, tmp_path):
    data = PageData(ExecutionCatalog(tmp_path), client)
    return lambda name, **asked: data.answer(name, {"arn": NAME, **asked})


def test_versions_and_what_is_known_of_them(seen):
    page = seen.rows(0, 2, values=False)
    assert (page["total"], [one["number"] for one in page["versions"]]) == (4, [5, 4])
    assert page["versions"][0]["label"] == "s5"
    assert page["versions"][0]["opened"] > 5 * 40_000 > page["versions"][0]["sealed"]
    assert page["versions"][0]["superseded"] is None
    assert SECRET not in json.dumps(page)
    assert SECRET in json.dumps(seen.rows(0, 1, values=True))
    assert [one["number"] for one in seen.rows(2, 9, values=False)["versions"]] == [3, 1]
    assert seen.numbers() == [1, 3, 4, 5]
    with pytest.raises(InvalidState, match="no version 2: its newest is 5"):
        seen.at(2)
    assert seen.kind_of(3) == "s3"


def test_the_head_of_the_page(client, seen):
    about = overview_of_head(seen)
    assert (about["scope"], about["name"], about["newest"], about["versions"]) == (
        "agents/thread-7", "main", 5, 4,
    )  # fmt: skip
    assert about["origins"] == []
    fork = overview_of_head(SeenHead(client, head_name("agents/thread-8", "main")))
    assert fork["origins"] == ["agents/thread-7"]
    assert fork["numbers"] == [3, 4]


def test_states_differences_and_a_value_across_versions(ask):
    assert ask("state")["event"] == 5
    first = ask("state", at="1")
    assert (first["event"], first["type"]) == (1, "s1")
    assert {one["key"] for one in first["members"]} == {"messages", "n", "secret"}
    found = ask("differences", before="3", after="4")
    assert (found["before"], found["after"]) == (3, 4)
    paths = {one["path"]: one["kind"] for one in found["changes"]}
    assert paths["$.gone"] == "removed"
    assert paths["$.n"] == "changed"
    inside = ask("inside", before="3", after="4", path='["messages"]')
    assert [one["kind"] for one in inside["changes"]] == ["added"]
    trail = ask("trail", path='["gone"]')
    assert [(one["event"], one["what"]) for one in trail["changes"]] == [(3, "is"), (4, "gone")]
    assert trail["next"] is None
    hit = ask("search", text="secret")["hits"][0]
    assert hit["path"] == "$.secret"
    assert SECRET not in json.dumps(hit)


def test_a_new_version_and_a_head_that_was_made_again(client, head, ask):
    assert ask("head")["newest"] == 5
    head.advance(head.seal({"n": 6}), head.read(), label="s6")
    assert ask("head")["newest"] == 6
    assert ask("state")["event"] == 6
    head.delete()
    with pytest.raises(BlobMissing, match="the head was deleted"):
        ask("head")
    head.advance(head.seal({"again": True}), None, label="new")
    assert ask("head")["newest"] == 1
    assert [one["key"] for one in ask("state", at="1")["members"]] == ["again"], "not the older one"


def test_it_only_reads_and_versions_are_read_once(client, store, ask):
    seen = len(store.calls)
    ask("heads")
    ask("head")
    ask("versions")
    first = len(store.calls)
    ask("versions")
    ask("state", at="1")
    ask("differences", before="1", after="4")
    assert {call.operation for call in store.calls[seen:]} <= {"get", "get_ranges", "head", "list"}
    assert sum(call.operation == "get" for call in store.calls[first:]) <= 3


@pytest.mark.parametrize("name", ["", "a/b.pack", "@heads/a/@b/@0123456789abcdef/0000000001~",
                                  "@heads/../@x/@head/", "arn:aws:states"])  # fmt: skip
def test_names_that_are_none(client, name):
    assert not is_head(name)
    with pytest.raises(ConfigurationError, match="not the name of a head's object") as caught:
        SeenHead(client, name)
    assert "statebag heads" in str(caught.value.hint)


def test_a_head_that_is_not_there(client):
    with pytest.raises(BlobMissing, match="does not exist"):
        SeenHead(client, head_name("no", "where")).look()


def test_what_statebag_heads_lists_is_shown(ran):
    """As the hints say."""
    listed = statebag("heads", "--json", "--store", ran.client.store.url).stdout.splitlines()
    names = [json.loads(line)["name"] for line in listed]
    assert len(names) == 2
    assert all(SeenHead(ran.client, name).look().newest for name in names)


def test_the_versions_that_the_page_lists_are_there(seen):
    """As a hint says."""
    listed = [one["number"] for one in seen.rows(0, 9, values=False)["versions"]]
    assert [seen.at(number).number for number in listed] == listed
