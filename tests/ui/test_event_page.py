"""The events of an execution as rows."""

import json

from statebag.ui.event_page import event_page
from tests.ui.conftest import SECRET


def test_all_events_without_their_payloads(bad):
    page = event_page(bad, 0, 1_000)
    assert page["total"] == len(bad.snapshot().history.events) == len(page["events"])
    first, last = page["events"][0], page["events"][-1]
    assert (first["event"], first["type"], first["is_state"]) == (1, "ExecutionStarted", True)
    assert (last["type"], last["error"]) == ("ExecutionFailed", "ValueError")
    assert all(one["size"] >= 0 for one in page["events"] if one["is_state"])
    assert SECRET not in json.dumps(page)


def test_a_part_and_those_with_a_text(bad):
    assert [one["event"] for one in event_page(bad, 2, 3)["events"]] == [3, 4, 5]
    found = event_page(bad, 0, 100, text="valueerror")
    assert {one["error"] for one in found["events"]} == {"ValueError"}
    assert found["total"] == len(found["events"]) > 0
    load = event_page(bad, 0, 100, text="LOAD")["events"]
    assert [one["type"] for one in load] == ["TaskStateEntered", "TaskStateExited"]
    assert event_page(bad, 0, 10**9)["total"] < 500


def test_those_of_a_kind(bad):
    def types(only, **asked):
        return [one["type"] for one in event_page(bad, 0, 1_000, only=only, **asked)["events"]]

    assert set(types("errors")) >= {"ExecutionFailed"}
    assert all(kind.endswith(("Failed", "Entered", "Exited")) for kind in types("errors"))
    payloads = event_page(bad, 0, 1_000, only="payloads")["events"]
    assert payloads
    assert all(one["size"] >= 0 for one in payloads)
    states = event_page(bad, 0, 1_000, only="states")["events"]
    assert states
    assert all(one["is_state"] for one in states)
    assert types("states", text="load") == ["TaskStateEntered", "TaskStateExited"]
    assert types("of a kind that there is not") == types("all")
