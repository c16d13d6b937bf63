"""One execution as the page sees it."""

import json

import pytest

from statebag.errors import InvalidState
from statebag.history.replay import Replay
from statebag.local.records import Record
from statebag.opening.inspection import inspect
from statebag.ui import seen_execution
from statebag.ui.execution_catalog import ExecutionCatalog
from statebag.ui.seen_execution import is_of_state
from tests.ui.conftest import arn_of


def test_transitions_and_status(good, bad):
    snapshot = good.snapshot()
    assert snapshot.stands.status == "SUCCEEDED"
    assert [one.state for one in snapshot.made] == ["Load", "Map", "Each", "Each", "Each", "Change"]
    assert bad.snapshot().stands.error == "ValueError"
    assert good.snapshot() is snapshot, "nothing was written since"


def test_payloads_are_read_one_by_one(good):
    newest = good.payload_event()
    assert good.snapshot().history.event(newest).type == "ExecutionSucceeded"
    assert good.payload_event(33) == 33  # a task's request
    assert good.payload_event(34) == 33
    assert good.bag(newest)["status"] == "DONE"
    with pytest.raises(InvalidState, match="no event 99"):
        good.payload_event(99)
    with pytest.raises(InvalidState, match="event 34 has no payload"):
        good.bag(34)
    assert good.payload_event(34) == 33
    assert good.bag(33) is not None


def test_sizes_are_known_step_by_step(good):
    assert set(good.columns()[1]) == {-1}
    steps = 0
    while not good.measure(2):
        steps += 1
    assert steps > 3
    sealed, opened = good.columns()
    last = good.snapshot().made[-1]
    assert opened[-1] == inspect(good.bag(last.left)).root.size > 800_000
    assert good.largest() == max(sealed)
    assert good.measured(last.left).packs


def test_containers_say_where_a_state_stands(good):
    found = good.containers()
    each = next(one for one in good.snapshot().made if one.path == "Main/Map[0]/Each")
    assert found[each.entered] == "Main/Map[0]/"
    assert found[2] == ""


def test_which_payloads_are_states():
    assert is_of_state("TaskStateEntered")
    assert not is_of_state("TaskScheduled")


def long_history(tmp_path, steps, *, end="ExecutionFailed"):
    """A record in which each step carries two kilobytes."""
    text = json.dumps({"x": "y" * 2_000})
    record = Record(tmp_path / "Main" / "long.jsonl", arn_of("long"), {})
    events = [("ExecutionStarted", {})]
    for _ in range(steps):
        events += [("PassStateEntered", {"name": "S", "input": text})]
        events += [("PassStateExited", {"name": "S", "output": text})]
    events += [(end, {"error": "Late"})] if end else []
    for number, (kind, details) in enumerate(events, 1):
        about = {"id": number, "previousEventId": number - 1, "type": kind, "timestamp": number}
        name = kind[0].lower() + kind[1:]
        name = "state" + kind[len("PassState") :] if kind.startswith("Pass") else name
        record.add({**about, f"{name}EventDetails": details})
    record.close()
    return tmp_path


def test_a_long_history_is_read_in_parts_and_its_end_first(tmp_path, monkeypatch):
    monkeypatch.setattr(seen_execution, "_FIRST_BYTES", 64 * 1024)
    seen = ExecutionCatalog(long_history(tmp_path, 500)).get(arn_of("long"))
    first = seen.look()
    assert not first.is_whole
    assert 0 < first.share < 0.2
    assert (first.stands.status, first.stands.error) == ("FAILED", "Late")
    assert first.newest.id == 1_002
    assert 10 < len(first.made) < 100
    assert seen.known() is first, "nothing more is read"
    looks = 0
    while not seen.look().is_whole:
        looks += 1
    assert looks < 8, "each reads more than the one before"
    whole = ExecutionCatalog(tmp_path).get(arn_of("long")).snapshot()
    assert seen.snapshot().made == whole.made
    assert seen.snapshot().stands == whole.stands
    assert len(whole.made) == 500


def test_new_events_are_followed_without_those_before(tmp_path, monkeypatch):
    seen = ExecutionCatalog(long_history(tmp_path, 50, end=None)).get(arn_of("long"))
    before = seen.snapshot()
    taken = []
    take = Replay.take

    def counted(self, event):
        taken.append(event.id)
        take(self, event)

    monkeypatch.setattr(Replay, "take", counted)
    file = tmp_path / "Main" / "long.jsonl"
    with file.open("ab") as opened:
        opened.write(b'{"id": 102, "type": "PassStateEntered", "timestamp": 102,')
        opened.write(b'"previousEventId": 101, "stateEnteredEventDetails": {"name": "T"}}\n')
    after = seen.snapshot()
    assert taken == [102]
    assert after.made[:-1] == before.made
    assert after.made[-1].state == "T"
    with file.open("ab") as opened:  # a number that was there: all is followed again
        opened.write(b'{"id": 2, "type": "PassStateEntered", "timestamp": 2,')
        opened.write(b'"previousEventId": 1, "stateEnteredEventDetails": {"name": "U"}}\n')
    assert seen.snapshot().made[0].state == "U"
    assert len(taken) == 1 + 102
