"""The Lambda's entry point."""

import pytest

from statebag import BlobCorrupt, InvalidState, StoreUnavailable, state_data_manager
from statebag.state_data_manager import ACTIONS, compress_data, lambda_handler
from tests.manager.actions.calls import START, call, filler, opened


@pytest.mark.parametrize("action", ["nonsense", 7, ["sync"], {"a": 1}])
def test_an_unknown_action_names_those_that_are_known(action):
    with pytest.raises(InvalidState) as refused:
        lambda_handler({"action": action})
    assert all(name in str(refused.value) for name in ACTIONS)


def test_the_public_names_are_there():
    for name in state_data_manager.__all__:
        assert getattr(state_data_manager, name).__doc__ or name == "ACTIONS"


def test_an_event_is_an_object():
    with pytest.raises(InvalidState):
        state_data_manager.sync_state_data(["state_data"])


def test_the_lambdas_remaining_time_bounds_the_work():
    class Context:
        def get_remaining_time_in_millis(self):
            return 0

    event = {"action": "sync", "state_data": {**START, "doc": filler(300_000)}}
    with pytest.raises(StoreUnavailable):
        lambda_handler({**event, "execution_result": {}}, Context())


def test_decompress_gives_the_value_whatever_its_size():
    value = {"execution_id": "x", "text": filler(400_000)}
    text = compress_data(value)
    assert opened(lambda_handler({"action": "decompress", "compressed_data": text}), None) == value
    assert call("decompress", compressed_data=compress_data([1, None])) == [1, None]


def test_decompress_of_what_never_was_compressed(caplog):
    assert call("decompress", compressed_data="plain") == "plain"
    assert "never compressed" in caplog.text
    with pytest.raises(BlobCorrupt):
        call("decompress", compressed_data="plain", strict=True)


@pytest.mark.parametrize("key", ["order-1", "a/b", "..", "50%", "a b:c", "é" * 30])
def test_an_idempotency_key_is_a_scope_of_its_own(key, sb):
    state = {"idempotency_key": key, "doc": filler(300_000)}
    bag = call("sync", state_data=state, execution_result={})["state_data"]
    (pack,) = sb.store.list()
    assert pack.name.startswith("workflow-state/")
    assert pack.name.count("/") == 2
    again = call("sync", state_data=bag, execution_result={"status": "RUNNING"})
    assert again["next_action"] == "CONTINUE"


def test_the_execution_may_be_named_by_the_event(sb):
    arn = "arn:aws:states:eu-west-1:1:execution:machine:run"
    call("sync", execution_id=arn, state_data={"doc": filler(300_000)}, execution_result={})
    (pack,) = sb.store.list()
    assert pack.name.startswith("machine/run/")
