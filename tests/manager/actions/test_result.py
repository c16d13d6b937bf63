"""A step's result, merged into the state as far as it was read."""

import pytest

from statebag import InvalidState
from statebag.manager.actions.invocation import Invocation
from statebag.manager.actions.result import absorb
from tests.manager.actions.calls import SCOPE, START, filler


def absorbed(sb, state, result):
    bag = sb.with_control("execution_id").seal({**START, **state}, scope=SCOPE)
    invocation = Invocation({"state_data": bag})
    return invocation, absorb(invocation, invocation.state(), result, bag)


def test_a_final_state_is_merged_into_the_fields_that_were_not_opened(sb):
    large = filler(300_000)
    invocation, state = absorbed(
        sb, {"current_state": {"kept": large, "old": 1}}, {"final_state": {"old": 2, "new": 3}}
    )
    merged = invocation.opened(state["current_state"])
    assert merged == {"kept": large, "old": 2, "new": 3}


def test_the_given_state_and_result_are_not_changed(sb):
    invocation = Invocation({"state_data": dict(START)})
    state, result = invocation.state(), {"final_state": {"a": 1}}
    absorb(invocation, state, result, dict(START))
    assert (state, result) == (START, {"final_state": {"a": 1}})


def test_branches_are_a_list(sb):
    with pytest.raises(InvalidState, match="branches must be a list, not an object") as caught:
        absorbed(sb, {}, {"branches": {}})
    assert caught.value.path == "$.execution_result.branches"
