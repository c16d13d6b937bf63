"""`sync` and `sync_branch`: a step's result joins the state, and what comes next is decided."""

import pytest

from statebag import InvalidState
from statebag.format.stub import KEY
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import START, call, filler, opened, sync


def test_a_run_of_segments_to_its_end():
    state = START
    actions = []
    for n in range(9):
        answer = sync(state, next_segment_to_run=n + 1, new_history_logs=[{"n": n}])
        state = answer["state_data"]
        assert state["next_action"] == answer["next_action"]
        actions.append(answer["next_action"])
    assert actions == ["CONTINUE"] * 8 + ["COMPLETE"]
    assert [entry["n"] for entry in opened(state)["state_history"]] == list(range(9))


def test_a_large_history_is_neither_read_nor_written_again():
    history = [{"n": n, "text": filler(5_000, n)} for n in range(2_000)]
    bag = sync({**START, "state_history": history})["state_data"]
    forget()
    with usage.measured() as cost:
        bag = sync(bag, new_history_logs=[{"n": 2_000}], status="RUNNING")["state_data"]
    assert cost.gets == 0
    assert cost.bytes_put < 200_000
    assert [entry["n"] for entry in opened(bag)["state_history"]] == list(range(2_001))


def test_a_final_state_for_a_current_state_that_left_in_parts_reads_nothing():
    current = {"doc": filler(90_000), "count": 1}
    bag = sync({**START, "current_state": current})["state_data"]
    forget()
    with usage.measured() as cost:
        bag = sync(bag, final_state={"count": 2})["state_data"]
    assert cost.gets == 0
    assert opened(bag)["current_state"] == {**current, "count": 2}


def test_a_current_state_that_left_whole_is_read_to_be_merged():
    current = {f"k{n}": filler(400, n) for n in range(500)}
    bag = sync({**START, "current_state": current})["state_data"]
    assert KEY in bag["current_state"]
    bag = sync(bag, final_state={"k3": "new"})["state_data"]
    assert opened(bag)["current_state"] == {**current, "k3": "new"}


def test_a_result_that_was_sealed_is_merged_and_its_large_fields_are_not_read(sb):
    result = {
        "status": "RUNNING",
        "final_state": {"doc": filler(200_000), "n": 1},
        "new_history_logs": [{"log": filler(50_000)}],
        "trace": filler(300_000),
    }
    bag = sb.seal(result, scope="machine/run")
    forget()
    with usage.measured() as cost:
        answer = call("sync", state_data=START, execution_result=bag)
    assert cost.bytes_got < 100_000
    state = opened(answer["state_data"])
    assert state["current_state"] == result["final_state"]
    assert state["state_history"] == result["new_history_logs"]
    assert state["last_execution_result"] == {"trace": result["trace"]}


def test_a_result_twice_is_a_result_once():
    result = {"new_history_logs": [{"n": 1}], "final_state": {"a": 1}, "next_segment_to_run": 4}
    once = sync({**START, "state_history": [0]}, **result)
    twice = sync(once["state_data"], **result)
    assert twice == once


def test_a_small_fork_is_a_plain_list_and_a_large_one_a_stub(sb):
    for count, kind in ((1, list), (100, list), (400, list), (10_000, dict)):
        branches = [{"branch_id": f"b{n}", "nodes": [filler(80, n)]} for n in range(count)]
        bag = sync(START, branches=branches, next_action="PARALLEL_GROUP")["state_data"]
        assert isinstance(bag["pending_branches"], kind)
        state = opened(bag)
        assert state["forked_branches"] == branches
        assert state["pending_branches"][-1] == {
            "branch_index": count - 1,
            "branch_id": f"b{count - 1}",
            "total_branches": count,
        }


def test_a_branch_has_a_state_of_its_own():
    answer = call(
        "sync_branch",
        branch_state={**START, "branch_id": "b1", "total_segments": 2},
        execution_result={"next_segment_to_run": 2, "final_state": {"a": 1}},
    )
    assert answer["next_action"] == "COMPLETE"
    assert answer["branch_state"]["branch_id"] == "b1"
    assert answer["branch_state"]["current_state"] == {"a": 1}


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({}, "$.state_data"),
        ({"state_data": None}, "$.state_data"),
        ({"state_data": [1]}, "$.state_data"),
        ({"state_data": "text"}, "$.state_data"),
        ({"state_data": START, "execution_result": "text"}, "$.execution_result"),
        ({"state_data": START, "execution_result": {"status": "ODD"}}, "$.status"),
        ({"state_data": START, "execution_result": {"new_history_logs": 1}}, "$.new_history_logs"),
        (
            {
                "state_data": {**START, "state_history": "t"},
                "execution_result": {"new_history_logs": [1]},
            },
            "$.state_history",
        ),
        ({"state_data": {**START, "execution_id": "a//b"}}, "$.execution_id"),
    ],
)
def test_a_wrong_event_is_refused_with_its_place(event, path):
    with pytest.raises(InvalidState) as refused:
        call("sync", **event)
    assert refused.value.path == path
