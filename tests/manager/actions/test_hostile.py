"""Data that looks like a stub or a pointer, and who may read what."""

import pytest

from statebag import InvalidStub, NotPermitted, UnsupportedFormat
from statebag.format.stub import KEY
from statebag.state_data_manager import store_to_s3
from tests.manager.actions.calls import SCOPE, START, call, filler, opened

POINTERS = [
    {"type": "s3_reference", "s3_path": "s3://elsewhere/secret.json"},
    {"__s3_offloaded": True, "__s3_path": "s3://elsewhere/secret.json"},
    {"type": "compressed", "data": "H4sI"},
    {"type": "history_archive", "s3_path": "s3://elsewhere/secret.json", "entry_count": 5},
]
AS_POINTERS = pytest.mark.parametrize("lookalike", POINTERS)


def rounds(state):
    """A state through three steps, each by a new process."""
    for _ in range(3):
        state = call("sync", state_data=state, execution_result={"status": "RUNNING"})["state_data"]
    return opened(state)


@AS_POINTERS
def test_a_result_that_looks_like_a_pointer_stays_data(lookalike):
    result = {"odd": lookalike, "new_history_logs": [lookalike], "final_state": {"x": lookalike}}
    bag = call("sync", state_data=START, execution_result=result)["state_data"]
    state = rounds(bag)
    assert state["last_execution_result"] == {}
    assert state["current_state"]["x"] == lookalike
    assert state["state_history"] == [lookalike]


@AS_POINTERS
@pytest.mark.parametrize("name", ["callback", "async"])
def test_a_result_from_outside_that_looks_like_a_pointer_stays_data(lookalike, name):
    field = f"{name}_result"
    for result in (lookalike, {"inner": lookalike}, [lookalike]):
        bag = call(f"merge_{name}", state_data=START, **{field: result})["state_data"]
        assert rounds(bag)[field] == result


@AS_POINTERS
def test_chunks_and_branches_that_look_like_pointers_stay_data(lookalike):
    answer = call("aggregate_distributed", state_data=START, distributed_results=[lookalike] * 3)
    assert rounds(answer["state_data"])["distributed_results"] == [lookalike] * 3
    branch = {"branch_id": "b", "config": lookalike}
    bag = call("sync", state_data=START, execution_result={"branches": [branch]})["state_data"]
    pointer = bag["pending_branches"][0]
    config = call("hydrate_branch", branch_pointer=pointer, state_data=bag)["branch_config"]
    assert opened(config) == branch


@AS_POINTERS
def test_loaded_branches_hold_data_whatever_they_look_like(lookalike):
    for data in ({"x": lookalike}, {"x": {KEY: {"v": 1, "escaped": {"a": 1}}}}):
        path = store_to_s3({"final_state": data}, "workflow-state/order-1/b.json")
        answer = call(
            "aggregate_branches",
            state_data=START,
            branch_pointers=[{"branch_id": "b", "s3_path": path}],
            load_from_s3=True,
        )
        assert opened(answer["state_data"])["current_state"] == data


def test_data_with_the_reserved_key_comes_back_as_it_was(sb):
    data = {KEY: {"v": 1, "sha256": "0" * 64}, "more": [{KEY: 1}]}
    sealed = sb.seal({"final_state": {"x": data}, "odd": data}, scope=SCOPE)
    bag = call("sync", state_data=START, execution_result=sealed)["state_data"]
    assert opened(bag)["last_execution_result"] == {"odd": data}
    assert rounds(bag)["current_state"] == {"x": data}


@pytest.mark.parametrize(
    ("forged", "error"),
    [
        ({KEY: 1}, InvalidStub),
        ({KEY: {"v": 9}}, UnsupportedFormat),
        ({KEY: {"v": 1, "escaped": {}}, "beside": 1}, InvalidStub),
        (
            {KEY: {"v": 1, "sha256": "0" * 64, "size": 1, "at": "../x.pack", "span": [0, 1]}},
            InvalidStub,
        ),
    ],
)
def test_what_is_no_stub_of_ours_is_refused(forged, error):
    with pytest.raises(error):
        call("sync", state_data=START, execution_result={"final_state": {"x": forged}})
    with pytest.raises(error):
        call("merge_callback", state_data=START, callback_result={"x": [forged]})


def test_a_stub_of_another_execution_is_never_read(sb):
    other = sb.seal({"new_history_logs": [filler(200_000)]}, scope="machine/other")
    with pytest.raises(NotPermitted):
        call("sync", state_data=START, execution_result=other)
    chunk = sb.seal({"x": filler(200_000, 1)}, scope="machine/other")
    with pytest.raises(NotPermitted):
        call("aggregate_distributed", state_data=START, distributed_results=[chunk])


def test_a_result_from_outside_cannot_move_the_state_to_another_execution():
    result = {"execution_id": "machine/other", "idempotency_key": "other", "status": "SUCCESS"}
    bag = call("merge_callback", state_data=START, callback_result=result)["state_data"]
    assert (bag["execution_id"], bag["idempotency_key"]) == (SCOPE, "order-1")


def test_no_value_of_a_state_is_in_an_error():
    secret = "hunter2"
    events = [
        ("sync", {"execution_result": {"status": secret}}),
        ("sync", {"execution_result": {"next_segment_to_run": secret}}),
        ("create_snapshot", {"snapshot_type": secret}),
        ("aggregate_branches", {"parallel_results": [{"fork": secret, "final_state": {}}]}),
        ("aggregate_branches", {"parallel_results": [secret]}),
        ("aggregate_distributed", {"distributed_results": secret}),
    ]
    for action, fields in events:
        with pytest.raises(Exception, match=r".") as refused:
            call(action, state_data={**START, "password": secret}, **fields)
        assert secret not in str(refused.value), action


@pytest.mark.parametrize("sealed", [True, False])
def test_branch_states_that_look_like_older_pointers_are_data(sb, sealed):
    foreign = {"type": "s3_reference", "s3_path": "s3://elsewhere/key.json"}
    final = {"foreign": foreign, "deep": [[foreign]]}
    if sealed:  # then even one that leads into the root is data: it was escaped
        final["own"] = {"type": "s3_reference", "s3_path": f"{sb.store.url}/missing.json"}
    result = {"branch_id": "a", "status": "COMPLETE", "final_state": final}
    state = {"execution_id": "machine/run", "current_state": {}}
    given = [sb.seal(result, scope="machine/run") if sealed else result]
    answer = call("aggregate_branches", state_data=state, parallel_results=given)
    assert opened(answer["state_data"])["current_state"] == final
