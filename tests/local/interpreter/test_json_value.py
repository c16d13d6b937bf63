from __future__ import annotations

import pytest

from statebag.errors import InvalidState
from statebag.local.interpreter.json_value import JsonValue, checked_value, kind_of


def test_a_size_is_that_of_the_compact_text_in_utf8():
    assert JsonValue({"é": [1, True, None]}).text == '{"é":[1,true,null]}'
    assert JsonValue({"é": [1, True, None]}).size == 20
    assert JsonValue("abc").size == 5


def test_a_copy_shares_nothing():
    value = JsonValue({"a": [1]})
    value.copied()["a"].append(2)
    assert value.value == {"a": [1]}


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, "\ud800", {"a": object()}])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(InvalidState, match="the input is not a JSON value"):
        checked_value(value, "the input")


def test_what_nests_too_deeply_is_refused():
    value: list = []
    for _ in range(500):
        value = [value]
    with pytest.raises(InvalidState, match="nests deeper than 500 levels"):
        checked_value(value, "the mock")


def test_types_have_the_names_of_json():
    values = [None, True, 1, 1.5, "a", [], {}]
    assert [kind_of(one) for one in values] == [
        "null", "boolean", "number", "number", "string", "array", "object",
    ]  # fmt: skip
