"""`aggregate_branches`: what the branches of a fork made joins the state."""

import pytest

from statebag import BlobMissing, InvalidState, NotPermitted
from statebag.format.codec import sha256_hex
from statebag.format.json_text import encode
from statebag.state_data_manager import store_to_s3
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import START, call, filler, opened

STATE = {**START, "current_state": {"a": 1, "tags": ["x"], "doc": "d"}, "state_history": [0]}


def join(*results, state=STATE, **fields):
    return call("aggregate_branches", state_data=state, parallel_results=list(results), **fields)


def branch(name, final=None, **fields):
    return {"branch_id": name, "status": "COMPLETE", "final_state": final or {}, **fields}


def test_branches_join_the_state():
    answer = join(
        branch("p", {"a": 2}, new_history_logs=["p1", "p2"]),
        branch("q", {"b": 3, "tags": ["x", "y"]}, new_history_logs=["q1"]),
    )
    state = opened(answer["state_data"])
    assert answer["next_action"] == "CONTINUE"
    assert state["current_state"] == {"a": 2, "tags": ["x", "y"], "doc": "d", "b": 3}
    assert state["state_history"] == [0, "p1", "p2", "q1"]
    assert "merge_conflicts" not in state


def test_conflicts_are_settled_by_the_events_rules_and_recorded():
    rules = {"tags": "union"}
    answer = join(
        branch("p", {"a": 2, "tags": ["p"]}),
        branch("q", {"a": 3, "tags": ["q"]}),
        merge_rules=rules,
    )
    state = opened(answer["state_data"])
    assert state["current_state"] == {"a": 3, "tags": ["x", "p", "q"], "doc": "d"}
    assert [(one["path"], one["rule"]) for one in state["merge_conflicts"]] == [
        ("$.current_state.a", "last"),
        ("$.current_state.tags", "union"),
    ]
    with pytest.raises(InvalidState):
        join(branch("p", {"a": 2}), branch("q", {"a": 3}), merge_rules={"a": "error"})
    with pytest.raises(InvalidState):
        join(merge_rules=["a"])


def test_conflicts_of_several_joins_stay_on_record():
    state = {**STATE, "current_state": {f"k{n}": 0 for n in range(60)}}
    for loop in range(3):
        first = {f"k{n}": 3 * loop + 1 for n in range(60)}
        second = {f"k{n}": 3 * loop + 2 for n in range(60)}
        state = {**state, "loop_counter": loop}
        state = join(branch("p", first), branch("q", second), state=state)["state_data"]
    after = opened(state)
    assert after["merge_conflict_count"] == 180
    assert len(after["merge_conflicts"]) == 100
    assert after["merge_conflicts"][0]["path"] == "$.current_state.k20"


def test_control_fields_take_no_part():
    answer = join(branch("p", {"a": 2}, segment_to_run=99, loop_counter=5, execution_id="m/x"))
    state = answer["state_data"]
    assert (state["segment_to_run"], state["execution_id"]) == (0, START["execution_id"])
    assert state["loop_counter"] == 0


def test_failed_branches_stay_on_record_with_all_they_gave():
    bad = {"branch_id": "bad", "status": "FAILED", "final_state": {"a": 9}, "error": {"Error": "E"}}
    answer = join(branch("good", {"a": 2}), {**bad, "new_history_logs": ["tried"]})
    state = opened(answer["state_data"])
    assert answer["next_action"] == "CONTINUE"
    assert state["current_state"]["a"] == 2
    assert state["failed_branches"] == [{**bad, "new_history_logs": ["tried"]}]
    assert state["state_history"] == [0, "tried"]
    assert join(bad)["next_action"] == "FAILED"


def test_a_waiting_branch_makes_the_workflow_wait():
    assert join(branch("p"), {"status": "PAUSED_FOR_HITP"})["next_action"] == "PAUSED_FOR_HITP"


def test_a_map_error_fails_and_stays_in_the_state():
    error = {"Error": "States.TaskFailed", "Cause": filler(200_000)}
    answer = call("aggregate_branches", state_data=STATE, map_error=error)
    assert answer["next_action"] == "FAILED"
    state = opened(answer["state_data"])
    assert state["map_error"] == error
    assert state["current_state"] == STATE["current_state"]


def test_unknown_fields_of_a_branch_survive():
    state = opened(join(branch("p", score=5), branch("q"))["state_data"])
    assert state["branch_results"] == [{"branch_id": "p", "status": "COMPLETE", "score": 5}]


@pytest.mark.parametrize("count", [1, 6, 100, 2_000])
def test_any_number_of_branches_keeps_the_bound(count):
    results = [
        {
            "branch_id": f"b{n}",
            "status": "FAILED" if n % 2 else "COMPLETE",
            "final_state": {f"k{n}": filler(300, n), "same": n},
            "new_history_logs": [filler(100, n)],
        }
        for n in range(count)
    ]
    state = opened(join(*results)["state_data"])
    assert sum(name.startswith("k") for name in state["current_state"]) == (count + 1) // 2
    assert len(state.get("failed_branches", [])) == count // 2
    assert len(state["state_history"]) == count + 1


def test_a_join_that_is_delivered_again_changes_nothing():
    results = [branch("p", {"a": 2}, new_history_logs=[1]), {"branch_id": "q", "status": "FAILED"}]
    once = join(*results)
    assert join(*results, state=once["state_data"]) == once


def test_what_one_branch_alone_changed_is_joined_unread(sb):
    doc, other = filler(300_000, 1), filler(300_000, 2)
    bag = call("sync", state_data={**START, "current_state": {"doc": doc, "n": 1}})["state_data"]
    sealed = sb.seal(branch("p", {"doc": other}), scope="machine/run")
    unchanged = sb.seal(branch("q", {"doc": doc, "n": 2}), scope="machine/run")
    forget()
    with usage.measured() as cost:
        answer = join(sealed, unchanged, state=bag)
    assert cost.gets == 0
    assert opened(answer["state_data"])["current_state"] == {"doc": other, "n": 2}


def test_what_two_branches_changed_is_read_and_settled(sb):
    bag = call("sync", state_data={**START, "current_state": {"log": [filler(90_000)]}})
    results = [
        sb.seal(
            branch(name, {"log": [filler(90_000), name, filler(50_000, n)]}), scope="machine/run"
        )
        for n, name in enumerate("pq", 1)
    ]
    answer = join(*results, state=bag["state_data"], merge_rules={"log": "append"})
    log = opened(answer["state_data"])["current_state"]["log"]
    assert [len(one) for one in log] == [90_000, 1, 50_000, 1, 50_000]


def test_a_branch_may_name_the_state_that_it_started_from():
    pre = call("create_snapshot", state_data=STATE, snapshot_type="pre_fork")
    moved = {**pre["state_data"], "current_state": {**STATE["current_state"], "a": 50}}
    fork = pre["snapshot_id"]
    state = opened(join(branch("p", {"a": 1, "b": 2}, fork=fork), state=moved)["state_data"])
    assert state["current_state"]["a"] == 50, "the branch did not change it"
    state = opened(join(branch("p", {"a": 7}, fork=fork), state=moved)["state_data"])
    assert state["current_state"]["a"] == 7
    assert state["merge_conflicts"][0]["branches"][0]["branch_id"] == "state_data"


def test_the_joined_state_itself_may_be_named():
    for digest in (sha256_hex(encode(STATE)), sha256_hex(encode(STATE["current_state"]))):
        join(branch("p", {"a": 7}, fork=digest))


@pytest.mark.parametrize("fork", ["0" * 64, "0" * 32, "odd", "../../x", 7])
def test_a_fork_that_is_not_known_is_refused(fork):
    with pytest.raises(InvalidState):
        join(branch("p", {"a": 7}, fork=fork))


def test_pointers_are_loaded(sb):
    root = "workflow-state/order-1"
    result = store_to_s3({"final_state": {"b": 2}, "new_history_logs": ["b1"]}, f"{root}/b.json")
    final = store_to_s3({"c": filler(200_000)}, f"{root}/c.json")
    plain = store_to_s3({"d": 4}, f"{root}/d.json")
    pointers = [
        {"branch_id": "b", "status": "COMPLETE", "output_s3_path": result},
        {"branch_id": "c", "status": "COMPLETE", "final_state_s3_path": final},
        {"branch_id": "d", "status": "COMPLETE", "s3_path": plain},
        {"branch_id": "e", "status": "FAILED"},
    ]
    answer = call(
        "aggregate_branches", state_data=STATE, branch_pointers=pointers, load_from_s3=True
    )
    state = opened(answer["state_data"])
    added = {"b": 2, "c": filler(200_000), "d": 4}
    assert state["current_state"] == {**STATE["current_state"], **added}
    assert state["state_history"] == [0, "b1"]
    assert state["failed_branches"] == [pointers[3]]


def lost(sb):
    path = f"{sb.store.url}/workflow-state/order-1/gone.json"
    return {"branch_id": "gone", "status": "COMPLETE", "s3_path": path}


def test_a_branch_that_is_gone_is_an_error(sb):
    pointers = [lost(sb)]
    with pytest.raises(BlobMissing):
        call("aggregate_branches", state_data=STATE, branch_pointers=pointers, load_from_s3=True)


def test_a_branch_that_is_gone_may_be_kept_on_record(sb):
    there = store_to_s3({"b": 2}, "workflow-state/order-1/b.json")
    pointers = [lost(sb), {"branch_id": "b", "status": "COMPLETE", "s3_path": there}]
    answer = call(
        "aggregate_branches",
        state_data=STATE,
        branch_pointers=pointers,
        load_from_s3=True,
        on_missing="keep",
    )
    state = opened(answer["state_data"])
    assert state["current_state"]["b"] == 2
    (kept,) = state["unresolved_branches"]
    assert (kept["branch_id"], kept["reason"]) == ("gone", "blob_missing")
    assert kept["pointer"] == pointers[0]


def test_a_sealed_result_that_is_gone_may_be_kept_on_record(sb):
    sealed = sb.seal(branch("gone", {"doc": filler(200_000)}), scope="machine/run")
    (pack,) = sb.store.list()
    sb.store.delete(pack.name)
    forget()
    answer = join(branch("b", {"b": 2}), sealed, on_missing="keep")
    state = opened(answer["state_data"])
    assert state["current_state"]["b"] == 2
    assert state["unresolved_branches"][0]["pointer"] == sealed


def test_an_address_outside_the_root_is_refused_even_then():
    pointers = [{"branch_id": "x", "s3_path": "s3://elsewhere/secret.json"}]
    with pytest.raises(NotPermitted):
        call(
            "aggregate_branches",
            state_data=STATE,
            branch_pointers=pointers,
            load_from_s3=True,
            on_missing="keep",
        )


@pytest.mark.parametrize(
    "fields", [{}, {"parallel_results": {"a": 1}}, {"parallel_results": ["text"]}]
)
def test_a_wrong_event_is_refused(fields):
    with pytest.raises(InvalidState):
        call("aggregate_branches", state_data=STATE, **fields)


def test_a_list_of_results_that_left_whole_is_read(sb):
    results = [branch(f"b{n}", {f"k{n}": filler(5_000, n)}) for n in range(50)]
    sealed = sb.seal({"r": results}, scope="machine/run")["r"]
    answer = call("aggregate_branches", state_data=STATE, parallel_results=sealed)
    assert len(opened(answer["state_data"])["current_state"]) == 53
