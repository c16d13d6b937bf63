"""The table of intrinsic functions, against the functions that the engine computes."""

import pytest

from statebag.asl.intrinsic_calls import parse_call
from statebag.asl.intrinsics import INTRINSICS
from statebag.asl.states_functions import _FUNCTIONS, IntrinsicFailureError, evaluated_call


def test_each_function_of_the_table_is_computed_and_no_other():
    assert INTRINSICS.keys() == {*_FUNCTIONS, "States.Format"}
    assert len(INTRINSICS) == 18  # the guide lists as many


@pytest.mark.parametrize("name", INTRINSICS)
def test_another_number_of_arguments_fails_before_anything_is_computed(name):
    known = INTRINSICS[name]
    counts = [known.least - 1] if known.least else []
    counts += [] if known.most is None else [known.most + 1]
    for count in counts:
        call = parse_call(f"{name}({', '.join(['1'] * count)})")
        with pytest.raises(IntrinsicFailureError, match=f"{name} takes .* not {count}"):
            evaluated_call(call, {}.__getitem__)
