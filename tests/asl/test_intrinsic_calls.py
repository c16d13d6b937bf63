"""Calls of intrinsic functions: what is read of them, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag.asl.intrinsic_calls import (
    IntrinsicCall,
    Literal,
    Quoted,
    check_call,
    parse_call,
    parse_expression,
)
from statebag.asl.json_paths import MalformedError, parse_json_path


def test_every_kind_of_argument():
    call = parse_call(r"States.Array( 'it\'s', $.a['b, c'], -1.5e1, true, null, States.UUID() )")
    assert call.name == "States.Array"
    assert call.arguments == (
        Quoted(r"it\'s"),
        parse_json_path("$.a['b, c']"),
        Literal(-15.0),
        Literal(True),
        Literal(None),
        IntrinsicCall("States.UUID", (), "States.UUID()"),
    )
    assert call.arguments[0].value == "it's"


def test_all_paths_of_a_call():
    call = parse_call("States.Format('{}', States.Array($.a, $$.b), $c[*])")
    assert [one.text for one in call.paths()] == ["$.a", "$$.b", "$c[*]"]


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "States.Format", "States.Format(", "States.Format('a'", "States.Array(1,)",
        "States.Array(,1)", "States.Array(1 2)", "States.UUID() x", "States.Array(nullable)",
        "States.Array($.a b)", "States.Array('a)", "Format('a')", f"States.Array({'9' * 2_000})",
    ],
)  # fmt: skip
def test_what_is_no_call(text):
    with pytest.raises(MalformedError):
        parse_call(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("States.Nothing()", "there is no intrinsic function States.Nothing"),
        ("States.Hash('a')", "States.Hash takes 2 arguments, not 1"),
        ("States.MathRandom(1)", "States.MathRandom takes 2 to 3 arguments, not 1"),
        ("States.Format()", "States.Format takes at least 1 argument, not 0"),
        ("States.UUID(1)", "States.UUID takes 0 arguments, not 1"),
        ("States.Array(States.Array(States.UUID(1)))", "States.UUID takes 0"),
    ],
)
def test_a_call_of_no_function_or_with_other_arguments(text, problem):
    with pytest.raises(MalformedError, match=problem):
        check_call(parse_expression(text))


@given(
    st.lists(st.sampled_from([*"$.[]()'*?@,: \\", "States.Format", "a", "0", "{}"])).map("".join)
)
def test_any_text_gets_an_answer(text):
    try:
        parse_expression(text)
    except MalformedError as error:
        assert str(error)  # noqa: PT017 (what it says matters)


def test_calls_that_are_nested_without_an_end():
    with pytest.raises(MalformedError, match="deeper than 12"):
        parse_expression("States.Array(" * 5000)
