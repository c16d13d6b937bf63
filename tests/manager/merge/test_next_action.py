"""The fixed order of rules, and the table of statuses."""

import pytest

from statebag import InvalidState
from statebag.manager.merge.next_action import BY_STATUS, NEXT_ACTIONS, advance, next_action

DONE = {"segment_to_run": 3, "total_segments": 3}


@pytest.mark.parametrize(
    ("result", "state", "expected"),
    [
        ({"error": {"Error": "E"}, "next_action": "CONTINUE"}, {}, "FAILED"),
        ({"error": None, "next_action": "HALTED", "status": "COMPLETE"}, {}, "HALTED"),
        ({"next_action": "WHATEVER", "status": "SUCCESS"}, {}, "COMPLETE"),
        ({"next_action": 7}, {}, "CONTINUE"),
        ({"next_action": "CONTINUE"}, DONE, "CONTINUE"),
        ({"status": "RUNNING"}, DONE, "CONTINUE"),
        ({}, DONE, "COMPLETE"),
        ({}, {"segment_to_run": 4.0, "total_segments": 3.0}, "COMPLETE"),
        ({}, {"segment_to_run": 2, "total_segments": 3}, "CONTINUE"),
        ({}, {"segment_to_run": 2}, "CONTINUE"),
        ({}, {"total_segments": 0}, "CONTINUE"),
    ],
)
def test_the_rules_are_asked_in_their_order(result, state, expected):
    assert next_action(result, state) == expected


@pytest.mark.parametrize(("status", "expected"), BY_STATUS.items())
def test_every_status_of_the_table(status, expected):
    assert next_action({"status": status}, DONE) == expected
    assert expected in NEXT_ACTIONS


@pytest.mark.parametrize("status", ["complete", "DONE", "", 5, {"a": 1}, True])
def test_another_status_is_refused_and_the_table_named(status):
    with pytest.raises(InvalidState, match="SUCCEEDED, SUCCESS") as refused:
        next_action({"status": status}, {})
    assert refused.value.path == "$.status"
    assert "DONE" not in str(refused.value)


def test_a_policy_may_add_next_actions():
    result = {"next_action": "ESCALATE"}
    assert next_action(result, {}, added=("ESCALATE",)) == "ESCALATE"
    assert next_action(result, {}) == "CONTINUE"


def test_the_segment_moves_to_the_one_named_or_further():
    assert advance({"segment_to_run": 1}, {"next_segment_to_run": 7}, by=0)["segment_to_run"] == 7
    assert advance({"segment_to_run": 1}, {"next_segment_to_run": 7.0}, by=1)["segment_to_run"] == 7
    assert advance({"segment_to_run": 1}, {"next_segment_to_run": None}, by=1) == {
        "segment_to_run": 2
    }
    assert advance({"segment_to_run": 1}, {}, by=0) == {"segment_to_run": 1}
    assert advance({}, {}, by=1) == {}
    for wrong in ("7", 7.5, True):
        with pytest.raises(InvalidState):
            advance({}, {"next_segment_to_run": wrong}, by=0)
