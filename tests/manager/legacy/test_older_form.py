"""Wire version 0: states with its pointers are read, and written where the policy asks."""

import json

import pytest

from statebag import NotPermitted
from statebag.default_client import from_environment
from statebag.format.json_text import encode, wire_size
from statebag.manager.legacy.pointer_format import as_pointer, field_pointer, whole_pointer
from statebag.state_data_manager import (
    compress_data,
    load_from_s3,
    optimize_current_state,
    optimize_state_history,
    store_to_s3,
)
from statebag.testing.process import forget
from tests.manager.actions.calls import START, call, filler, opened

HISTORY = [{"n": n, "text": filler(500, n)} for n in range(130)]
CURRENT = {"doc": filler(50_000), "a": 1, "notes": [filler(40_000, 1)]}
STATE = {**START, "state_history": HISTORY, "current_state": CURRENT, "mine": {"x": [1]}}


def older(state):
    """A state as the first version left it."""
    history, _ = optimize_state_history(state["state_history"], "order-1")
    current, _ = optimize_current_state(state["current_state"], "order-1")
    return {**state, "state_history": history, "current_state": current}


def test_a_state_of_the_older_form_is_read_and_leaves_in_the_new_one():
    answer = call(
        "sync",
        state_data=older(STATE),
        execution_result={"new_history_logs": ["new"], "final_state": {"b": 2}},
    )
    state = opened(answer["state_data"])
    assert state["state_history"] == [*HISTORY, "new"]
    assert state["current_state"] == {**CURRENT, "b": 2}
    assert "s3_reference" not in json.dumps(answer)


def test_a_whole_state_behind_one_pointer():
    text = encode(STATE)
    path = store_to_s3(STATE, "workflow-state/order-1/state_1.json")
    pointer = whole_pointer(path, text, STATE)
    answer = call("update_and_compress", state_data={**pointer, "segment_to_run": 3})
    state = opened(answer)
    assert state["segment_to_run"] == 3
    assert {name: state[name] for name in ("mine", "state_history")} == {
        "mine": STATE["mine"],
        "state_history": HISTORY,
    }


def test_a_compressed_field():
    packed = {"type": "compressed", "data": compress_data(CURRENT), "compressed_at": "then"}
    answer = call("sync", state_data={**START, "current_state": packed})
    assert opened(answer["state_data"])["current_state"] == CURRENT


def test_a_pointer_that_comes_back_untouched_is_what_it_pointed_to():
    state = older(STATE)
    assert as_pointer(state["current_state"]["doc"])
    returned = {**state["current_state"], "a": 2}
    answer = call("sync", state_data=state, execution_result={"final_state": returned})
    assert opened(answer["state_data"])["current_state"] == {**CURRENT, "a": 2}


def test_a_final_state_behind_a_pointer():
    text = encode(CURRENT)
    path = store_to_s3(CURRENT, "workflow-state/order-1/final_1.json")
    result = {"final_state": field_pointer(path, text)}
    answer = call("sync", state_data=START, execution_result=result)
    assert opened(answer["state_data"])["current_state"] == CURRENT


def test_a_result_behind_a_pointer():
    result = {"final_state": CURRENT, "odd": filler(50_000), "status": "RUNNING"}
    path = store_to_s3(result, "workflow-state/order-1/result_1.json")
    pointer = field_pointer(path, encode(result))
    state = opened(call("sync", state_data=START, execution_result=pointer)["state_data"])
    assert state["current_state"] == CURRENT
    assert state["last_execution_result"] == {"odd": result["odd"]}


def test_a_pointer_out_of_the_root_is_refused():
    pointer = {"type": "s3_reference", "s3_path": "s3://elsewhere/x.json"}
    with pytest.raises(NotPermitted):
        call("sync", state_data={**START, "current_state": pointer})
    with pytest.raises(NotPermitted):
        call("sync", state_data=START, execution_result={"final_state": pointer})


@pytest.fixture
def writes_older(monkeypatch):
    monkeypatch.setenv("STATEBAG_WIRE", "0")
    forget()
    return from_environment()


def read_older(state):
    forget()
    return from_environment().open(state, legacy=True)


def test_the_older_form_is_written_where_the_policy_asks(writes_older):
    answer = call("sync", state_data=STATE, execution_result={"new_history_logs": ["new"]})
    state = answer["state_data"]
    assert len(state["state_history"]) == 51
    assert state["state_history"][0]["entry_count"] == 81
    assert as_pointer(state["current_state"]["doc"]).kind == "field"
    again = call("sync", state_data=state, execution_result={"new_history_logs": ["more"]})
    after = read_older(again["state_data"])
    assert after["state_history"] == [*HISTORY, "new", "more"]
    assert after["current_state"] == CURRENT
    assert after["mine"] == STATE["mine"]


def test_a_state_that_fits_no_other_way_is_one_pointer_of_less_than_1_kb(writes_older):
    state = {**STATE, **{f"f{n}": filler(20_000, n) for n in range(40)}}
    state["scheduling_metadata"] = {"total_batches": 7, "priority": "low"}
    bag = call("sync", state_data=state, execution_result={"guardrail_verified": True})[
        "state_data"
    ]
    assert wire_size(bag) < 1024
    assert bag["scheduling_summary"] == {"total_batches": 7, "priority": "low"}
    assert bag["guardrail_verified"] is True
    after = read_older(bag)
    assert {name: after[name] for name in state if name != "next_action"} == state


def test_update_and_compress_says_what_left(writes_older):
    bag = call("update_and_compress", state_data=STATE)
    assert (bag["compression_applied"], bag["s3_offloaded"]) == (True, True)


def test_all_failed_chunks_are_one_object(writes_older):
    results = [{"execution_order": n, "status": "FAILED", "t": filler(900, n)} for n in range(200)]
    answer = call("aggregate_distributed", state_data=START, distributed_results=results[::-1])
    state = answer["state_data"]
    assert load_from_s3(state["failed_segments_s3_path"]) == results
    assert state["failed_segments"] == results[:5]
    assert read_older(state)["distributed_results"] == results


def test_pointers_to_branches_name_the_list(writes_older):
    branches = [{"branch_id": f"b{n}", "nodes": filler(2_000, n)} for n in range(50)]
    bag = call("sync", state_data=START, execution_result={"branches": branches})["state_data"]
    pointer = bag["pending_branches"][7]
    assert load_from_s3(pointer["branches_s3_path"]) == branches
    answer = call("hydrate_branch", branch_pointer=pointer, state_data={})
    assert answer["branch_config"] == branches[7]


def test_a_snapshot_of_the_older_form(writes_older):
    answer = call("create_snapshot", state_data=STATE, snapshot_type="pre")
    restored = call("restore_snapshot", snapshot_s3_path=answer["snapshot_s3_path"])["state_data"]
    assert read_older(restored) == STATE


def test_branches_whose_states_were_of_the_older_form():
    """Every branch's sync wrote its pointers anew, so that no two of them are the same."""
    forked = {**STATE, "current_state": {**CURRENT, "reviews": {}}}
    results = []
    for name in ("p", "q"):
        final = {**forked["current_state"], "reviews": {name: filler(40_000)}}
        current, _ = optimize_current_state(final, f"order-1-{name}")
        assert as_pointer(current["doc"])
        logs = [f"{name}{n}" for n in range(60)]
        kept, _ = optimize_state_history(logs, f"order-1-{name}")
        assert as_pointer(kept[0])
        results.append(
            {
                "branch_id": name,
                "status": "COMPLETE",
                "final_state": current,
                "new_history_logs": kept,
            }
        )
    answer = call("aggregate_branches", state_data=older(forked), parallel_results=results)
    state = opened(answer["state_data"])
    assert state["current_state"] == {
        **CURRENT,
        "reviews": {"p": filler(40_000), "q": filler(40_000)},
    }
    assert state["state_history"] == [
        *HISTORY,
        *(f"{name}{n}" for name in ("p", "q") for n in range(60)),
    ]
    assert "merge_conflicts" not in state
