"""What a result says of itself."""

import pytest

from statebag.manager.merge.verdict import REASON, failure_in, judge, with_reason
from statebag.manager.statuses import CLASSES, Statuses

TABLE = Statuses()
CAUGHT = {"Error": "States.TaskFailed", "Cause": '{"errorMessage": "no"}'}
FAILURES = [
    *({"status": status} for status in CLASSES["failed"]),
    {"status": "partial_failure"},
    {"error": "E", "status": "COMPLETE"},
    {"error": {"Error": "E"}},
    CAUGHT,
    {**CAUGHT, "status": "SUCCEEDED", "mine": 1},
    {"Error": "E"},
    {"Error": "E", "Cause": None},
    {"map_error": CAUGHT},
    {"partial_failure": True, "status": "COMPLETE"},
    {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": "{}"},
]
NO_FAILURES = [
    {"error": None},
    {"error": ""},
    {"error": {}},
    {"Error": 0.03},
    {"Error": "", "Cause": ""},
    {"Cause": "x"},
    {"map_error": None},
    {"partial_failure": False},
    {"status": "APPROVED"},
    {},
]


def wrapped(result):
    return {"ExecutedVersion": "$LATEST", "Payload": result, "StatusCode": 200}


@pytest.mark.parametrize("result", FAILURES)
@pytest.mark.parametrize("around", [lambda one: one, wrapped, lambda one: [one, {}]])
def test_a_failure_is_seen_wherever_it_stands(result, around):
    assert failure_in(around(result), TABLE).failed
    assert judge(around(result), TABLE).failed
    assert judge([[around(result)]], TABLE).failed


@pytest.mark.parametrize("result", NO_FAILURES)
def test_what_is_no_failure(result):
    assert failure_in(result, TABLE) is None
    assert failure_in([wrapped(result)], TABLE) is None


@pytest.mark.parametrize("value", [None, 5, "FAILED", "Error", [], [1, ["FAILED"]], [[[]]]])
def test_values_that_are_no_results_are_data(value):
    assert not judge(value, TABLE).failed


def test_the_error_is_the_results_own():
    assert failure_in({"error": "E", **CAUGHT}, TABLE).error == "E"
    assert failure_in({**CAUGHT, "other": 1}, TABLE).error == CAUGHT
    assert failure_in({"map_error": CAUGHT}, TABLE).error == CAUGHT
    assert failure_in({"status": "HALTED"}, TABLE).error is None


@pytest.mark.parametrize("status", ["WHAT", "", 5, True, {"a": 1}, ["COMPLETE"]])
def test_one_of_many_with_an_unknown_status_failed_for_that_reason(status):
    result = {"status": status, "mine": 1}
    verdict = judge(result, TABLE)
    assert verdict.failed
    kept = with_reason(result, verdict)
    assert kept == {**result, REASON: verdict.reason}
    assert kept[REASON]["Error"] == "Statebag.UnknownStatus"
    assert "STATEBAG_STATUSES" in kept[REASON]["Cause"]
    if isinstance(status, str) and status:
        assert not judge(result, Statuses([f"{status}=done"])).failed  # as the reason says


def test_one_of_many_with_an_unknown_next_action_and_no_status_failed_for_that_reason():
    verdict = judge({"next_action": "ESCALATE"}, TABLE)
    assert verdict.reason["Error"] == "Statebag.UnknownNextAction"
    assert not judge({"next_action": "ESCALATE"}, Statuses([], ["ESCALATE"])).failed
    assert not judge({"next_action": "ESCALATE", "status": "COMPLETE"}, TABLE).failed


@pytest.mark.parametrize("action", ["FAILED", "HALTED", "sigkill"])
def test_one_of_many_whose_next_action_is_a_failure_failed(action):
    assert judge({"next_action": action}, TABLE).failed
    assert judge({"next_action": action, "status": "COMPLETE"}, TABLE).failed


@pytest.mark.parametrize("field", ["status", "next_action"])
def test_one_that_waits(field):
    verdict = judge({field: "pause"}, TABLE)
    assert (verdict.waits, verdict.next_action) == (True, "PAUSED_FOR_HITP")


@pytest.mark.parametrize("status", ["COMPLETE", "running", "STARTED"])
def test_one_whose_next_action_waits_waits_whatever_its_status(status):
    """A branch's status may be of before the pause."""
    verdict = judge({"status": status, "next_action": "PAUSED_FOR_ASYNC_LLM"}, TABLE)
    assert (verdict.waits, verdict.next_action) == (True, "PAUSED_FOR_ASYNC_LLM")


def test_a_next_action_that_waits_excuses_no_failure_and_no_unknown_status():
    for status in ("FAILED", "WHAT", 5):
        assert judge({"status": status, "next_action": "PAUSED_FOR_HITP"}, TABLE).failed


def test_a_failure_that_says_why_is_kept_as_it_is():
    for result in FAILURES[:-1]:
        assert with_reason(result, judge(result, TABLE)) == result


def test_a_reason_never_takes_the_place_of_a_field():
    result = {REASON: "mine", "status": "WHAT"}
    kept = with_reason(result, judge(result, TABLE))
    assert kept["result"] == result
    results = [{"status": "FAILED"}, {"status": "COMPLETE"}]
    kept = with_reason(results, judge(results, TABLE))
    assert kept["result"] == results
    assert kept[REASON]["Cause"] == "1 of the 2 results in the list failed"


def test_lists_deeper_than_a_workflow_nests_them_are_data():
    value = {"status": "FAILED"}
    for _ in range(5_000):
        value = [value]
    assert not judge(value, TABLE).failed
