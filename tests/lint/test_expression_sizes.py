"""What an expression refers to, and how large its result can be."""

import pytest

from statebag.lint.expression_sizes import is_jsonata, json_path, jsonata


def places(expression):
    return {(one.root, one.path, one.reads) for one in expression.references}


def test_a_definite_path_hands_its_value_on_and_others_look_at_it():
    found = json_path("$.a.b[0]")
    assert (places(found), found.alone) == ({("input", ("a", "b", 0), False)}, True)
    found = json_path("$.a[*].b")
    assert (places(found), found.alone) == ({("input", ("a",), True)}, False)
    assert places(json_path("$$.Execution.Id")) == {("context", ("Execution", "Id"), False)}
    assert places(json_path("$name.a")) == {("$name", ("a",), False)}


def test_a_filter_reads_what_it_compares_with():
    found = json_path("$.a[?(@.n > $.limit)]")
    assert places(found) == {("input", ("a",), True), ("input", ("limit",), True)}
    assert {one.times for one in found.references if one.path == ("limit",)} == {0}


def test_a_call_can_give_more_bytes_than_it_is_given():
    (one,) = json_path("States.JsonToString($.a)").references
    assert (one.times, one.as_text) == (2, True)
    (twice,) = json_path("States.JsonToString(States.JsonToString($.a))").references
    assert twice.times == 4
    deep = "$.a"
    for _ in range(9):
        deep = f"States.JsonToString({deep})"
    assert json_path(deep).references[0].times <= 64
    assert json_path("States.UUID()").scalar
    assert json_path("States.Nothing(").references == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{% $states.input.a %}", {("input", ("a",), False)}),
        ("{% $states.input.a > 1 %}", {("input", ("a",), True)}),
        ("{% {'b': $states.result} %}", {("result", (), False)}),
        ("{% $x.y %}", {("$x", ("y",), False)}),
        ("{% ( %}", set()),
    ],
)
def test_references_of_jsonata(text, wanted):
    assert is_jsonata(text)
    assert places(jsonata(text)) == wanted
    assert places(jsonata(text[2:-2])) == wanted


@pytest.mark.parametrize("text", ["$.a", "{% a", 1, None, "a %}"])
def test_what_is_no_jsonata(text):
    assert not is_jsonata(text)
