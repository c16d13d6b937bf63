"""Wire version 0: states with its pointers are read, and written where the policy asks."""

import json

import pytest

from statebag import BagTooLarge, InvalidState, NotPermitted
from statebag.default_client import from_environment
from statebag.format.json_text import encode, wire_size
from statebag.format.stub import KEY
from statebag.manager.actions.invocation import Invocation
from statebag.manager.legacy.pointer_format import as_pointer, field_pointer, whole_pointer
from statebag.state_data_manager import (
    compress_data,
    load_from_s3,
    optimize_current_state,
    optimize_state_history,
    store_to_s3,
)
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import travelled
from tests.manager.actions.calls import SCOPE, START, call, filler, opened

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


def routed(state, **result):
    """What `sync` answers, and that it opens exactly."""
    stays = {"next_segment_to_run": 0, **result}
    bag = call("sync", state_data=state, execution_result=stays)["state_data"]
    after = read_older(bag)
    assert {name: after[name] for name in state if name != "next_action"} == state
    assert after.keys() == state.keys() | {"next_action", *result}
    return bag


ROUTED = {**START, "max_concurrency": 3, "distributed_strategy": "SAFE", "small": {"a": [1]}}


def test_fields_at_the_top_that_routers_read_stay_where_the_history_is_large(writes_older):
    history = [{"n": n, "text": filler(6_000, n)} for n in range(20)]
    bag = routed({**ROUTED, "state_history": history})
    assert {name: bag[name] for name in ROUTED} == ROUTED
    archive, *kept = bag["state_history"]
    assert as_pointer(archive).kind == "history"
    assert archive["entry_count"] + len(kept) == 20
    assert len(kept) > 10
    state = read_older(bag)
    del state["next_action"]
    again = routed({**state, "more": filler(20_000)})
    assert {name: again[name] for name in ROUTED} == ROUTED


def test_one_entry_that_is_larger_than_the_bound_is_archived(writes_older):
    bag = routed({**ROUTED, "state_history": ["first", filler(120_000)]})
    assert len(bag["state_history"]) == 1
    assert bag["state_history"][0]["entry_count"] == 2


def test_where_many_fields_are_large_the_largest_leave_one_by_one(writes_older):
    fields = {f"f{n}": filler(6_000 + 10 * n, n) for n in range(40)}
    state = {**ROUTED, **fields, "scheduling_metadata": {"total_batches": 7, "priority": "low"}}
    bag = routed(state, guardrail_verified=True)
    assert {name: bag[name] for name in ROUTED} == ROUTED
    assert bag["guardrail_verified"] is True
    assert bag["scheduling_metadata"] == state["scheduling_metadata"]
    left = [name for name in fields if as_pointer(bag[name])]
    assert left == sorted(fields, key=lambda name: len(fields[name]))[-len(left) :]
    assert "__s3_offloaded" not in bag


def test_the_whole_of_current_state_is_one_pointer_of_less_than_1_kb(writes_older):
    current = {f"k{n}": filler(2_000, n) for n in range(60)}
    bag = routed({**ROUTED, "current_state": current})
    pointer = bag["current_state"]
    assert as_pointer(pointer).kind == "whole"
    assert wire_size(pointer) < 1024
    assert (pointer["guardrail_verified"], pointer["batch_count_actual"]) == (False, 1)
    said = {"guardrail_verified": True, "batch_count_actual": 12}
    scheduling = {"batch_details": [{"size": n} for n in range(30)]}
    bag = routed(
        {**ROUTED, "current_state": {**current, **said, "scheduling_metadata": scheduling}}
    )
    pointer = bag["current_state"]
    assert {name: pointer[name] for name in said} == said
    assert pointer["scheduling_summary"] == {"total_batches": 30, "priority": 1}


def test_a_smaller_current_state_leaves_too_where_the_bound_requires_it(writes_older):
    current = {f"k{n}": filler(2_000, n) for n in range(40)}
    bag = routed({**ROUTED, "current_state": current, "other": [filler(900)] * 30})
    assert {name: bag[name] for name in ROUTED} == ROUTED
    assert as_pointer(bag["current_state"]).kind == "whole"


def test_a_list_behind_a_pointer_has_its_elements(writes_older):
    segments = [{"segment_id": n, "segment_config": {"t": filler(2_000, n)}} for n in range(40)]
    doc = filler(200_000)
    bag = call("sync", state_data={**START, "segments": segments, "doc": doc})["state_data"]
    assert as_pointer(bag["segments"])
    pointer = {"segment_index": 7, "segment_id": 7, "total_segments": 40}
    forget()
    with usage.measured() as cost:
        answer = call("hydrate_segment", segment_pointer=pointer, state_data=bag)
    assert answer["segment_config"] == segments[7]["segment_config"]
    assert answer["state_data"] == bag
    assert cost.gets == 1  # the state is not read
    given = {"segment_index": 7, "segments": bag["segments"]}
    answer = call("hydrate_segment", segment_pointer=given, state_data=START)
    assert answer["segment_config"] == segments[7]["segment_config"]
    with pytest.raises(InvalidState, match="no element 40"):
        call("hydrate_segment", segment_pointer={**given, "segment_index": 40}, state_data=START)


SCHEDULING = {"batch_details": [{"size": n, "text": filler(900, n)} for n in range(60)]}


def test_scheduling_metadata_that_left_is_summed_up_and_the_summary_is_no_field(writes_older):
    for many in ({}, {f"f{n}": filler(6_000, n) for n in range(20)}):
        details = SCHEDULING["batch_details"][: 8 if many else 60]
        bag = routed({**ROUTED, **many, "scheduling_metadata": {"batch_details": details}})
        assert as_pointer(bag["scheduling_metadata"]).kind == "field"
        assert bag["scheduling_summary"] == {"total_batches": len(details), "priority": 1}
        again = routed(read_without(bag, "next_action"))
        assert again["scheduling_summary"] == bag["scheduling_summary"]
        after = call("sync", state_data=bag)["state_data"]
        assert after["scheduling_summary"] == bag["scheduling_summary"]


def read_without(bag, *names):
    return {name: value for name, value in read_older(bag).items() if name not in names}


def test_a_field_of_the_name_of_the_summary_is_kept(writes_older):
    own = {"scheduling_summary": {"total_batches": 60, "priority": 1}}
    bag = routed({**ROUTED, **own, "scheduling_metadata": SCHEDULING})
    assert bag["scheduling_summary"] == own["scheduling_summary"]
    assert routed({**ROUTED, **own})["scheduling_summary"] == own["scheduling_summary"]


@pytest.mark.parametrize("count", [0, 1_500], ids=["field", "whole"])
@pytest.mark.parametrize("written", ["text", None, {"total_batches": 60, "priority": 2}])
def test_what_an_engine_wrote_over_the_summary_of_a_pointer_is_data(writes_older, count, written):
    many = {f"key {n}": [n, "x" * 80] for n in range(count)}
    state = {**ROUTED, **many, "scheduling_metadata": SCHEDULING}
    bag = routed(state)
    assert ("__s3_path" in bag) == bool(count)
    written_over = {**bag, "scheduling_summary": written}
    after = read_without(written_over, "next_action")
    assert after == {**state, "scheduling_summary": written}
    assert read_without(bag, "next_action") == state
    synced = call("sync", state_data=written_over)["state_data"]
    again = read_without(synced, "next_action")
    assert again == {**state, "scheduling_summary": written}


def test_the_summary_of_replaced_metadata_is_no_field(writes_older):
    many = {f"key {n}": [n, "x" * 80] for n in range(1_500)}
    bag = routed({**ROUTED, **many, "scheduling_metadata": SCHEDULING})
    after = read_without({**bag, "scheduling_metadata": {"batch_details": [1]}}, "next_action")
    assert after == {**ROUTED, **many, "scheduling_metadata": {"batch_details": [1]}}


def test_fields_with_the_names_of_a_pointer_leave_with_the_others(writes_older):
    many = {f"key {n}": [n, "x" * 80] for n in range(1_500)}
    state = {**ROUTED, **many, "sha256": "a", "__s3_path": "b", "__original_size_kb": 1}
    bag = routed(state)
    assert bag["__s3_path"].startswith(from_environment().store.url)
    assert read_without(bag, "next_action") == state


def test_the_pointers_of_a_fork_leave_last(writes_older):
    branches = [{"branch_id": f"b{n}", "nodes": [n]} for n in range(100)]
    state = {**ROUTED, **{f"f{n}": filler(6_000, n) for n in range(20)}}
    bag = call("sync", state_data=state, execution_result={"branches": branches})["state_data"]
    assert len(bag["pending_branches"]) == 100
    answer = call("hydrate_branch", branch_pointer=bag["pending_branches"][70], state_data=bag)
    assert answer["branch_config"] == branches[70]


def test_thousands_of_small_fields_leave_in_one_object_and_the_smallest_stay_too(writes_older):
    many = {f"key {n}": [n, "x" * 80] for n in range(1_500)}
    state = {**ROUTED, **many, "current_state": {"a": 1}}
    bag = routed(state, guardrail_verified=True)
    assert {name: bag[name] for name in ROUTED} == ROUTED
    assert bag["guardrail_verified"] is True
    result = {"final_state": {"b": 2}, "next_segment_to_run": 0}
    again = call("sync", state_data=bag, execution_result=result)["state_data"]
    after = read_without(again, "next_action", "guardrail_verified")
    assert after == {**state, "current_state": {"a": 1, "b": 2}}


def test_control_fields_alone_may_be_too_large(writes_older):
    with pytest.raises(BagTooLarge, match="cannot be offloaded"):
        call("sync", state_data={**START, "status": "x" * 200_000})


KERNELS = {
    "guardrail_verified": False,
    "batch_count_actual": 1,
    "scheduling_metadata": {},
    "__guardrail_verified": False,
    "__batch_count_actual": 1,
    "__scheduling_metadata": {},
}


def test_what_a_pointer_says_for_routers_is_no_field_of_the_state():
    path = store_to_s3(CURRENT, "workflow-state/order-1/full_state.json")
    pointer = {"__s3_offloaded": True, "__s3_path": path, "__original_size_kb": 120, **KERNELS}
    for wrapper in (pointer, {**pointer, "batch_count_actual": 1.0}):
        state = opened(call("sync", state_data={**START, "current_state": wrapper})["state_data"])
        assert state["current_state"] == CURRENT
    changed = {**pointer, "guardrail_verified": True, "batch_count_actual": 2, "mine": 0}
    state = opened(call("sync", state_data={**START, "current_state": changed})["state_data"])
    beside = {"guardrail_verified": True, "batch_count_actual": 2, "mine": 0}
    assert state["current_state"] == {**CURRENT, **beside}
    held = {**CURRENT, "guardrail_verified": True, "batch_count_actual": 5}
    path = store_to_s3(held, "workflow-state/order-1/full_state_2.json")
    stale = {**pointer, "__s3_path": path}
    state = opened(call("sync", state_data={**START, "current_state": stale})["state_data"])
    assert state["current_state"] == {**held, "guardrail_verified": False, "batch_count_actual": 1}


@pytest.mark.parametrize("at_top", [False, True])
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((one, one) for one in (True, False, 0, 1, 1.5, None, "yes", "", "3")),
        *((one, "default") for one in ("y" * 50, 2**70, [1], {"a": 1}, {}, "\u00e9" * 21)),
    ],
)
def test_what_routers_read_comes_back_whatever_its_type(writes_older, value, shown, at_top):
    """Also where only a default can stand next to the pointer."""
    routers = {"guardrail_verified": value, "batch_count_actual": value}
    large = {f"d{n}": filler(9_000, n) for n in range(14)}
    state = {**START, "current_state": {**large, **({} if at_top else routers)}}
    if at_top:
        state |= routers
    bag = call("sync", state_data=state, execution_result={})["state_data"]
    pointer = bag["current_state"]
    assert pointer["__s3_offloaded"] is True
    assert len(json.dumps(pointer)) < 1024
    if at_top:
        assert {name: bag[name] for name in routers} == routers
    else:
        defaults = {"guardrail_verified": False, "batch_count_actual": 1}
        expected = defaults if shown == "default" else routers
        assert {name: pointer[name] for name in routers} == expected
    for _ in range(2):
        forget()
        event = {"idempotency_key": START["idempotency_key"], "it": bag}
        after = from_environment().open(event, scope=SCOPE, legacy=True)["it"]
        assert json.dumps(after["current_state"], sort_keys=True) == json.dumps(
            state["current_state"], sort_keys=True
        )
        assert json.dumps({name: after[name] for name in state}) == json.dumps(
            {**state, "current_state": after["current_state"]}
        )
        bag = call("sync", state_data=bag, execution_result={"loop_counter": 0})["state_data"]


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
    answer = call(
        "hydrate_branch", branch_pointer=pointer, state_data={"idempotency_key": "order-1"}
    )
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


LOOKALIKES = {
    "stub": {KEY: {"v": 1, "escaped": {"a": 1}}},
    "reserved key": {KEY: 7, "a": [1]},
    "field": {"type": "s3_reference", "s3_path": "memory://never/x.json", "size_kb": 1},
    "whole": {
        "__s3_offloaded": True,
        "__s3_path": "memory://never/x.json",
        "__original_size_kb": 1,
    },
    "history": {"type": "history_archive", "s3_path": "memory://never/x.json", "entry_count": 1},
    "compressed": {"type": "compressed", "data": "H4sI"},
}
PLACES = {
    "field": lambda one: {"x": one},
    "deep": lambda one: {"x": {"y": [1, {"z": one}]}},
    "of current_state": lambda one: {"current_state": {"a": one, "b": 1}},
    "deep in current_state": lambda one: {"current_state": {"a": {"b": {"c": [one]}}}},
    "current_state": lambda one: {"current_state": one},
    "history": lambda one: {"state_history": [one, "b"]},
    "old history": lambda one: {"state_history": [*range(80), one, *range(80)]},
    "control": lambda one: {"status": one},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", LOOKALIKES)
@pytest.mark.parametrize("size", [10, 60_000, 400_000])
def test_data_that_looks_like_a_pointer_or_a_stub_comes_back_as_it_was(
    monkeypatch, place, kind, size
):
    """Carried, in an object of its own, and in the object of the whole state."""
    large = {f"field {n}": filler(20_000, n) for n in range(size // 20_000)}
    state = {
        "execution_id": SCOPE,
        "idempotency_key": "order-1",
        **large,
        **PLACES[place](LOOKALIKES[kind]),
    }
    monkeypatch.setenv("STATEBAG_WIRE", "0")
    given = state
    for _ in range(3):
        invocation = Invocation(
            {"state_data": {"execution_id": SCOPE, "idempotency_key": "order-1"}}
        )
        bag = travelled(invocation.sealed_state(given, 60_000))
        forget()
        opened_whole = from_environment().open(bag, scope=SCOPE, legacy=True, embedded=False)
        invocation = Invocation({"state_data": bag})
        given = invocation.opened(invocation.state())
        for found in (opened_whole, given):
            texts = {name: encode(one) for name, one in found.items()}
            assert texts == {name: encode(one) for name, one in state.items()}
