from __future__ import annotations

import pytest

from statebag.asl.states_functions import (
    IntrinsicFailureError,
    evaluated_call,
    parsed_call,
)

DATA = {
    "$.n": 3,
    "$.s": "ü'",
    "$.o": {"k": "ü", "n": [1, True, None]},
    "$.list": [1, 2, 2, 1, True, 1.0],
    "$.a['b, c)'][0]": "odd",
    "$$.Execution.Name": "run",
    "$.items[?(@.v > 1)].v": [2],
}


def value_of(expression):
    return evaluated_call(parsed_call(expression), DATA.__getitem__)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (r"States.Format('a {} {}', $.n, $.s)", "a 3 ü'"),
        (r"States.Format('\{\} \'{}\' \\', $.n)", r"{} '3' " + "\\"),
        (r"""States.Format('{"k": {}, "{0}": {x.y}}', 1)""", '{"k": 1, "{0}": {x.y}}'),
        ("States.Format('{}', $.o)", "{k=ü, n=[1, true, null]}"),
        ("States.Format($$.Execution.Name)", "run"),
        (r"States.StringToJson('{\"a\": [1]}')".replace('\\"', '"'), {"a": [1]}),
        ("States.JsonToString($.o)", '{"k":"ü","n":[1,true,null]}'),
        ("States.Array()", []),
        ("States.Array(null, true, -1.5, 'x', $.n)", [None, True, -1.5, "x", 3]),
        ("States.Array($.a['b, c)'][0], $.items[?(@.v > 1)].v)", ["odd", [2]]),
        ("States.ArrayPartition($.list, 4)", [[1, 2, 2, 1], [True, 1.0]]),
        ("States.ArrayContains(States.Array(1), true)", False),
        ("States.ArrayContains($.list, 2)", True),
        ("States.ArrayRange(1, 9, 4)", [1, 5, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayGetItem($.list, 1)", 2),
        ("States.ArrayLength($.list)", 6),
        ("States.ArrayUnique($.list)", [1, 2, True, 1.0]),
        ("States.Base64Decode(States.Base64Encode($.s))", "ü'"),
        ("States.Hash('text', 'MD5')", "1cb251ec0d568de6a929b520c4aed8d1"),
        ("States.JsonMerge($.o, States.StringToJson('{\"k\": 1}'), false)",
         {"k": 1, "n": [1, True, None]}),
        ("States.MathRandom(1, 2)", 1),
        ("States.MathAdd( 1.5 , -3 )", -1),
        ("States.StringSplit('1,2;;3', ',;')", ["1", "2", "3"]),
    ],
)  # fmt: skip
def test_functions_give_what_the_guide_says(expression, value):
    result = value_of(expression)
    assert repr(result) == repr(value)


def test_a_deep_value_is_shown_in_a_text():
    deep = []
    for _ in range(440):
        deep = [deep]
    text = evaluated_call(parsed_call("States.Format('{}', $.deep)"), {"$.deep": deep}.__getitem__)
    assert text == "[" * 441 + "]" * 441


def test_a_seed_repeats_a_random_number():
    assert value_of("States.MathRandom(1, 999, 7)") == value_of("States.MathRandom(1, 999, 7)")
    assert len(value_of("States.UUID()")) == 36


@pytest.mark.parametrize(
    "expression",
    [
        "States.Format('{}')",
        "States.Format($.n)",
        "States.StringToJson('{')",
        "States.ArrayPartition($.list, 0)",
        "States.ArrayPartition($.n, 1)",
        "States.ArrayRange(1, 2, 0)",
        "States.ArrayRange(0, 1000, 1)",
        "States.ArrayGetItem($.list, 6)",
        "States.ArrayLength($.s)",
        "States.ArrayLength($.list, 1)",
        "States.Base64Decode('%')",
        "States.Hash('text', 'CRC')",
        "States.Hash($.o, 'MD5')",
        "States.JsonMerge($.o, $.o, true)",
        "States.MathAdd('1', 2)",
        "States.MathRandom(2, 2)",
    ],
)
def test_what_does_not_fit_fails(expression):
    with pytest.raises(IntrinsicFailureError):
        value_of(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "States.Nothing()",
        "States.Format('a'",
        "Format('a')",
        "States.UUID() x",
        "States.Array(1 2)",
    ],
)
def test_what_is_no_function_is_refused(expression):
    with pytest.raises(ValueError, match=r"expected|no function|unexpected|neither"):
        parsed_call(expression)


def test_base64_of_another_type_is_told_from_text_that_is_not_base64():
    with pytest.raises(IntrinsicFailureError) as odd:
        value_of("States.Base64Decode('%')")
    with pytest.raises(IntrinsicFailureError) as other:
        value_of("States.Base64Decode(1)")
    assert "Base64" in str(odd.value)
    assert "Base64" not in str(other.value)
