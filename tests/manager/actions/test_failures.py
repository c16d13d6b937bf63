"""A failure is one wherever it stands, and its reason stays in the state."""

import json
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statebag import InvalidState
from statebag.manager.statuses import CLASSES, NEXT_ACTIONS
from statebag.state_data_manager import store_to_s3
from statebag.telemetry import usage
from tests.manager.actions.calls import START, call, filler, opened

CAUGHT = {"Error": "States.TaskFailed", "Cause": '{"errorMessage": "no"}'}
REASON = "the reason"
FAILURES = [
    *({"status": status, "why": REASON} for status in CLASSES["failed"]),
    {"status": "failed", "why": REASON},
    {"error": REASON},
    {"Error": REASON, "Cause": "c"},
    {"map_error": {"Error": REASON}, "status": "COMPLETE"},
    {"partial_failure": True, "error_info": REASON, "status": "COMPLETE"},
]
GOOD = {"branch_id": "good", "status": "COMPLETE", "final_state": {"good": 1}}


def plain(result):
    return result


def responded(result):
    """The response of `lambda:invoke`, as a state without ResultSelector passes it on."""
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": result,
        "SdkHttpMetadata": {"HttpStatusCode": 200},
        "StatusCode": 200,
    }


def through_the_sdk(result):
    return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": json.dumps(result)}


AROUND = pytest.mark.parametrize("around", [plain, responded, through_the_sdk])
EACH = pytest.mark.parametrize("failure", FAILURES)


@AROUND
@EACH
@pytest.mark.parametrize(
    ("action", "field", "state"),
    [
        ("sync", "execution_result", "state_data"),
        ("sync_branch", "execution_result", "branch_state"),
        ("merge_callback", "callback_result", "state_data"),
        ("merge_async", "async_result", "state_data"),
    ],
)
def test_one_result(action, field, state, failure, around):
    answer = call(action, **{state: START, field: around(failure)})
    after = opened(answer[state])
    assert answer["next_action"] == after["next_action"] == "FAILED"
    assert after["segment_to_run"] == 0
    assert REASON in json.dumps(after)


@AROUND
@EACH
def test_a_failure_that_says_to_go_on(failure, around):
    """`update_and_compress` decides nothing else, but a router behind it must see the failure."""
    result = around({**failure, "next_action": "CONTINUE"})
    for state in (START, {**START, "next_action": "CONTINUE"}):
        after = call("update_and_compress", state_data=state, execution_result=result)
        assert after["next_action"] == "FAILED"
        assert REASON in json.dumps(opened(after))


@AROUND
@EACH
@pytest.mark.parametrize("nest", [plain, lambda one: [[one]]])
def test_one_branch_of_many(failure, around, nest):
    bad = around({"branch_id": "bad", **failure})
    answer = call("aggregate_branches", state_data=START, parallel_results=[GOOD, nest(bad)])
    after = opened(answer["state_data"])
    assert answer["next_action"] == "CONTINUE"
    assert after["failed_branches"] == [{"branch_id": "bad", **failure}]
    assert after["current_state"] == {"good": 1}
    answer = call("aggregate_branches", state_data=START, parallel_results=[bad, nest(bad)])
    assert answer["next_action"] == "FAILED"
    assert REASON in json.dumps(opened(answer["state_data"]))


@AROUND
@EACH
@pytest.mark.parametrize("nest", [plain, lambda one: [[one]]])
@pytest.mark.parametrize("wire", ["0", "1"])
def test_one_chunk_of_many(failure, around, nest, wire, monkeypatch):
    monkeypatch.setenv("STATEBAG_WIRE", wire)
    bad = around({"execution_order": 5, **failure})
    good = [around({"execution_order": n, "status": "SUCCEEDED"}) for n in range(5)]

    def gather(results):
        return call("aggregate_distributed", state_data=START, distributed_results=results)

    answer = gather([nest(bad), *good])
    assert (answer["final_status"], answer["next_action"]) == ("COMPLETE", "COMPLETE")
    assert opened(answer["failed_chunks"]) == [bad]
    summary = answer["state_data"]["distributed_chunk_summary"]
    assert (summary["total"], summary["succeeded"], summary["failed"]) == (6, 5, 1)
    assert summary["chunk_results"] == [*good, bad]
    answer = gather([nest(bad), nest(bad)])
    assert (answer["final_status"], answer["next_action"]) == ("FAILED", "FAILED")
    assert REASON in json.dumps(answer["state_data"]["failed_segments"])


@pytest.mark.parametrize("field", ["parallel_results", "branch_pointers"])
@AROUND
def test_what_a_catch_puts_in_the_place_of_all_branches(field, around):
    answer = call("aggregate_branches", state_data=START, **{field: around(CAUGHT)})
    assert answer["next_action"] == "FAILED"
    assert opened(answer["state_data"])["error"] == CAUGHT


@pytest.mark.parametrize("field", ["distributed_results", "execution_result"])
@AROUND
def test_what_a_catch_puts_in_the_place_of_all_chunks(field, around):
    answer = call("aggregate_distributed", state_data=START, **{field: around(CAUGHT)})
    assert (answer["final_status"], answer["next_action"]) == ("FAILED", "FAILED")
    assert opened(answer["state_data"])["error"] == CAUGHT


@EACH
def test_what_a_distributed_run_says_of_itself(failure):
    result = {**failure, "segment_results": [{"status": "SUCCEEDED"}]}
    answer = call("aggregate_distributed", state_data=START, execution_result=result)
    assert (answer["final_status"], answer["next_action"]) == ("FAILED", "FAILED")
    assert REASON in json.dumps(opened(answer["state_data"]))


@EACH
def test_what_a_branchs_pointer_leads_to(failure):
    stored = store_to_s3({"branch_id": "b", **failure}, "workflow-state/order-1/b.json")
    pointer = {"branch_id": "b", "status": "SUCCEEDED", "output_s3_path": stored}
    answer = call("aggregate_branches", state_data=START, branch_pointers=[pointer])
    after = opened(answer["state_data"])
    assert answer["next_action"] == "FAILED"
    assert REASON in json.dumps(after["failed_branches"])
    assert "current_state" not in after


def test_a_stored_final_state_is_data():
    stored = store_to_s3({"status": "FAILED", "error": "E"}, "workflow-state/order-1/b.json")
    pointer = {"branch_id": "b", "status": "SUCCEEDED", "final_state_s3_path": stored}
    answer = call("aggregate_branches", state_data=START, branch_pointers=[pointer])
    assert opened(answer["state_data"])["current_state"] == {"status": "FAILED", "error": "E"}


@pytest.mark.parametrize("status", ["WHAT", "", 5, True, ["COMPLETE"], {"a": 1}])
def test_an_unknown_status_is_refused_where_one_result_decides(status):
    result = {"status": status}
    for action in ("sync", "update_and_compress"):
        with pytest.raises(InvalidState, match="PARTIAL_FAILURE, in any case") as refused:
            call(action, state_data=START, execution_result=result)
        assert refused.value.path == "$.status"
    with pytest.raises(InvalidState):
        call("sync_branch", branch_state=START, execution_result=result)
    with pytest.raises(InvalidState):
        call(
            "aggregate_distributed",
            state_data=START,
            execution_result={**result, "segment_results": []},
        )


@pytest.mark.parametrize("name", ["WHAT", "", 5, True, ["COMPLETE"], {"a": 1}])
def test_an_unknown_next_action_is_refused_and_the_known_ones_are_listed(name):
    result = {"next_action": name, "status": "COMPLETE"}
    for action in ("sync", "update_and_compress"):
        with pytest.raises(InvalidState) as refused:
            call(action, state_data=START, execution_result=result)
        assert refused.value.path == "$.next_action"
        assert all(one in refused.value.hint for one in NEXT_ACTIONS)
    with pytest.raises(InvalidState):
        call(
            "aggregate_distributed",
            state_data=START,
            execution_result={**result, "segment_results": []},
        )


@pytest.mark.parametrize("status", ["WHAT", "", 5, True, ["COMPLETE"], {"a": 1}])
def test_an_unknown_status_of_one_of_many_is_a_failure_with_that_reason(status):
    bad = {"branch_id": "bad", "status": status, "final_state": {"z": 1}}
    answer = call("aggregate_branches", state_data=START, parallel_results=[GOOD, bad])
    after = opened(answer["state_data"])
    assert after["current_state"] == {"good": 1}
    (kept,) = after["failed_branches"]
    assert kept.pop("failure_reason")["Error"] == "Statebag.UnknownStatus"
    assert kept == bad
    answer = call("aggregate_distributed", state_data=START, distributed_results=[bad, GOOD])
    (kept,) = opened(answer["failed_chunks"])
    assert kept.pop("failure_reason")["Error"] == "Statebag.UnknownStatus"
    assert kept == bad
    assert opened(answer["state_data"])["distributed_results"] == [bad, GOOD]
    for action, field in (
        ("aggregate_branches", "parallel_results"),
        ("aggregate_distributed", "distributed_results"),
    ):
        assert call(action, state_data=START, **{field: [bad, bad]})["next_action"] == "FAILED"


def test_settings_add_to_the_table_for_every_action(monkeypatch):
    monkeypatch.setenv("STATEBAG_STATUSES", "REVIEWED=done, broken=failed, ASLEEP=waiting")
    monkeypatch.setenv("STATEBAG_NEXT_ACTIONS", "Escalate")

    def sync(**result):
        return call("sync", state_data=START, execution_result=result)["next_action"]

    assert sync(status="reviewed") == "COMPLETE"
    assert sync(status="BROKEN") == "FAILED"
    assert sync(status="asleep") == "PAUSED_FOR_HITP"
    assert sync(next_action="ESCALATE") == "Escalate"
    branches = [{"status": "Reviewed"}, {"status": "Broken"}]
    answer = call("aggregate_branches", state_data=START, parallel_results=branches)
    assert opened(answer["state_data"])["failed_branches"] == branches[1:]
    answer = call("merge_async", state_data=START, async_result={"status": "broken"})
    assert answer["next_action"] == "FAILED"


@pytest.mark.parametrize(
    "results", [[[[GOOD], [GOOD]], GOOD], [responded([GOOD, GOOD]), responded(GOOD)]]
)
def test_lists_of_a_map_in_a_parallel_are_looked_into(results):
    answer = call("aggregate_distributed", state_data=START, distributed_results=results)
    assert answer["state_data"]["distributed_chunk_summary"]["total"] == 3
    answer = call("aggregate_branches", state_data=START, parallel_results=[*results, []])
    assert opened(answer["state_data"])["current_state"] == {"good": 1}


def test_lists_in_a_list_that_left_are_looked_into_too(sb):
    results = [[{"status": "FAILED", "text": filler(9_000, n)} for n in range(4)] for _ in range(9)]
    for value in ({"segment_results": results}, {"r": results}):
        sealed = sb.seal(value, scope="machine/run")
        sealed = sealed.get("r", sealed)
        answer = call("aggregate_distributed", state_data=START, distributed_results=sealed)
        assert answer["final_status"] == "FAILED"
        assert answer["state_data"]["distributed_chunk_summary"]["failed"] == 36
        each = [one for some in results for one in some]
        assert opened(answer["state_data"])["distributed_results"] == each


def test_data_of_a_chunk_that_is_a_list_stays_one_chunk():
    results = [[1, 2], [], ["text"], [[3], {"status": "SUCCEEDED"}]]
    answer = call("aggregate_distributed", state_data=START, distributed_results=results)
    assert opened(answer["state_data"])["distributed_results"] == results


def test_final_states_in_responses_are_joined():
    branches = [
        around({"branch_id": f"b{n}", "status": "COMPLETE", "final_state": {f"r{n}": n}})
        for n, around in enumerate((plain, responded, through_the_sdk))
    ]
    answer = call("aggregate_branches", state_data=START, parallel_results=branches)
    after = opened(answer["state_data"])
    assert after["current_state"] == {"r0": 0, "r1": 1, "r2": 2}
    assert "branch_results" not in after


def test_a_sealed_result_in_a_response_is_read(sb):
    result = {"status": "FAILED", "final_state": {"doc": filler(200_000)}, "error": CAUGHT}
    sealed = sb.seal(result, scope="machine/run")
    after = opened(call("sync", state_data=START, execution_result=responded(sealed))["state_data"])
    assert after["current_state"] == result["final_state"]
    assert after["error"] == CAUGHT
    wrapped = sb.seal(responded(result), scope="machine/run")
    assert call("sync", state_data=START, execution_result=wrapped)["next_action"] == "FAILED"


def test_a_function_that_failed_through_the_sdk():
    response = {
        "StatusCode": 200,
        "FunctionError": "Unhandled",
        "Payload": json.dumps({"errorType": "KeyError", "errorMessage": "a"}),
    }
    answer = call("sync", state_data=START, execution_result=response)
    assert answer["next_action"] == "FAILED"
    assert opened(answer["state_data"])["error"]["Error"] == "KeyError"


def test_a_response_without_a_result_is_an_empty_result():
    answer = call("sync", state_data=START, execution_result=responded(None))
    assert answer["next_action"] == "CONTINUE"
    with pytest.raises(InvalidState):
        call("sync", state_data=START, execution_result=responded(5))


def test_branches_that_are_all_gone_are_no_success(sb, caplog):
    pointers = [
        {"branch_id": f"b{n}", "status": "COMPLETE", "s3_path": f"{sb.store.url}/{place}/{n}.json"}
        for n, place in enumerate(["workflow-state/order-1"] * 3)
    ]
    event = {"state_data": START, "branch_pointers": pointers, "on_missing": "keep"}
    with usage.measured() as cost, caplog.at_level(logging.WARNING, "statebag"):
        answer = call("aggregate_branches", **event)
    assert answer["next_action"] == "FAILED"
    after = opened(answer["state_data"])
    assert [one["pointer"] for one in after["unresolved_branches"]] == pointers
    assert cost.branches_missing == 3
    said = [record.getMessage() for record in caplog.records if "leaves out" in record.getMessage()]
    assert len(said) == 3
    assert "branch 3 of 3" in said[2]
    assert "workflow-state/order-1/2.json" in said[2]
    failed = {"branch_id": "f", "status": "ERROR"}
    answer = call("aggregate_branches", **{**event, "branch_pointers": [failed, pointers[0]]})
    assert answer["next_action"] == "FAILED"
    there = store_to_s3({"b": 2}, "workflow-state/order-1/b.json")
    some = [pointers[0], {"branch_id": "b", "status": "COMPLETE", "s3_path": there}]
    answer = call("aggregate_branches", **{**event, "branch_pointers": some})
    assert answer["next_action"] == "CONTINUE"


@pytest.mark.parametrize("segment", [0, 9])
def test_chunks_that_wait_are_no_success(segment):
    results = [{"status": "COMPLETE"}, {"status": "PAUSED_FOR_HITP"}]
    state = {**START, "segment_to_run": segment}
    answer = call("aggregate_distributed", state_data=state, distributed_results=results)
    assert answer["final_status"] == answer["next_action"] == "PAUSED_FOR_HITP"
    summary = answer["state_data"]["distributed_chunk_summary"]
    assert (summary["succeeded"], summary["failed"]) == (1, 0)


WRAPPED = st.recursive(
    st.sampled_from(FAILURES).map(lambda one: {"branch_id": "bad", **one}),
    lambda inner: st.one_of(
        inner.map(responded),
        inner.filter(lambda one: isinstance(one, dict)).map(through_the_sdk),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(WRAPPED)
def test_no_wrapping_makes_a_success_of_a_failure(wrapped):
    for action, field in (
        ("merge_callback", "callback_result"),
        ("merge_async", "async_result"),
        ("aggregate_branches", "parallel_results"),
        ("aggregate_distributed", "distributed_results"),
    ):
        given_list = [wrapped] if action.startswith("aggregate") else wrapped
        answer = call(action, state_data=START, **{field: given_list})
        assert answer["next_action"] == "FAILED", action
        assert answer["state_data"]["segment_to_run"] == 0
    if isinstance(wrapped, dict):
        try:
            answer = call("sync", state_data=START, execution_result=wrapped)
        except InvalidState:
            return  # a list where one result must stand
        assert answer["next_action"] == "FAILED"


def test_each_of_10_000_failed_chunks_is_judged_and_few_are_shown():
    results = [{"execution_order": n, "status": "WHAT"} for n in range(10_000)]
    answer = call("aggregate_distributed", state_data=START, distributed_results=results)
    assert answer["state_data"]["distributed_chunk_summary"]["failed"] == 10_000
    assert len(answer["failed_chunks"]) == 5
