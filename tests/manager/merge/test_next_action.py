"""The fixed order of rules."""

import pytest

from statebag import InvalidState
from statebag.manager.merge.next_action import next_action, reaches_end, standing
from statebag.manager.statuses import CLASSES, Statuses

TABLE = Statuses()
DONE = {"segment_to_run": 3, "total_segments": 3}


@pytest.mark.parametrize(
    ("result", "state", "expected"),
    [
        ({"error": {"Error": "E"}, "next_action": "CONTINUE"}, {}, "FAILED"),
        ({"Error": "E", "Cause": "", "next_action": "WHATEVER"}, {}, "FAILED"),
        ({"status": "failed", "next_action": "CONTINUE"}, {}, "FAILED"),
        ({"partial_failure": True, "status": "COMPLETE"}, {}, "FAILED"),
        ({"error": None, "next_action": "HALTED", "status": "COMPLETE"}, {}, "HALTED"),
        ({"next_action": "continue", "status": "WHATEVER"}, DONE, "CONTINUE"),
        ({"next_action": None, "status": "success"}, {}, "COMPLETE"),
        ({"next_action": "CONTINUE"}, DONE, "CONTINUE"),
        ({"status": "RUNNING"}, DONE, "CONTINUE"),
        ({"status": None}, DONE, "COMPLETE"),
        ({}, DONE, "COMPLETE"),
        ({}, {"segment_to_run": 4.0, "total_segments": 3.0}, "COMPLETE"),
        ({}, {"segment_to_run": 2, "total_segments": 3}, "CONTINUE"),
        ({}, {"segment_to_run": 2}, "CONTINUE"),
        ({}, {"total_segments": 0}, "CONTINUE"),
    ],
)
def test_the_rules_are_asked_in_their_order(result, state, expected):
    assert next_action(result, state, TABLE) == expected


@pytest.mark.parametrize("status", [one for statuses in CLASSES.values() for one in statuses])
def test_every_status_of_the_table(status):
    assert next_action({"status": status}, DONE, TABLE) == TABLE.by_status(status)


@pytest.mark.parametrize(
    "result", [{"next_action": "WHATEVER", "status": "SUCCESS"}, {"next_action": 7}, {"status": 7}]
)
def test_what_the_table_does_not_have_is_refused(result):
    with pytest.raises(InvalidState):
        next_action(result, {}, TABLE)


def test_a_result_that_says_nothing_is_decided_by_whoever_asks():
    assert next_action({}, {}, TABLE, otherwise="COMPLETE") == "COMPLETE"


@pytest.mark.parametrize("segment", ["1", 1.5, True])
def test_the_end_needs_two_numbers(segment):
    for state in (
        {"segment_to_run": segment, "total_segments": 1},
        {"segment_to_run": 1, "total_segments": segment},
    ):
        with pytest.raises(InvalidState):
            reaches_end(state)


def test_a_state_stands_at_its_own_next_action():
    assert standing({"next_action": "HALTED", **DONE}, TABLE) == "HALTED"
    assert standing({"next_action": 5, **DONE}, TABLE) == "COMPLETE"
    assert standing({}, TABLE) == "CONTINUE"
