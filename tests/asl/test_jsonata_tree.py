"""The nodes of a JSONata expression, each by itself."""

import pytest

from statebag.asl.json_paths import MalformedError
from statebag.asl.jsonata_tree import (
    STATES,
    children,
    is_plain_path,
    is_small,
    known_names,
    names_read_by,
    number_of,
    place_below,
    relative_names,
    stages,
    tree_of,
)
from statebag.format.json_depth import MAX_DEPTH


@pytest.mark.parametrize("code", ["$a[", "{'a': }", "$f(", "1 +", "$a.b)", "", "'open", "(" * 5000])
def test_what_is_not_an_expression(code):
    with pytest.raises(MalformedError) as caught:
        tree_of(code)
    assert str(caught.value)


@pytest.mark.parametrize(
    ("code", "names", "whole"),
    [
        ("$a.b.c", ["b", "c"], True),
        ("$a.b[0].c", ["b", 0, "c"], True),
        ("$a.b[-1].c", ["b"], False),
        ("$a.b[x = 1].c", ["b"], False),
        ("$a.*.c", [], False),
        ("$a.b{c: d}", ["b"], False),
    ],
)
def test_the_fixed_names_of_a_path(code, names, whole):
    assert known_names(tree_of(code)) == (names, whole)


@pytest.mark.parametrize(
    ("code", "small"),
    [("$count($a)", True), ("1 + $a", True), ("($a; 'x')", True), ("$a", False), ("[1]", False)],
)
def test_values_that_are_small_whatever_they_are_given(code, small):
    assert is_small(tree_of(code)) == small


@pytest.mark.parametrize(
    ("code", "plain"), [("$a.b", True), ("($a.b)", True), ("a.b", False), ("$a[x]", False)]
)
def test_plain_paths(code, plain):
    assert is_plain_path(tree_of(code)) == plain


def test_names_that_are_relative_to_the_current_value():
    assert relative_names(tree_of("a.b")) == ("a", "b")
    assert relative_names(tree_of("$.a")) == ("a",)
    assert relative_names(tree_of("$")) == ()
    assert relative_names(tree_of("$a.b")) is None
    assert set(names_read_by(tree_of("{'x': a.b, 'y': c + d}"))) == {("a", "b"), ("c",), ("d",)}


def test_literals_and_what_stands_below_a_node():
    assert number_of(tree_of("7")) == 7
    assert number_of(tree_of("'7'")) is None
    assert len(list(children(tree_of("a + b")))) == 2
    assert stages(tree_of("a")) == []


def test_places_of_the_engine_have_roots_of_their_own():
    assert place_below((STATES, ()), ["result", "Payload", 0]) == ("result", ("Payload", 0))
    assert place_below((STATES, ()), ["errorOutput"]) == ("error", ())
    assert place_below((STATES, ()), ["other"]) == (STATES, ("other",))
    assert len(place_below(("$a", ()), ["n"] * 10_000)[1]) == MAX_DEPTH
