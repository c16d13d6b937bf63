"""Which execution an event belongs to."""

import pytest

from statebag.errors import InvalidState
from statebag.format.names import encode_scope
from statebag.manager.actions.scope import UNNAMED, scope_of_event

ARN = "arn:aws:states:us-east-1:123456789012:execution:Main:run-1"


@pytest.mark.parametrize(
    ("state", "event", "scope"),
    [
        ({"execution_id": ARN}, {}, "Main/run-1"),
        ({"execution_id": "m/e"}, {"execution_id": ARN}, "m/e"),
        ({}, {"execution_id": ARN}, "Main/run-1"),
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
