"""`sync_branch` where the state is inside the branch's own state."""

import pytest

from statebag import InvalidState
from statebag.default_client import from_environment
from statebag.format.stub import KEY
from statebag.state_data_manager import optimize_current_state
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import SCOPE, START, call, filler, opened

INNER = {**START, "segment_to_run": 3, "total_segments": 4, "current_state": {"a": 1}}


def branch(inner=INNER, **fields):
    own = {"branch_id": "b0", "segment_to_run": 0, "loop_counter": 0}
    return {**own, "state_data": inner, **fields}


def sync(state, result):
    return call("sync_branch", branch_state=state, execution_result=result)


def test_a_result_merges_into_the_state_inside_and_the_branch_moves_on(sb):
    inner = sb.with_control("execution_id").seal({**INNER, "doc": filler(300_000)}, scope=SCOPE)
    result = {
        "status": "CONTINUE",
        "next_segment_to_run": 1,
        "final_state": {"z": filler(200_000, 1)},
        "new_history_logs": ["one"],
        "odd": 5,
    }
    answer = sync(branch(inner, partition_map=[{"n": 1}, {"n": 2}]), result)
    assert answer["next_action"] == "CONTINUE"
    state = answer["branch_state"]
    assert (state["branch_id"], state["segment_to_run"]) == ("b0", 1)
    assert state["state_data"]["execution_id"] == SCOPE
    assert state["state_data"]["segment_to_run"] == 1
    after = opened(state)
    assert after["partition_map"] == [{"n": 1}, {"n": 2}]
    assert after["state_data"]["current_state"] == {"a": 1, "z": filler(200_000, 1)}
    assert after["state_data"]["state_history"] == ["one"]
    assert after["state_data"]["doc"] == filler(300_000)
    assert after["state_data"]["last_execution_result"] == {"odd": 5}
    assert list(after) == list(branch(partition_map=[]))


def test_every_segment_sees_what_the_one_before_made():
    state = branch(partition_map=[{"n": n} for n in range(3)])
    for n in range(3):
        result = {"final_state": {f"k{n}": n}, "next_segment_to_run": n + 1, "append_id": f"s{n}"}
        answer = sync(state, result)
        assert answer["next_action"] == ("COMPLETE" if n == 2 else "CONTINUE")
        state = answer["branch_state"]
    after = opened(state)["state_data"]
    assert after["current_state"] == {"a": 1, "k0": 0, "k1": 1, "k2": 2}
    assert after["total_segments"] == 4  # those of the workflow


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"total_segments": 2}, "COMPLETE"),
        ({"partition_map": [1, 2]}, "COMPLETE"),
        ({"partition_map": [1, 2, 3, 4, 5]}, "CONTINUE"),
        ({"partition_map": {"a": 1}}, "CONTINUE"),
        ({}, "CONTINUE"),
    ],
)
def test_a_branch_ends_with_its_own_last_segment(fields, expected, sb):
    state = branch(**fields)
    assert sync(state, {"next_segment_to_run": 2})["next_action"] == expected
    sealed = sb.seal({"map": [filler(2_000, n) for n in range(2)]}, scope=SCOPE, budget=600)["map"]
    assert KEY in sealed
    left = branch(partition_map=sealed)
    assert sync(left, {"next_segment_to_run": 2})["next_action"] == "COMPLETE"


def test_the_branchs_own_counters_win_over_those_from_before_the_fork():
    answer = sync(branch(segment_to_run=1, loop_counter=5), {"final_state": {"b": 2}})
    inner = answer["branch_state"]["state_data"]
    assert (inner["segment_to_run"], inner["loop_counter"]) == (2, 5)
    again = sync(branch(), {"loop_counter": 6})["branch_state"]
    assert (again["loop_counter"], again["state_data"]["loop_counter"]) == (6, 6)


def test_large_fields_of_the_branch_leave_and_what_routers_read_stays():
    many = {f"f{n}": filler(9_000, n) for n in range(14)}
    inner = {**INNER, **many, "scheduling_metadata": {"batch_details": [filler(90, 1)] * 900}}
    state = branch(inner, partition_map=[filler(3_000, n) for n in range(60)], branch_index=0)
    answer = sync(state, {"status": "CONTINUE", "next_segment_to_run": 1})
    told = answer["branch_state"]
    assert (told["branch_id"], told["branch_index"], told["loop_counter"]) == ("b0", 0, 0)
    assert told["state_data"]["idempotency_key"] == "order-1"
    summary = {"total_batches": 900, "priority": 1}
    assert told["state_data"]["scheduling_summary"] == summary
    after = opened(told)
    assert after["partition_map"] == state["partition_map"]
    assert {name: after["state_data"][name] for name in many} == many
    forget()
    with usage.measured() as cost:
        again = sync(told, {"status": "CONTINUE", "next_segment_to_run": 2})
    assert again["branch_state"]["state_data"]["scheduling_summary"] == summary
    assert cost.bytes_got < 200_000  # the scheduling metadata is not read for its summary


def test_a_branch_that_was_sealed_as_a_whole(sb):
    state = branch(filler_state := {**INNER, "doc": filler(200_000)}, branch_index=1)
    bag = sb.seal(state, scope=SCOPE, budget=900)
    answer = call(
        "sync_branch",
        execution_id=SCOPE,
        branch_state=bag,
        execution_result={"final_state": {"b": 2}},
    )
    after = opened(answer["branch_state"])
    assert after["state_data"]["current_state"] == {"a": 1, "b": 2}
    assert after["state_data"]["doc"] == filler_state["doc"]


def test_data_in_a_branch_that_looks_like_a_stub_stays_data(sb):
    data = {KEY: {"v": 1, "made": "up"}}
    inner = sb.with_control("execution_id").seal({**INNER, "looks": data}, scope=SCOPE)
    sealed = sb.seal({"looks": data}, scope=SCOPE)
    state = sync(branch(inner, looks=sealed["looks"]), {"odd": 1})["branch_state"]
    after = opened(state)
    assert after["looks"] == after["state_data"]["looks"] == data


@pytest.mark.parametrize("wire", ["0", "1"])
def test_older_pointers_in_the_state_inside_are_followed(wire, monkeypatch):
    current, _ = optimize_current_state({"doc": filler(50_000), "a": 1}, "order-1")
    monkeypatch.setenv("STATEBAG_WIRE", wire)
    forget()
    answer = sync(branch({**INNER, "current_state": current}), {"final_state": {"b": 2}})
    forget()
    after = from_environment().open(answer["branch_state"], scope=SCOPE, legacy=True)
    assert after["state_data"]["current_state"] == {"doc": filler(50_000), "a": 1, "b": 2}
    if wire == "0":
        assert KEY not in str(answer)


def test_what_the_workflow_waits_for_is_not_what_its_branch_waits_for():
    forked = call(
        "sync",
        state_data=INNER,
        execution_result={
            "status": "PARALLEL_GROUP",
            "branches": [{"branch_id": "b0", "partition_map": [1, 2]}],
        },
    )["state_data"]
    state = branch(forked, partition_map=[1, 2])
    assert call("sync_branch", branch_state=state)["next_action"] == "CONTINUE"
    first = sync(state, {"final_state": {"b": 2}})
    assert first["next_action"] == "CONTINUE"
    assert first["branch_state"]["segment_to_run"] == 1
    second = sync(first["branch_state"], {"final_state": {"c": 3}})
    assert second["next_action"] == "COMPLETE"
    assert second["branch_state"]["segment_to_run"] == 2
    # What a retried function delivers again changes nothing.
    assert sync(state, {"final_state": {"b": 2}}) == first
    assert sync(first["branch_state"], {"final_state": {"c": 3}}) == second


def test_a_failure_of_a_segment_fails_the_branch():
    answer = sync(branch(), {"status": "FAILED", "error": "boom"})
    assert answer["next_action"] == "FAILED"
    assert opened(answer["branch_state"])["state_data"]["error"] == "boom"


def test_a_branchs_own_state_is_merged_into_as_before():
    own = {**START, "branch_id": "b0", "current_state": {"a": 1}}
    for state in (own, {**own, "state_data": None}):
        after = opened(sync(state, {"final_state": {"b": 2}})["branch_state"])
        assert after["current_state"] == {"a": 1, "b": 2}


@pytest.mark.parametrize("odd", ["text", 7, [1], True])
def test_a_state_inside_must_be_an_object(odd):
    with pytest.raises(InvalidState) as refused:
        sync({**branch(), "state_data": odd, "execution_id": SCOPE}, {})
    assert refused.value.path == "$.branch_state.state_data"
