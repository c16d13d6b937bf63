"""Which execution an event belongs to, and what becomes of one that names none."""

import pytest

from statebag import InvalidState, NotPermitted, Policy, Statebag
from statebag.default_client import from_environment
from statebag.format.names import encode_scope
from statebag.manager.actions.scope import UNNAMED, scope_of_event
from statebag.state_data_manager import compress_data, lambda_handler, store_to_s3
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import SCOPE, START, call, filler, opened

ARN = f"arn:aws:states:eu-central-1:111122223333:execution:{SCOPE.replace('/', ':')}"
LARGE = {"doc": filler(400_000)}
STORING = {
    "update_and_compress": {"state_data": LARGE},
    "sync": {"state_data": {}, "execution_result": {"final_state": LARGE}},
    "sync_branch": {"branch_state": {"branch_id": "b", "state_data": LARGE}},
    "aggregate_branches": {
        "state_data": {},
        "parallel_results": [{"branch_id": "a", "status": "COMPLETE", "final_state": LARGE}],
    },
    "aggregate_distributed": {"state_data": {}, "distributed_results": [{"status": "FAILED"}]},
    "merge_callback": {"state_data": {}, "callback_result": LARGE},
    "merge_async": {"state_data": {}, "async_result": LARGE},
    "create_snapshot": {"state_data": {"a": 1}, "snapshot_type": "pre"},
    "hydrate_branch": {"branch_pointer": {"branch_id": "a", "nodes": [LARGE]}, "state_data": {}},
    "hydrate_segment": {"segment_pointer": {"segment_config": LARGE}, "state_data": LARGE},
    "decompress": {"compressed_data": compress_data(LARGE)},
}


OTHER_ARN = "arn:aws:states:us-east-1:123456789012:execution:Main:run-1"


@pytest.mark.parametrize(
    ("state", "event", "scope"),
    [
        ({"execution_id": OTHER_ARN}, {}, "Main/run-1"),
        ({"execution_id": "m/e"}, {"execution_id": OTHER_ARN}, "m/e"),
        ({}, {"execution_id": OTHER_ARN}, "Main/run-1"),
        (None, {"execution_id": "m/e"}, "m/e"),
        ({"execution_id": ""}, {"idempotency_key": "k"}, "workflow-state/k"),
        ({"execution_id": 7, "idempotency_key": "a/b"}, {}, "workflow-state/a%2Fb"),
        ({}, {}, UNNAMED),
    ],
)
def test_the_state_says_it_then_the_event_then_a_key(state, event, scope):
    assert scope_of_event(state, event) == scope


@pytest.mark.parametrize("key", ["..", ".", "a/../b", "%2E", "a b", "ü"])
def test_a_key_is_one_part_whatever_it_holds(key):
    scope = scope_of_event({"idempotency_key": key}, {})
    assert scope.count("/") == 1
    encode_scope(scope)


def test_different_keys_have_different_scopes():
    keys = ["..", "%2E%2E", "a/b", "a%2Fb", "."]
    assert len({scope_of_event({"idempotency_key": key}, {}) for key in keys}) == len(keys)


def test_an_id_that_can_be_no_scope_is_refused_at_its_place():
    with pytest.raises(InvalidState) as caught:
        scope_of_event({"execution_id": "a/../b"}, {})
    assert caught.value.path == "$.execution_id"


@pytest.mark.parametrize("wire", ["0", "1"])
@pytest.mark.parametrize("action", STORING)
def test_an_event_that_names_no_execution_stores_nothing(action, wire, sb, monkeypatch):
    monkeypatch.setenv("STATEBAG_WIRE", wire)
    event = {"action": action, **STORING[action]}
    with pytest.raises(InvalidState) as refused:
        lambda_handler(event)
    assert refused.value.path == "$.execution_id"
    assert "no execution ID" in str(refused.value)
    assert not list(from_environment().store.list())


@pytest.mark.parametrize("action", STORING)
@pytest.mark.parametrize("name", ["execution_id", "idempotency_key"])
def test_it_does_so_once_it_follows_the_hint(action, name, sb):
    value = ARN if name == "execution_id" else "order-1"
    call(action, **STORING[action], **{name: value})
    assert list(sb.store.list())
    assert not [one for one in sb.store.list() if one.name.startswith(UNNAMED)]


def test_a_restored_copy_that_names_nobody_is_not_stored_again(sb):
    path = store_to_s3(LARGE, "workflow-state/any/snapshot_1.json")
    with pytest.raises(InvalidState, match="no execution ID"):
        call("restore_snapshot", snapshot_s3_path=path)
    assert len(list(sb.store.list())) == 1
    restored = call("restore_snapshot", snapshot_s3_path=path, idempotency_key="any")
    assert opened(restored["state_data"], "workflow-state/any") == LARGE


def test_a_small_event_that_names_no_execution_is_answered():
    answer = call("sync", state_data={"a": 1}, execution_result={"status": "RUNNING"})
    assert answer["state_data"] == {"a": 1, "status": "RUNNING", "next_action": "CONTINUE"}
    many = {"doc": "x" * 100_000}  # it is carried in the bag
    bag = call("sync", state_data=many, execution_result={})["state_data"]
    assert opened(bag, UNNAMED)["doc"] == many["doc"]
    assert call("decompress", compressed_data=compress_data([1])) == [1]


@pytest.mark.parametrize("execution", ["", None, 7, []])
def test_an_id_that_is_none_names_nobody(execution):
    with pytest.raises(InvalidState, match="no execution ID"):
        call("sync", execution_id=execution, state_data=LARGE, execution_result={})


def test_a_decompressed_state_says_whose_it_is(sb):
    text = compress_data({"execution_id": ARN, **LARGE})
    assert opened(call("decompress", compressed_data=text))["doc"] == LARGE["doc"]
    assert [one.name.rpartition("/")[0] for one in sb.store.list()] == [SCOPE]


def test_a_branch_belongs_to_the_execution_of_the_state_in_it():
    event = {"branch_state": {"execution_id": "m/other", "state_data": {"execution_id": ARN}}}
    assert scope_of_event(event["branch_state"], event) == SCOPE
    assert scope_of_event(None, {"branch_state": {"state_data": []}}) == UNNAMED


def foreign():
    """A stub of another execution's object."""
    client = Statebag(from_environment().store, policy=Policy(carry_bytes=0, field_limit=300))
    return client.seal({"doc": filler(5_000)}, scope="machine/victim")["doc"]


HANDED_ON = {
    "update_and_compress": lambda stub: {"execution_result": {"odd": stub}},
    "sync": lambda stub: {"execution_result": {"odd": stub}},
    "aggregate_branches": lambda stub: {"parallel_results": [{"branch_id": "a", "odd": [stub]}]},
    "aggregate_distributed": lambda stub: {"distributed_results": [{"odd": stub}]},
    "merge_callback": lambda stub: {"callback_result": {"answer": {"deep": stub}}},
    "merge_async": lambda stub: {"async_result": stub},
    "create_snapshot": lambda _: {"snapshot_type": "pre"},
    "hydrate_branch": lambda stub: {"branch_pointer": {"branch_id": "a", "nodes": stub}},
    "hydrate_segment": lambda stub: {"segment_pointer": {"segment_id": 1, "nodes": stub}},
}
PLACES = [
    (action, place)
    for action in HANDED_ON
    for place in ("beside", "state")
    if (action, place) != ("create_snapshot", "beside")  # it takes nothing but the state
]


@pytest.mark.parametrize(("action", "place"), PLACES)
def test_a_stub_of_another_scope_is_refused_where_it_comes_in(action, place, sb):
    stub = foreign()
    fields = HANDED_ON[action]({} if place == "state" else stub)
    state = {**START, "unread": [stub]} if place == "state" else START
    before = len(list(sb.store.list()))
    forget()
    with usage.measured() as cost, pytest.raises(NotPermitted, match="another scope") as refused:
        call(action, state_data=state, **fields)
    assert refused.value.path.startswith("$.")
    assert cost.gets == 0
    assert len(list(sb.store.list())) == before


def test_also_in_a_branch_and_in_a_map_error():
    stub = foreign()
    branch = {"branch_id": "b", "partition_map": stub, "state_data": START}
    for event in (
        {"action": "sync_branch", "branch_state": branch},
        {"action": "sync_branch", "branch_state": {"state_data": {**START, "x": stub}}},
        {"action": "aggregate_branches", "state_data": START, "map_error": {"Cause": stub}},
    ):
        with pytest.raises(NotPermitted, match="another scope"):
            call(**event)


def test_a_scope_that_may_be_read_is_handed_on(monkeypatch):
    stub = foreign()
    monkeypatch.setenv("STATEBAG_READABLE_SCOPES", "machine/victim")
    bag = call("sync", state_data=START, execution_result={"odd": stub})["state_data"]
    assert opened(bag)["last_execution_result"]["odd"] == filler(5_000)


def test_a_stub_in_an_event_that_names_nobody_asks_for_the_execution():
    with pytest.raises(InvalidState, match="no execution ID"):
        call("sync", state_data={"odd": foreign()}, execution_result={})


def test_data_that_looks_like_such_a_stub_is_data(sb):
    sealed = sb.seal({"execution_id": SCOPE, "looks": foreign()}, scope=SCOPE)
    bag = call("sync", state_data=sealed, execution_result={})["state_data"]
    assert opened(bag)["looks"] == foreign()
