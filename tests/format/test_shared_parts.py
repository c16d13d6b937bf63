"""Values that Python code built of the same parts: each call ends, and says why it refuses one."""

import pytest

from statebag import LimitExceeded, Statebag
from statebag.format.bag_text import check_parts


def doubled(value, levels, around=lambda one: [one, one]):
    for _ in range(levels):
        value = around(value)
    return value


FORMS = {
    "lists": lambda one: [one, one],
    "objects": lambda one: {"a": one, "b": one},
    "at two depths": lambda one: [one, [one]],
    "both": lambda one: {"a": [one], "b": one, "c": one},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("levels", [40, 200])
def test_parts_in_exponentially_many_places_are_refused(form, levels):
    with pytest.raises(LimitExceeded, match="in so many places that it stands for more than"):
        check_parts(doubled(1, levels, FORMS[form]))


def test_more_levels_than_a_float_has_doublings():
    with pytest.raises(LimitExceeded, match="in so many places"):
        check_parts(doubled(1, 3000))


def test_one_large_list_in_many_places():
    large = list(range(100_000))
    check_parts([large] * 30)
    with pytest.raises(LimitExceeded, match="in so many places"):
        check_parts([large] * 10_000)


def test_a_value_that_holds_itself_in_several_places():
    loop = []
    loop += [loop, loop]
    with pytest.raises(LimitExceeded, match="in so many places"):
        check_parts(loop)


def test_a_value_that_holds_itself_once():
    loop = []
    loop.append({"a": loop})
    with pytest.raises(LimitExceeded, match="holds itself"):
        check_parts(loop)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        [],
        [[1, 2]] * 100_000,
        [{"a": n, "b": [n]} for n in range(100_000)],
        doubled({"a": 1}, 12),
        doubled(1, 3000, lambda one: [one]),
    ],
    ids=["null", "text", "empty", "one row in many places", "rows", "some levels", "deep"],
)
def test_usual_values_pass(value):
    check_parts(value)


CALLS = {
    "open": lambda sb, value: sb.open(value),
    "open, some": lambda sb, value: sb.open(value, only=["$.a"]),
    "open, texts": lambda sb, value: sb.open(value, embedded=True),
    "open, legacy": lambda sb, value: sb.open(value, legacy=True),
    "open_each": lambda sb, value: list(sb.open_each([value])),
    "get": lambda sb, value: sb.get({"a": 1, "b": value}, "$.a"),
    "members": lambda sb, value: sb.members({"a": [1], "b": value}, "$.a"),
    "differences": lambda sb, value: sb.differences({"a": value}, {"a": value, "b": 1}),
    "append": lambda sb, value: sb.append({"a": [1], "b": value}, "$.a", [1], scope="m/e"),
    "seal": lambda sb, value: sb.seal({"a": 1}, parent=value),
    "packs": lambda sb, value: sb.packs(value),
    "repair": lambda sb, value: sb.repair(value),
    "export": lambda sb, value: sb.export(value),
    "advance": lambda sb, value: sb.heads("m/e").head("main").advance(value, None),
    "step": lambda sb, value: sb.step(lambda state: state)(
        {"execution_id": "e", "state_data": value}, None
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_every_call_that_takes_a_bag_refuses_one(call):
    client = Statebag("memory://shared-parts", replicas=())
    with pytest.raises(LimitExceeded, match="in so many places"):
        CALLS[call](client, doubled({"a": 1}, 40))
