"""The defects that an audit of the first version found, each with a test that it would fail."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag import BlobCorrupt, BlobMissing, NotPermitted, Statebag, StoreUnavailable
from statebag.default_client import from_environment
from statebag.format.json_text import wire_size
from statebag.manager.merge.history import deduplicate_history_logs
from statebag.state_data_manager import (
    cached_load_from_s3,
    create_snapshot,
    decompress_data,
    generate_s3_key,
    load_from_s3,
    optimize_state_history,
    store_to_s3,
    sync_state_data,
)
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import SCOPE, START, call, filler, opened


class Fails:
    """Fails the next requests for objects, then passes them on."""

    def __init__(self, store, error):
        self._store = store
        self.error = error
        self.left = 0
        self.asked = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def _maybe(self):
        self.asked += 1
        if self.left:
            self.left -= 1
            raise self.error("not now")

    def get(self, name):
        self._maybe()
        return self._store.get(name)

    def put(self, name, data):
        self._maybe()
        self._store.put(name, data)


@pytest.fixture
def failing(monkeypatch):
    """The environment's store, which can be told to fail."""

    def make(error):
        store = Fails(MemoryStore(), error)
        sb = Statebag(store)
        sb.store._base_seconds = 0.0
        for module in ("legacy.plain_objects", "actions.event_reader", "actions.invocation"):
            monkeypatch.setattr(f"statebag.manager.{module}.from_environment", lambda: sb)
        return store

    return make


@pytest.mark.parametrize("count", [100, 10_000])
def test_defect_failed_chunks_pass_the_limit(count):
    failed = {"status": "FAILED", "error": {"Cause": filler(2_000)}}
    results = [{**failed, "execution_order": n} for n in range(count)]
    answer = call("aggregate_distributed", state_data=START, distributed_results=results)
    assert wire_size(answer) < 100_000
    assert len(answer["failed_chunks"]) == 5
    assert opened(answer["state_data"])["distributed_results"] == results


def test_defect_a_load_is_not_retried(failing):
    store = failing(StoreUnavailable)
    path = store_to_s3({"a": 1}, "workflow-state/order-1/x.json")
    store.left = 2
    assert load_from_s3(path) == {"a": 1}
    store.left = 3
    with pytest.raises(StoreUnavailable):
        load_from_s3(path)


def test_defect_what_cannot_succeed_is_retried(failing):
    store = failing(NotPermitted)
    path = store_to_s3({"a": 1}, "workflow-state/order-1/x.json")
    store.asked, store.left = 0, 5
    with pytest.raises(NotPermitted):
        load_from_s3(path)
    assert store.asked == 1


@pytest.mark.parametrize("keep", [False, True])
def test_defect_a_branch_vanishes(sb, keep):
    path = f"{sb.store.url}/workflow-state/order-1/gone.json"
    pointers = [{"branch_id": "gone", "status": "COMPLETE", "s3_path": path}]
    event = {"state_data": START, "branch_pointers": pointers, "load_from_s3": True}
    with pytest.raises(BlobMissing):
        load_from_s3(path)
    if not keep:
        with pytest.raises(BlobMissing):
            call("aggregate_branches", **event)
        return
    answer = call("aggregate_branches", **event, on_missing="keep")
    (kept,) = opened(answer["state_data"])["unresolved_branches"]
    assert (kept["pointer"], kept["reason"]) == (pointers[0], "blob_missing")
    assert answer["next_action"] == "FAILED", "none is left"


def test_defect_pointers_bloat():
    metadata = {"total_batches": 9, "priority": "low", "batches": [filler(500)] * 5_000}
    branches = [{"branch_id": f"branch {n}", "nodes": []} for n in range(10_000)]
    answer = call(
        "sync",
        state_data={**START, "scheduling_metadata": metadata},
        execution_result={"branches": branches},
    )
    assert wire_size(answer) < 8_000
    state = opened(answer["state_data"])
    assert state["scheduling_metadata"] == metadata
    assert len(state["pending_branches"]) == 10_000


def test_defect_a_snapshot_copies_the_state(sb):
    bag = call("sync", state_data={**START, "doc": filler(2_000_000)})["state_data"]
    with usage.measured() as cost:
        answer = create_snapshot(state_data=bag, snapshot_type="pre_run")
    assert cost.bytes_put < 5_000
    for one in list(sb.store.list()):
        if one.name.endswith(".pack"):
            sb.store.delete(one.name)
    with pytest.raises(BlobMissing):
        create_snapshot(state_data=answer["state_data"], snapshot_type="post_run")


@pytest.mark.parametrize("text", ["never compressed", "", "AAAA", {"a": 1}, None, 7])
def test_defect_decompress_fails_on_what_was_never_compressed(text, caplog):
    assert decompress_data(text) == text
    assert caplog.records
    with pytest.raises(BlobCorrupt):
        decompress_data(text, strict=True)


@pytest.mark.parametrize("action", ["callback", "async"])
def test_defect_results_from_outside_pass_the_limit(action):
    result = {"text": filler(5_000_000), "parts": [filler(900, n) for n in range(3_000)]}
    answer = call(f"merge_{action}", state_data=START, **{f"{action}_result": result})
    assert opened(answer["state_data"])[f"{action}_result"] == result


def test_defect_cached_values_are_shared():
    path = store_to_s3({"list": [1, {"a": 2}]}, "workflow-state/order-1/x.json")
    first = cached_load_from_s3(path)
    first["list"][1]["a"] = "changed"
    first["list"].append("more")
    assert cached_load_from_s3(path) == {"list": [1, {"a": 2}]}
    # The same of what is opened.
    bag = call("sync", state_data={**START, "log": [filler(90_000)]})["state_data"]
    sb = from_environment()
    sb.open(bag, scope=SCOPE)["log"].append("changed")
    assert len(sb.open(bag, scope=SCOPE)["log"]) == 1


def test_defect_a_failed_offload_truncates(failing):
    store = failing(StoreUnavailable)
    store.left = 99
    event = {"state_data": {**START, "doc": filler(400_000)}, "execution_result": {}}
    with pytest.raises(StoreUnavailable):
        sync_state_data(event)
    store.left = 0
    answer = sync_state_data(event)
    forget()
    assert from_environment() is not None
    assert Statebag(store).open(answer["state_data"], scope=SCOPE)["doc"] == filler(400_000)


def test_defect_keys_collide_within_a_second(sb):
    values = [{"n": n} for n in range(50)]
    keys = {generate_s3_key("k", "field", value) for value in values}
    assert len(keys) == 50
    assert generate_s3_key("k", "field", values[0]) == generate_s3_key("k", "field", values[0])
    histories = [[n, *range(60)] for n in range(20)]
    paths = {optimize_state_history(history, "k")[1] for history in histories}
    assert len(paths) == 20


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")).map("own {}".format), st.integers(), max_size=20
    )
)
def test_defect_unknown_fields_are_dropped(fields):
    state = {**fields, **START, "current_state": {"a": 1}}
    for event in (
        {"action": "sync", "execution_result": {"final_state": {"b": 1}}},
        {"action": "merge_callback", "callback_result": 1},
        {"action": "aggregate_branches", "parallel_results": []},
        {"action": "aggregate_distributed", "distributed_results": []},
        {"action": "create_snapshot", "snapshot_type": "pre"},
    ):
        answer = call(event.pop("action"), state_data=state, **event)
        after = opened(answer["state_data"])
        assert fields.items() <= after.items()


def test_defect_two_entries_of_one_second_become_one():
    entries = [{"at": "2026-01-01T00:00:00Z", "n": n} for n in range(3)]
    assert deduplicate_history_logs(entries[:1], entries) == entries
    bag = call("sync", state_data=START, execution_result={"new_history_logs": entries[:2]})
    bag = call(
        "sync", state_data=bag["state_data"], execution_result={"new_history_logs": entries[2:]}
    )
    assert opened(bag["state_data"])["state_history"] == entries
