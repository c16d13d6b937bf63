"""Which answers and joins a state has merged."""

import pytest

from statebag import InvalidState
from statebag.manager.merge.deliveries import DELIVERIES, delivery_id, noted, was_merged


def test_an_id_is_that_of_the_json_whatever_the_order_of_keys():
    assert delivery_id({"a": 1, "b": [2]}) == delivery_id({"b": [2], "a": 1})
    different = [("x", {"a": 1}), ("y", {"a": 1}), ("x", {"a": "1"}), ("x", {"a": 1}, None)]
    assert len({delivery_id(*given) for given in different}) == 4


@pytest.mark.parametrize("wrong", [object(), {"a": object()}, "\ud800"])
def test_an_id_is_that_of_json(wrong):
    with pytest.raises(InvalidState):
        delivery_id(wrong)


def test_what_was_awaited_is_known_for_good():
    state = noted({"loop_counter": 1}, "a", awaited=True)
    assert was_merged(state, "a")
    assert was_merged({**state, "loop_counter": 2}, "a")
    assert not was_merged(state, "b")


def test_what_was_not_is_known_until_the_loop_turns():
    state = noted({"loop_counter": 1}, "a", awaited=False)
    assert was_merged(state, "a")
    assert not was_merged({**state, "loop_counter": 2}, "a")
    assert was_merged(noted({}, "a", awaited=False), "a")


def test_the_record_is_bounded_and_has_each_once():
    state = {}
    for n in range(50):
        state = noted(noted(state, f"{n}", awaited=True), "again", awaited=True)
    assert len(state[DELIVERIES]) == 20
    assert state[DELIVERIES][-2:] == [{"sha256": "49"}, {"sha256": "again"}]


@pytest.mark.parametrize("own", ["mine", {"a": 1}, 5])
def test_a_field_of_the_workflows_own_of_that_name_stays(own):
    state = {DELIVERIES: own}
    assert noted(state, "a", awaited=True) == state
    assert not was_merged(state, "a")
