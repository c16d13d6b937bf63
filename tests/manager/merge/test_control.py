"""Control fields: what a result may set, and numbers that an engine turned into floats."""

import pytest

from statebag.errors import InvalidState
from statebag.manager.merge.control import control_names, take_control, whole_number


def test_names_at_the_top_of_a_state():
    paths = [("status",), ("a", "b"), ("loop_counter",)]
    assert control_names(paths) == {"status", "loop_counter"}


def test_a_result_sets_control_fields_and_nothing_else():
    state = {"status": "one", "text": "x"}
    result = {"status": "two", "text": "y", "segment_id": None}
    taken = take_control(state, result, ["segment_id", "status"])
    assert taken == {"status": "two", "text": "x"}
    assert state["status"] == "one"


@pytest.mark.parametrize(("value", "number"), [(3, 3), (3.0, 3), (-1.0, -1), (0, 0)])
def test_whole_numbers(value, number):
    found = whole_number(value, "n")
    assert (found, type(found)) == (number, int)


@pytest.mark.parametrize("value", [3.5, True, "3", None, [3], float("inf")])
def test_other_values_are_refused_with_their_path(value):
    with pytest.raises(InvalidState, match="must be a whole number") as caught:
        whole_number(value, "a", 0)
    assert caught.value.path == "$.a[0]"
