"""An event's parts, opened as far as an action needs them."""

import pytest

from statebag import InvalidState, Unopened
from statebag.manager.actions.event_reader import EventReader
from tests.manager.actions.calls import SCOPE


def test_a_state_is_opened_at_its_top_and_the_rest_stays_unread(sealed):
    bag, state = sealed
    found = EventReader({"state_data": bag}).state()
    assert isinstance(found["doc"], Unopened)
    assert found["small"] == 1
    assert EventReader({"state_data": bag}).opened(found) == state


def test_the_scope_is_that_of_the_state(sealed):
    bag, _ = sealed
    assert EventReader({"state_data": bag}).scope == SCOPE
    assert EventReader({"state_data": bag}).is_named
    assert not EventReader({"state_data": {}}).is_named
    assert EventReader({"state_data": bag}, scope="other/run").scope == "other/run"


def test_a_field_that_is_not_there_or_null():
    for event in ({}, {"state_data": None}):
        with pytest.raises(InvalidState, match="the event has no state_data"):
            EventReader(event).state()
    with pytest.raises(InvalidState):
        EventReader({"state_data": [1]}).state()
    assert EventReader({}).result("execution_result", ()) == {}
