"""`restore_snapshot` of what the first version stored."""

import pytest

from statebag import BlobCorrupt, BlobMissing, InvalidState, NotPermitted, Policy, Statebag
from statebag.default_client import from_environment
from statebag.state_data_manager import optimize_current_state, store_to_s3
from tests.manager.actions.calls import SCOPE, START, call, filler, opened

THEN = {**START, "doc": filler(120_000), "current_state": {"a": 1}}
RECORD = {
    "snapshot_id": "pre-2025-01-01T00-00-00",
    "snapshot_type": "pre",
    "execution_id": SCOPE,
    "created_at": "2025-01-01T00:00:00",
    "segment_to_run": 0,
    "loop_counter": 0,
}
FOLDER = "snapshots/machine:run"


def restore(path, **fields):
    return call("restore_snapshot", snapshot_s3_path=path, **fields)["state_data"]


def stored(held, name="pre_2025.json", folder=FOLDER):
    return store_to_s3(held, f"{folder}/{name}")


def record(name="pre_2025.json", **fields):
    return stored({**RECORD, **fields}, name)


@pytest.mark.parametrize("named", [{}, {"execution_id": SCOPE}])
def test_the_state_of_then_is_restored_and_not_the_record_around_it(named):
    inline = record(state_data=THEN, is_pointer_only=False)
    assert opened(restore(inline, **named)) == THEN
    behind = store_to_s3(THEN, "workflow-state/order-1/state_1.json")
    pointing = record(state_s3_path=behind, is_pointer_only=True, idempotency_key="order-1")
    assert opened(restore(pointing, **named)) == THEN


def test_the_address_may_come_as_the_answer_that_gave_it():
    answer = call("create_snapshot", state_data=THEN, snapshot_type="post_map")
    given = {name: answer[name] for name in ("snapshot_s3_path", "snapshot_id")}
    assert opened(restore(given)) == THEN
    for odd in ({}, {"snapshot_s3_path": None}, {"snapshot_id": "x"}, {"snapshot_s3_path": {}}):
        with pytest.raises(InvalidState) as refused:
            restore(odd)
        assert refused.value.path == "$.snapshot_s3_path.snapshot_s3_path"
    with pytest.raises(InvalidState):
        restore([given])


def test_a_state_that_has_such_fields_itself_is_a_state():
    state = {**THEN, "snapshot_id": "mine", "state_s3_path": "s3://elsewhere/x", "state_data": {}}
    assert opened(restore(stored(state))) == state


def test_pointers_in_the_state_of_then_are_followed():
    current, _ = optimize_current_state({"doc": filler(50_000)}, "order-1")
    state = {**START, "current_state": current}
    for path in (
        record(state_data=state),
        record(state_s3_path=store_to_s3(state, "workflow-state/order-1/state_1.json")),
    ):
        assert opened(restore(path))["current_state"] == {"doc": filler(50_000)}


def test_the_record_says_whose_it_is_where_the_state_does_not(sb):
    state = {"doc": filler(400_000)}
    restored = restore(record(state_data=state))
    assert opened(restored) == state
    packs = [one.name for one in sb.store.list() if one.name.endswith(".pack")]
    assert packs
    assert all(name.startswith(f"{SCOPE}/") for name in packs)


def test_a_record_of_nobody_is_not_stored_again():
    path = record(execution_id="unknown", state_data={"doc": filler(400_000)})
    with pytest.raises(NotPermitted, match="another execution"):
        restore(path)


@pytest.mark.parametrize("execution", ["machine/other", "machine/run2"])
def test_another_executions_record_is_refused(execution):
    inline = record(state_data=THEN)
    state = store_to_s3({"execution_id": SCOPE}, "workflow-state/order-1/state_1.json")
    behind = record("pre_2.json", state_s3_path=state)
    # A record that claims a state of another execution brings none of it.
    lying = record("pre_3.json", execution_id=execution, state_s3_path=state)
    for path in (inline, behind, lying):
        with pytest.raises(NotPermitted):
            restore(path, execution_id=execution)


def test_a_record_leads_nowhere_else():
    for address in ("s3://elsewhere/x.json", "/etc/passwd", ""):
        with pytest.raises(NotPermitted):
            restore(record(state_s3_path=address))
    gone = f"{from_environment().store.url}/workflow-state/order-1/gone.json"
    with pytest.raises(BlobMissing):
        restore(record(state_s3_path=gone))


def test_a_record_that_leads_to_a_record_has_no_state():
    first = record(state_data=THEN)
    for path in (record("pre_2.json", state_s3_path=first), record(state_s3_path=first)):
        with pytest.raises(BlobCorrupt, match="another snapshot"):
            restore(path)


@pytest.mark.parametrize("state", ["text", [1], 7])
def test_what_is_no_state_is_not_restored(state):
    held = store_to_s3(state, "workflow-state/order-1/state_1.json")
    with pytest.raises(BlobCorrupt, match="must be an object"):
        restore(record(state_s3_path=held), execution_id=SCOPE, idempotency_key="order-1")
    with pytest.raises(BlobCorrupt, match="must be an object"):
        restore(held, execution_id=SCOPE, idempotency_key="order-1")


def test_where_signatures_are_required_no_older_snapshot_is_read(monkeypatch):
    path = record(state_data=THEN)
    monkeypatch.setenv("STATEBAG_SIGNING_KEYS", "k:" + "A" * 44)
    monkeypatch.setenv("STATEBAG_REQUIRE_SIGNATURES", "1")
    with pytest.raises(NotPermitted, match="signatures are required"):
        restore(path)


def test_a_foreign_stub_in_a_record_is_refused():
    client = Statebag(from_environment().store, policy=Policy(carry_bytes=0, field_limit=300))
    stub = client.seal({"x": filler(2_000)}, scope="machine/victim")["x"]
    with pytest.raises(NotPermitted, match="another scope"):
        restore(record(state_data={**START, "current_state": {"s": stub}}))


def test_a_snapshot_before_a_map_may_come_as_an_object():
    answer = call("create_snapshot", state_data=THEN, snapshot_type="pre_map")
    given = {name: answer[name] for name in ("snapshot_s3_path", "snapshot_id")}
    for one in (given, answer["snapshot_s3_path"]):
        gathered = call(
            "aggregate_distributed", state_data=START, distributed_results=[], pre_snapshot=one
        )
        path = answer["snapshot_s3_path"]
        assert gathered["state_data"]["pre_snapshot_s3_path"] == path
    for odd in ({}, [], 7, True, {"snapshot_s3_path": 7}):
        with pytest.raises(InvalidState) as refused:
            call(
                "aggregate_distributed", state_data=START, distributed_results=[], pre_snapshot=odd
            )
        assert refused.value.path.startswith("$.pre_snapshot")
