"""The answer of an action: it fits the bound, and nothing is written for an unnamed execution."""

import pytest

from statebag import InvalidState
from statebag.format.json_text import wire_size
from statebag.manager.actions.invocation import Invocation
from tests.manager.actions.calls import START, filler, opened


def test_an_answer_has_the_fields_beside_the_state_and_fits(sealed):
    bag, state = sealed
    invocation = Invocation({"state_data": bag})
    answer = invocation.answer(invocation.state(), next_action="CONTINUE")
    assert answer.keys() == {"state_data", "next_action"}
    assert opened(answer["state_data"]) == state


def test_an_answer_that_fits_is_handed_on_untouched(sealed):
    bag, _ = sealed
    invocation = Invocation({"state_data": bag})
    assert invocation.untouched("state_data", note=1) == {"state_data": bag, "note": 1}
    large = {**START, "doc": filler(300_000)}
    answer = Invocation({"state_data": large}).untouched("state_data")
    assert wire_size(answer) < 200_000
    assert opened(answer["state_data"]) == large


def test_an_event_that_names_no_execution_writes_nothing(sb):
    invocation = Invocation({"state_data": {"doc": filler(300_000)}})
    with pytest.raises(InvalidState):
        invocation.answer_of_state()
    assert list(sb.store.list()) == []


def test_a_state_that_is_another_has_its_own_scope():
    other = Invocation({"state_data": START, "branch_state": {}}).of_state(
        {"execution_id": "machine/other"}, bound=1_000
    )
    assert (other.scope, other.bound) == ("machine/other", 1_000)
    assert "branch_state" not in other.event
