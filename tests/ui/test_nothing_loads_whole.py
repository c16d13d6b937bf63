"""A long execution with a large state: bytes and requests, since nothing is loaded whole."""

import json

import pytest

from statebag import Policy, Statebag
from statebag.local.records import Record
from statebag.store import MemoryStore
from statebag.testing import RecordingStore, forget
from statebag.ui.event_file import EventFile
from statebag.ui.execution_catalog import ExecutionCatalog
from statebag.ui.page_answers import PageData
from tests.bags import noise
from tests.ui.conftest import arn_of

STEPS = 400
ITEMS = 20_000


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A history of 11 MB, whose state has 11 MB, and a store that counts."""
    folder = tmp_path_factory.mktemp("long")
    store = RecordingStore(MemoryStore())
    client = Statebag(store, policy=Policy(control=("$.turn",)), replicas=())
    items = [{"n": n, "text": noise(250, n)} for n in range(ITEMS)]
    bag = client.seal({"turn": 0, "items": items, "log": []}, scope="Main/long")
    record = Record(folder / "Main" / "long.jsonl", arn_of("long"), {})
    number = 0

    def add(kind, about, **details):
        nonlocal number
        number += 1
        event = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": number}
        record.add({**event, about: details})

    add("ExecutionStarted", "executionStartedEventDetails", input="{}")
    for step in range(STEPS):
        text = json.dumps({**bag, "turn": step})
        add("TaskStateEntered", "stateEnteredEventDetails", name="Work", input=text)
        if step == STEPS // 2:
            bag = client.append(bag, "log", [{"step": step, "x": noise(400)}], scope="Main/long")
        add("TaskStateExited", "stateExitedEventDetails", name="Work", output=text)
    record.close()
    forget()
    return folder, client, store


@pytest.fixture
def served(long):
    folder, client, store = long
    data = PageData(ExecutionCatalog(folder), client)
    sent = []

    def ask(name, **asked):
        answer = data.answer(name, {"arn": arn_of("long"), **asked})
        sent.append(len(json.dumps(answer).encode()))
        return answer

    return ask, sent, data, store


def since(store, seen):
    """The bytes that were asked of the store since then."""
    calls = store.calls[seen:]
    assert {call.operation for call in calls} <= {"get_ranges", "head"}
    return sum(length for call in calls for _, length in call.spans)


def test_the_first_view(served, long):
    ask, sent, data, store = served
    seen = len(store.calls)
    head = ask("execution")
    for name in ("graph", "timeline", "steps"):
        ask(name)
    log = data.catalog.get(arn_of("long")).source.log
    assert (long[0] / "Main" / "long.jsonl").stat().st_size > 7_500_000
    assert log.read_bytes <= 4 * 1024 * 1024
    assert 0.3 < head["reading"] < 0.7
    assert head["events"] == 1 + 2 * STEPS
    assert sum(sent) < 300_000
    assert store.calls[seen:] == []


def test_all_of_the_history_is_read_once(served, monkeypatch):
    ask, _, data, _ = served
    read = []
    grow = EventFile.grow

    def counted(self, most=None):
        before = self.read_bytes
        grew = grow(self, most)
        read.append(self.read_bytes - before)
        return grew

    monkeypatch.setattr(EventFile, "grow", counted)
    while ask("execution")["reading"] is not None:
        pass
    ask("execution")
    log = data.catalog.get(arn_of("long")).source.log
    assert sum(read) <= log.read_bytes
    assert ask("steps", start=str(STEPS - 1))["steps"][0]["number"] == STEPS


def test_a_value_of_a_large_state(served):
    ask, sent, _, store = served
    seen = len(store.calls)
    answer = ask("state")
    assert since(store, seen) == 0, "the payload has the fields"
    items = next(one for one in answer["members"] if one["key"] == "items")
    assert items["size"] > 5_000_000
    page = ask("state", path='["items"]', start="15000", count="50")
    assert page["members"][0]["key"] == 15_000
    node = ask("state", path='["items",15001,"text"]', values="1")["node"]
    assert node["size"] > 100
    assert since(store, seen) < 1_000_000
    assert max(sent[1:]) < 30_000


def test_a_difference(served):
    ask, sent, _, store = served
    seen = len(store.calls)
    found = ask("differences", before="100", after=str(2 * STEPS))
    assert {one["path"] for one in found["changes"]} >= {"$.turn", "$.log[0]"}
    assert "$.items" not in {one["path"] for one in found["changes"]}
    assert store.calls[seen:] == [], "digests show it"
    inside = ask("inside", before="100", after=str(2 * STEPS), path='["log"]')
    assert inside["changes"]
    assert since(store, seen) < 100_000
    assert max(sent) < 10_000


def test_a_search_stops_at_its_budget(served):
    ask, _, _, store = served
    seen = len(store.calls)
    found = ask("search", text="no such text", where="value", budget="1000000")
    assert found["read"] <= 1_000_000
    assert [one["path"] for one in found["skipped"]] == ["$.items"]
    assert since(store, seen) < 2_000_000


def test_the_history_of_a_value_needs_no_store(served):
    ask, sent, _, store = served
    seen = len(store.calls)
    changes, after, mark = [], "0", ""
    while after is not None:
        asked = {"path": '["log"]', "at": str(2 * STEPS), "after": after, "mark": mark}
        found = ask("trail", **asked)
        changes += found["changes"]
        mark = found["mark"]
        after = None if found["next"] is None else str(found["next"])
    assert [one["what"] for one in changes] == ["is", "changed"]
    assert store.calls[seen:] == [], "digests in the stubs show it"
    assert max(sent) < 10_000


def test_a_run_that_is_followed_costs_what_is_new(long, tmp_path, monkeypatch):
    _, client, _ = long
    record = Record(tmp_path / "Main" / "live.jsonl", arn_of("live"), {})

    def add(number, kind, name):
        event = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": number}
        record.add({**event, "stateEnteredEventDetails": {"name": name, "input": "{}"}})

    for number in range(1, 4_001):
        add(number, "PassStateEntered", "Work")
    data = PageData(ExecutionCatalog(tmp_path), client)
    while data.answer("execution", {"arn": arn_of("live")})["reading"] is not None:
        pass
    log = data.catalog.get(arn_of("live")).source.log
    before, events = log.read_bytes, len(log.events)
    taken = []
    take = log._take
    monkeypatch.setattr(log, "_take", lambda line: (taken.append(len(line)), take(line)))
    add(4_001, "PassStateEntered", "Arrived")
    head = data.answer("execution", {"arn": arn_of("live")})
    assert (head["events"], head["transitions"]) == (events + 1, 4_001)
    assert len(taken) == 1
    assert log.read_bytes - before == taken[0] + 1
    record.close()
