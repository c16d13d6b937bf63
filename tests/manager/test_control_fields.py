"""The control fields are the manager's: they stay plain in its bags, and the core has none."""

import pytest

from statebag import BagTooLarge, Policy, Statebag, step
from statebag.default_client import from_environment
from statebag.format.stub import KEY
from statebag.lint.application import fields_kept_plain
from statebag.manager.control_fields import CONTROL_FIELDS
from statebag.manager.merge.fork import PENDING
from statebag.state_data_manager import lambda_handler
from statebag.testing.process import forget

SCOPE = "machine/run"
ARN = "arn:aws:states:eu-central-1:123456789012:execution:machine:run"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "memory://control-fields")
    monkeypatch.setenv("STATEBAG_STRICT", "1")
    forget()
    yield
    forget()


def test_they_are_published():
    assert set(CONTROL_FIELDS) == {
        "execution_id",
        "segment_to_run",
        "segment_id",
        "loop_counter",
        "next_action",
        "status",
        "idempotency_key",
        "state_s3_path",
        "pre_snapshot_s3_path",
        "post_snapshot_s3_path",
        "last_update_time",
        "payload_size_kb",
        "guardrail_verified",
        "batch_count_actual",
    }


def test_the_core_has_none():
    assert Policy().control_paths() == ()
    sb = Statebag("memory://control-fields-of-the-core", policy=Policy())
    state = dict.fromkeys(CONTROL_FIELDS, "x" * 200000)
    bag = sb.seal(state, scope=SCOPE)
    assert sb.open(bag) == state
    small = sb.with_control().seal({"status": "x" * 200_000}, scope="m/r")
    assert sb.open(small) == {"status": "x" * 200_000}


def test_in_the_managers_bags_they_are_plain_and_all_else_left():
    state = {name: name for name in CONTROL_FIELDS} | {"execution_id": ARN, "mine": 1}
    event = {"action": "sync", "state_data": state, "execution_result": {"status": "RUNNING"}}
    bag = lambda_handler(event)["state_data"]
    assert bag.keys() == {KEY, *CONTROL_FIELDS}
    forget()
    assert from_environment().open(bag, scope=SCOPE)["mine"] == 1


@pytest.mark.parametrize("result", [{}, {"final_state": {"more": "y" * 90_000}}])
def test_those_that_routers_read_in_current_state_are_plain_there_too(result):
    said = {"guardrail_verified": True, "batch_count_actual": 7}
    many = {f"k{n}": f"{n} {'x' * 300}" for n in range(1_000)}
    state = {"execution_id": ARN, "current_state": {**said, **many}}
    event = {"action": "sync", "state_data": state, "execution_result": result}
    for _ in range(2):
        bag = lambda_handler(event)["state_data"]
        current = bag["current_state"]
        assert KEY in current
        assert {name: current[name] for name in said} == said
        event = {"action": "sync", "state_data": bag, "execution_result": {}}
    forget()
    opened = from_environment().open(bag, scope=SCOPE)["current_state"]
    assert opened == {**said, **many, **result.get("final_state", {})}


@pytest.mark.parametrize("odd", [{"guardrail_verified": {"a": [1]}}, {}, [1], "text", None, 7])
def test_a_current_state_of_another_shape_is_sealed_as_before(odd):
    state = {"execution_id": ARN, "current_state": odd, "doc": "x" * 400_000}
    bag = lambda_handler({"action": "merge_async", "state_data": state, "async_result": {}})
    assert from_environment().open(bag, scope=SCOPE)["state_data"]["current_state"] == odd


def test_one_that_is_too_large_is_refused_by_name():
    state = {"execution_id": ARN, "status": "x" * 200_000}
    with pytest.raises(BagTooLarge, match="status"):
        lambda_handler({"action": "sync", "state_data": state, "execution_result": {}})


def test_the_environments_control_paths_are_kept_beside_them(monkeypatch):
    monkeypatch.setenv("STATEBAG_CONTROL", "$.mine,status")
    forget()
    state = {"execution_id": ARN, "status": "S", "mine": 1, "other": 2}
    event = {"action": "sync", "state_data": state, "execution_result": {}}
    assert {"mine", "status"} <= lambda_handler(event)["state_data"].keys()


@step
def decorated(state, context):
    return {**state, "seen": True}


def test_a_decorated_function_beside_the_manager_names_what_routers_read(monkeypatch):
    state = {"execution_id": ARN, "status": "S", "loop_counter": 3, "mine": 1}
    event = {"action": "sync", "state_data": state, "execution_result": {}}
    bag = lambda_handler(event)["state_data"]
    assert decorated(bag).keys() == {KEY, "execution_id"}
    monkeypatch.setenv("STATEBAG_CONTROL", "$.status,$.loop_counter")
    forget()
    assert decorated(bag).keys() == {KEY, "execution_id", "status", "loop_counter"}


def test_a_bag_in_which_they_are_plain_opens_without_them_being_named():
    named = Policy(control=CONTROL_FIELDS, carry_bytes=0)
    state = {name: name for name in CONTROL_FIELDS} | {"mine": ["x" * 500 for _ in range(200)]}
    bag = Statebag("memory://control-fields-plain", policy=named).seal(state, scope=SCOPE)
    assert bag.keys() >= set(CONTROL_FIELDS)
    forget()
    assert Statebag("memory://control-fields-plain", policy=Policy()).open(bag) == state


def test_lint_knows_the_same_names():
    assert fields_kept_plain() == {(name,) for name in (*CONTROL_FIELDS, PENDING)}
