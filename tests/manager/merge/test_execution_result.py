"""What each field of a result means."""

import pytest

from statebag import InvalidState
from statebag.manager.control_fields import CONTROL_FIELDS
from statebag.manager.merge.control import control_names
from statebag.manager.merge.execution_result import is_of_segment, merge_result
from statebag.manager.statuses import Statuses
from statebag.policy import Policy

CONTROL = control_names(Policy(control=CONTROL_FIELDS).control_paths())


def merged(state, result, **arguments):
    return merge_result(state, result, CONTROL, Statuses(), **arguments)


def test_every_field_of_the_state_survives():
    state = {"mine": {"deep": [1, None]}, "status": "CONTINUE", "": 0, "state_history": [1]}
    assert merged(state, {}) == state


def test_the_results_control_fields_win_and_null_gives_none():
    state = {"status": "CONTINUE", "loop_counter": 1, "segment_id": "a", "execution_id": "m/e"}
    result = {"status": "COMPLETE", "loop_counter": 2, "segment_id": None, "guardrail_verified": 1}
    assert merged(state, result) == {
        "status": "COMPLETE",
        "loop_counter": 2,
        "segment_id": "a",
        "execution_id": "m/e",
        "guardrail_verified": 1,
    }


def test_a_final_state_brings_the_keys_that_it_has():
    state = {"current_state": {"a": 1, "b": {"x": 1, "y": 2}}}
    result = {"final_state": {"b": {"x": 9}, "c": None}}
    assert merged(state, result)["current_state"] == {"a": 1, "b": {"x": 9}, "c": None}
    assert merged({}, result)["current_state"] == result["final_state"]
    assert state["current_state"] == {"a": 1, "b": {"x": 1, "y": 2}}


def test_the_other_fields_that_have_a_meaning():
    result = {
        "final_state_s3_path": "s3://b/k",
        "next_segment_to_run": 4,
        "error": {"Error": "E"},
        "new_history_logs": ["entry"],
        "append_id": 9,
    }
    state = merged({"segment_to_run": 1}, result)
    assert state.pop("last_append_id") == "9"
    assert state == {
        "segment_to_run": 4,
        "state_s3_path": "s3://b/k",
        "error": {"Error": "E"},
        "next_action": "FAILED",
        "state_history": ["entry"],
    }


def test_what_a_catch_gives_is_the_error():
    caught = {"Error": "States.TaskFailed", "Cause": "text"}
    failed = {"next_action": "FAILED"}
    state = merged({"error": "old"}, {**caught, "mine": 1})
    assert state == {**failed, "error": caught, "last_execution_result": {"mine": 1}}
    state = merged({}, {**caught, "error": "own", "next_action": "CONTINUE"})
    assert state == {**failed, "error": "own", "last_execution_result": caught}
    assert merged({}, {"Error": 0.1}) == {"last_execution_result": {"Error": 0.1}}


def test_the_reason_of_any_failure_stays():
    for reason in (
        {"status": "HALTED"},
        {"map_error": {"Error": "E"}},
        {"partial_failure": True, "error_info": {"Error": "E"}},
    ):
        state = merged({}, reason)
        assert reason.items() <= {**state, **state.get("last_execution_result", {})}.items()
    assert merged({}, {"map_error": {"Error": "E"}})["error"] == {"Error": "E"}


def test_a_next_action_is_kept_as_the_table_spells_it():
    assert merged({}, {"next_action": "pause"})["next_action"] == "PAUSED_FOR_HITP"


def test_an_append_id_is_kept_without_entries_too():
    assert merged({}, {"append_id": "turn-1"}) == {"last_append_id": "turn-1"}


def test_whatever_else_a_result_holds_is_kept():
    state = merged({}, {"status": "CONTINUE", "tokens": 5, "state_history": ["mine"]})
    assert state["last_execution_result"] == {"tokens": 5, "state_history": ["mine"]}
    assert "state_history" not in state
    assert merged(state, {"other": 1})["last_execution_result"] == {"other": 1}
    assert merged(state, {})["last_execution_result"] == {}
    assert "last_execution_result" not in merged({}, {"status": "CONTINUE"})


def test_a_fork_leaves_pointers():
    branches = [{"branch_id": "a", "nodes": []}, {"nodes": [1]}, {"branch_id": "x" * 300}]
    state = merged({"branches": "mine"}, {"branches": branches}, branches=branches)
    assert state["forked_branches"] == branches
    assert state["pending_branches"] == [
        {"branch_index": 0, "branch_id": "a", "total_branches": 3},
        {"branch_index": 1, "branch_id": "branch_1", "total_branches": 3},
        {"branch_index": 2, "branch_id": "branch_2", "total_branches": 3},
    ]
    assert state["branches"] == "mine"
    with pytest.raises(InvalidState):
        merged({}, {"branches": ["text"]}, branches=["text"])


@pytest.mark.parametrize("state", [{"current_state": "text"}, {"current_state": [1]}])
def test_a_final_state_needs_an_object(state):
    with pytest.raises(InvalidState, match="must be an object, not a"):
        merged(state, {"final_state": {"a": 1}})
    with pytest.raises(InvalidState, match="must be an object, not a"):
        merged({}, {"final_state": "text"})


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({}, False),
        ({"guardrail_verified": True, "loop_counter": 7}, False),
        ({"status": None, "final_state": None}, False),
        ({"status": "RUNNING"}, True),
        ({"next_action": "CONTINUE"}, True),
        ({"loop_counter": 7, "final_state": {}}, True),
        ({"anything": 0}, True),
    ],
)
def test_what_tells_of_a_segment(result, expected):
    assert is_of_segment(result, CONTROL) is expected
