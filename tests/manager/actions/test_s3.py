"""The same on a real S3 server: addresses are s3:// ones, and few requests are sent."""

import pytest

from statebag import NotPermitted
from statebag.state_data_manager import store_to_s3
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import START, call, filler, opened

pytestmark = pytest.mark.s3


@pytest.fixture(autouse=True)
def on_s3(s3_store_url, monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", s3_store_url)
    forget()
    yield s3_store_url
    forget()


def test_a_workflow_of_every_action(on_s3):
    history = [{"n": n, "text": filler(2_000, n)} for n in range(1_000)]
    bag = call("sync", state_data={**START, "state_history": history})["state_data"]
    forget()
    with usage.measured() as cost:
        bag = call("sync", state_data=bag, execution_result={"new_history_logs": [1]})["state_data"]
    assert cost.gets == 0
    before = call("create_snapshot", state_data=bag, snapshot_type="pre")
    assert before["snapshot_s3_path"].startswith(f"{on_s3}/machine/run/snapshots/pre_")
    branches = [{"branch_id": f"b{n}", "nodes": filler(3_000, n)} for n in range(60)]
    bag = call("sync", state_data=bag, execution_result={"branches": branches})["state_data"]
    one = call("hydrate_branch", branch_pointer=bag["pending_branches"][7], state_data=bag)
    assert one["branch_config"] == branches[7]
    path = store_to_s3({"final_state": {"b": filler(90_000)}}, "workflow-state/order-1/b7.json")
    pointers = [{"branch_id": "b7", "status": "COMPLETE", "s3_path": path}]
    bag = call("aggregate_branches", state_data=bag, branch_pointers=pointers, load_from_s3=True)
    chunks = [{"execution_order": n, "text": filler(3_000, n)} for n in range(500)]
    bag = call("aggregate_distributed", state_data=bag["state_data"], distributed_results=chunks)[
        "state_data"
    ]
    state = opened(bag)
    assert state["state_history"] == [*history, 1]
    assert state["current_state"] == {"b": filler(90_000)}
    assert state["distributed_results"] == chunks
    restored = call("restore_snapshot", snapshot_s3_path=before["snapshot_s3_path"])["state_data"]
    assert opened(restored)["state_history"] == [*history, 1]


def test_another_bucket_is_refused():
    path = "s3://another-bucket/machine/run/snapshots/pre_0.json"
    with pytest.raises(NotPermitted):
        call("restore_snapshot", snapshot_s3_path=path)
