"""Events with something odd in any one place: an answer, or an error of ours that tells nothing."""

import copy
import itertools
import json

import pytest

from statebag import StatebagError, state_data_manager
from statebag.default_client import from_environment
from statebag.format.json_text import encode, wire_size
from statebag.state_data_manager import compress_data, lambda_handler
from tests.manager.actions.calls import SCOPE
from tests.odd_places import places, with_odd

CANARY = "canary-in-the-state"
SHARE = 7
"""Every so manieth change is made: no divisor of the number of odd values, so each of them occurs.
With one wire or the other each place occurs with several of them. All of them (1) take minutes.
"""
RESULT = {
    "status": "COMPLETE",
    "final_state": {"b": CANARY},
    "new_history_logs": [{"id": 9, "text": CANARY}],
    "next_segment_to_run": 1,
    "inner_state": {"c": 3},
    "branches": [{"branch_id": "x", "partition_map": [CANARY]}],
}
STATE = {
    "workflowId": "w",
    "execution_id": SCOPE,
    "idempotency_key": "order-1",
    "current_state": {"a": CANARY, "large": CANARY * 4000},
    "state_history": [{"id": n, "text": CANARY} for n in range(5)],
    "segment_manifest": [{"id": 0, "segment_config": {"x": CANARY}}],
    "partition_map": [1, 2],
    "loop_counter": 0,
    "segment_to_run": 0,
    "total_segments": 3,
}
ODD = [
    *(None, 0, True, "0", "", -1.5, 2**70, float("inf"), CANARY, CANARY * 4000),
    *([], {}, [1], [[]], [None], {"a": 1}, {"status": []}, {"Payload": []}),
    *("s3://b/k", {"__statebag__": 1}, {"__s3_offloaded": True, "__s3_path": 5}),
    *({"Error": "E", "Cause": "{"}, [{"branch_state": 5}], {"type": "s3_reference"}),
]
FIELDS = (
    *("state_data", "branch_state", "execution_result", "execution_id", "idempotency_key"),
    *("map_error", "strict", "load_from_s3", "branch_pointers", "on_missing", "merge_rules"),
    *("append_id", "max_payload_size_kb", "segment_results", "ResultWriterDetails", "action"),
)


def events():
    bag = lambda_handler(
        {"action": "sync", "state_data": copy.deepcopy(STATE), "execution_result": RESULT}
    )["state_data"]
    kept = lambda_handler({"action": "create_snapshot", "state_data": bag, "snapshot_type": "pre"})
    branches = [
        {"branch_id": "one", "branch_state": bag, **RESULT},
        {"branch_id": "two", "result": RESULT},
    ]
    chunks = [
        {"chunk_id": "c", "status": "COMPLETED", "chunk_results": [RESULT]},
        {"chunk_id": "d", "status": "FAILED", "error": CANARY},
    ]
    pointers = bag["pending_branches"]
    return {
        "update_and_compress": {
            "state_data": STATE,
            "execution_result": RESULT,
            "max_payload_size_kb": 90,
        },
        "sync": {"state_data": bag, "execution_result": RESULT},
        "sync_branch": {"branch_state": bag, "execution_result": RESULT},
        "aggregate_branches": {
            "state_data": bag,
            "parallel_results": branches,
            "merge_rules": {"b": "append"},
            "append_id": "id",
        },
        "aggregate_distributed": {
            "state_data": bag,
            "distributed_results": chunks,
            "pre_snapshot": kept["snapshot_s3_path"],
            "create_post_snapshot": True,
        },
        "merge_callback": {"state_data": bag, "callback_result": {"Payload": RESULT}},
        "merge_async": {"state_data": bag, "async_result": RESULT},
        "create_snapshot": {"state_data": bag, "snapshot_type": "pre"},
        "restore_snapshot": {"snapshot_s3_path": kept["snapshot_s3_path"], "state_data": bag},
        "hydrate_branch": {"branch_pointer": pointers[0], "state_data": bag},
        "hydrate_segment": {
            "segment_pointer": STATE["segment_manifest"][0],
            "segment_index": 0,
            "state_data": bag,
        },
        "decompress": {"compressed_data": compress_data({"a": CANARY})},
    }


ACTIONS = (
    *("update_and_compress", "sync", "sync_branch", "aggregate_branches", "aggregate_distributed"),
    *("merge_callback", "merge_async", "create_snapshot", "restore_snapshot"),
    *("hydrate_branch", "hydrate_segment", "decompress"),
)


def test_each_action_has_an_event(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "memory://odd-events")
    assert set(ACTIONS) == set(events()) == set(state_data_manager.ACTIONS)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("wire", ["0", "1"])
def test_anything_in_any_place(wire, action, monkeypatch, caplog):
    monkeypatch.setenv("STATEBAG_WIRE", wire)
    monkeypatch.setenv("STATEBAG_STORE", f"memory://odd-events-{wire}")
    limit = from_environment().policy.max_bag_bytes
    answered = refused = 0
    event = {"action": action, **events()[action]}
    lambda_handler(copy.deepcopy(event))
    paths = [*places(event, deepest=7), *((name,) for name in FIELDS)]
    changes = list(itertools.product(paths, ODD))
    for path, odd in changes[int(wire) :: SHARE]:
        changed = with_odd(event, path, odd)
        before = json.dumps(changed)
        try:
            answer = lambda_handler(changed)
        except StatebagError as error:
            assert CANARY not in str(error), (path, odd)  # noqa: PT017 (what it says matters)
            refused += 1
            continue
        finally:
            assert json.dumps(changed) == before, (path, odd)
        answered += 1
        assert wire_size(answer) <= limit, (path, odd)
        assert encode(answer)
    assert answered > 5
    assert refused > 5
    assert CANARY not in caplog.text
