"""Events with something odd in any one place: an answer, or an error of ours that tells nothing."""

import copy
import itertools
import json

import pytest

from statebag import StatebagError
from statebag.default_client import from_environment
from statebag.format.json_text import encode, wire_size
from statebag.state_data_manager import compress_data, lambda_handler
from tests.manager.actions.calls import SCOPE
from tests.odd_places import places, with_odd

CANARY = "canary-in-the-state"
TAKEN = 1  # every so manieth change; a prime, so that each place and each odd value occurs
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


@pytest.mark.parametrize("wire", ["0", "1"])
def test_anything_in_any_place(wire, monkeypatch, caplog):
    monkeypatch.setenv("STATEBAG_WIRE", wire)
    monkeypatch.setenv("STATEBAG_STORE", f"memory://odd-events-{wire}")
    limit = from_environment().policy.max_bag_bytes
    answered = refused = 0
    for action, fields in events().items():
        event = {"action": action, **fields}
        lambda_handler(copy.deepcopy(event))
        paths = [*places(event, deepest=7), *((name,) for name in FIELDS)]
        for path, odd in list(itertools.product(paths, ODD))[::TAKEN]:
            changed = with_odd(event, path, odd)
            before = json.dumps(changed)
            try:
                answer = lambda_handler(changed)
            except StatebagError as error:
                assert CANARY not in str(error), (action, path, odd)  # noqa: PT017 (what it says matters)
                refused += 1
                continue
            finally:
                assert json.dumps(changed) == before, (action, path, odd)
            answered += 1
            assert wire_size(answer) <= limit, (action, path, odd)
            assert encode(answer)
    assert answered > 100
    assert refused > 100
    assert CANARY not in caplog.text
