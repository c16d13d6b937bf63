import pytest

from statebag.format.unopened import Unopened
from statebag.values.comes_back import differs_at
from statebag.values.forms import BUILT_IN, Form

TUPLE = next(form for form in BUILT_IN if form.name == "tuple")
LOOSE = Form("loose", object, repr, repr, exact=False)


def form_of(one):
    return {"tuple": TUPLE, "loose": LOOSE}.get(one.get("__typed__"))


def typed(name, value):
    return {"__typed__": name, "value": value}


@pytest.mark.parametrize(
    ("one", "two", "place"),
    [
        ([1], [1.0], ("$", 0)),
        ([True], [1], ("$", 0)),
        ([0.0], [-0.0], ("$", 0)),
        ([1, 2], [1], ("$",)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ("$",)),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, ("$", "a", "b")),
        ([typed("tuple", [1])], [typed("tuple", [2])], ("$", 0, 0)),
        (
            [typed("tuple", [1])],
            [typed("loose", [1])],
            (
                "$",
                0,
            ),
        ),
        ({"a": 1}, [1], ("$",)),
    ],
)
def test_a_difference_has_a_place(one, two, place):
    assert differs_at(one, two, form_of)[0] == place[1:]
    assert differs_at(one, one, form_of) is None
    assert differs_at(two, two, form_of) is None


def test_the_form_around_it_is_told():
    one, two = [typed("tuple", [[1]])], [typed("tuple", [[2]])]
    assert differs_at(one, two, form_of) == ((0, 0, 0), TUPLE)
    assert differs_at([1], [2], form_of) == ((0,), None)


def test_what_own_functions_write_is_not_compared():
    one, two = [typed("loose", [1, 2]), 1], [typed("loose", [2, 1]), 1]
    assert differs_at(one, two, form_of) is None
    assert differs_at([*one, 2], [*two, 3], form_of) == ((2,), None)


def test_what_was_not_opened_is_passed_over():
    assert differs_at([Unopened({}, None)], [Unopened({"a": 1}, None)], form_of) is None
