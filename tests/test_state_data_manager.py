"""The entry point: each action by its name, and an event that is refused with the names."""

import uuid

import pytest

from statebag import InvalidState, StoreUnavailable
from statebag import state_data_manager as manager
from statebag.testing.process import forget
from tests.bags import noise


@pytest.fixture(autouse=True)
def _store(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", f"memory://{uuid.uuid4().hex}")
    forget()
    yield
    forget()


def test_each_action_is_a_public_function_that_takes_an_event_or_fields():
    state = {"execution_id": "m/e", "n": 1}
    for event, fields in (({"state_data": state}, {}), (None, {"state_data": state})):
        answer = manager.sync_state_data(event, **fields)
        assert answer["state_data"]["n"] == 1
    both = manager.sync_state_data({"state_data": {"n": 2}}, state_data=state)
    assert both["state_data"]["n"] == 1, "a keyword argument wins"


def test_without_an_action_the_state_is_updated():
    answer = manager.lambda_handler({"state_data": {"execution_id": "m/e", "n": 1}})
    assert (answer["n"], answer["s3_offloaded"]) == (1, False)


@pytest.mark.parametrize("event", [None, [], "event", 1])
def test_an_event_must_be_an_object(event):
    with pytest.raises(InvalidState, match="the event must be an object"):
        manager.lambda_handler(event)


def test_an_unknown_action_names_the_known_ones_and_is_not_quoted():
    with pytest.raises(InvalidState) as caught:
        manager.lambda_handler({"action": "CANARY"})
    assert caught.value.path == "$.action"
    assert all(name in caught.value.hint for name in manager.ACTIONS)
    assert "CANARY" not in str(caught.value)


def test_the_remaining_time_of_the_lambda_bounds_an_action():
    class Context:
        def get_remaining_time_in_millis(self):
            return 0

    event = {"action": "sync", "state_data": {"execution_id": "m/e", "t": noise(300_000, 1)}}
    with pytest.raises(StoreUnavailable):
        manager.lambda_handler(event, Context())
