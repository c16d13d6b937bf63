"""An event's parts, opened as far as an action needs them, and the answer within the bound."""

import pytest

from statebag import InvalidState, Unopened
from statebag.manager.actions.invocation import Invocation
from tests.manager.actions.calls import SCOPE, START, filler, opened


@pytest.fixture
def sealed(sb):
    state = {**START, "doc": filler(300_000), "small": 1}
    return sb.with_control("execution_id").seal(state, scope=SCOPE), state


def test_a_state_is_opened_at_its_top_and_the_rest_stays_unread(sealed):
    bag, state = sealed
    found = Invocation({"state_data": bag}).state()
    assert isinstance(found["doc"], Unopened)
    assert found["small"] == 1
    assert Invocation({"state_data": bag}).opened(found) == state


def test_the_scope_is_that_of_the_state(sealed):
    bag, _ = sealed
    assert Invocation({"state_data": bag}).scope == SCOPE
    assert Invocation({"state_data": bag}).is_named
    assert not Invocation({"state_data": {}}).is_named
    assert Invocation({"state_data": bag}, scope="other/run").scope == "other/run"


def test_a_field_that_is_not_there_or_null():
    for event in ({}, {"state_data": None}):
        with pytest.raises(InvalidState, match="the event has no state_data"):
            Invocation(event).state()
    with pytest.raises(InvalidState):
        Invocation({"state_data": [1]}).state()
    assert Invocation({}).result("execution_result", ()) == {}


def test_an_answer_has_the_fields_beside_the_state_and_fits(sealed):
    bag, state = sealed
    invocation = Invocation({"state_data": bag})
    answer = invocation.answer(invocation.state(), next_action="CONTINUE")
    assert answer.keys() == {"state_data", "next_action"}
    assert opened(answer["state_data"]) == state
