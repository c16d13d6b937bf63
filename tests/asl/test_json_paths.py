"""One reader of paths: which steps it reads, what it refuses, and who else reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag.asl.json_paths import (
    SEARCH,
    WILDCARD,
    Filter,
    MalformedError,
    Picks,
    Slice,
    ValueFunction,
    parse_json_path,
    read_json_path,
)
from statebag.format.paths import parse_path, render_path
from statebag.lint.expression_sizes import json_path
from statebag.local import run
from statebag.local.stubs import DEEP, WILD, parsed


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("$", ()),
        ("$.a.b", ("a", "b")),
        ("$.a[0][-1]", ("a", 0, -1)),
        ("$['a b'].c", ("a b", "c")),
        ('$["it\'s"]', ("it's",)),
        (r"$['it\'s']", ("it's",)),
        ("$.['a']", ("a",)),
        ("$.naïve-name", ("naïve-name",)),
        ("$.a[*]", ("a", WILDCARD)),
        ("$.*", (WILDCARD,)),
        ("$.a[1:3]", ("a", Slice(1, 3))),
        ("$.a[-2:]", ("a", Slice(-2, None))),
        ("$.a[:]", ("a", Slice(None, None))),
        ("$.a[ :4 : 2 ]", ("a", Slice(None, 4, 2))),
        ("$.a[0, -1]", ("a", Picks((0, -1)))),
        ("$['a', \"b,c\"]", (Picks(("a", "b,c")),)),
        ("$..a", (SEARCH, "a")),
        ("$..*", (SEARCH, WILDCARD)),
        ("$.a..['b']", ("a", SEARCH, "b")),
        ("$.a.length()", ("a", ValueFunction("length"))),
        ("$.a[?(@.b > 1)].c", ("a", Filter("@.b > 1", (("b",),), ()), "c")),
        ("$.a[?(@['b)'] == ']')]", ("a", Filter("@['b)'] == ']'", (("b)",),), ()))),
        ("$.a[? (@.b[0] && !@.d) ]", ("a", Filter("@.b[0] && !@.d", (("b", 0), ("d",)), ()))),
        ("$.a[?(@.b =~ /[')]+/)]", ("a", Filter("@.b =~ /[')]+/", (("b",),), ()))),
    ],
)  # fmt: skip
def test_every_kind_of_step(text, steps):
    path = parse_json_path(text)
    assert path.steps == steps
    assert path.definite == all(isinstance(one, str | int) for one in steps)


@pytest.mark.parametrize(
    ("text", "root", "variable"),
    [("$.a", "input", ""), ("$$.Execution.Id", "context", ""), ("$row.a", "variable", "row")],
)
def test_what_a_path_begins_at(text, root, variable):
    path = parse_json_path(text)
    assert (path.root, path.variable) == (root, variable)


def test_the_definite_beginning_and_what_follows_it():
    path = parse_json_path("$.a['b'][-1][*].c")
    assert path.beginning == ("a", "b", -1)
    assert path.rest == "[*].c"


def test_a_path_in_a_longer_text_ends_where_it_ends():
    text = "States.Array($.a['x, )'][?(@.b == ')')], 1)"
    path, end = read_json_path(text, text.index("$"))
    assert path.text == "$.a['x, )'][?(@.b == ')')]"
    assert text[end] == ","


def test_paths_of_other_roots_in_a_filter():
    (_, filter_) = parse_json_path("$.a[?(@.b == $.wanted && @.c == $$.Execution.Id)]").steps
    assert [one.text for one in filter_.outside] == ["$.wanted", "$$.Execution.Id"]


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "$.", "$.a.", "$a.", "$$a", "$.a b", "$[", "$[]", "$['a]", "$[1", "$[1,]", "$[,1]",
        "$.a[?]", "$.a[?(@.b]", "$.a[?@.b == 1]", "$.a[?(@.b) && (@.c)]", "$.a[?(@[0)]]",
        "$[99999999999999999999]", "$.a(", "$.a*", "$...a",
    ],
)  # fmt: skip
def test_what_is_no_path_says_where(text):
    with pytest.raises(MalformedError, match="path"):
        parse_json_path(text)


@given(st.lists(st.sampled_from([*"$.[]()'\"?@,:*/=~ \\-1a&!", "..", "[?(", "@."])).map("".join))
def test_any_text_is_read_or_refused(text):
    try:
        path, end = read_json_path(f"${text}")
    except MalformedError as error:  # never: it begins as a path does
        pytest.fail(str(error))
    assert 0 < end <= len(text) + 1
    assert path.text == f"${text}"[:end]


@given(st.lists(st.one_of(st.integers(0, 10**6), st.text(max_size=20)), max_size=6).map(tuple))
def test_what_the_core_writes_is_read_as_the_core_reads_it(path):
    text = render_path(path)
    assert parse_json_path(text).beginning == parse_path(text) == path


@pytest.mark.parametrize("text", ["$" + "[?(@" * 3_000, "$" + "." * 9_000, "$" + "[0]" * 9_000])
def test_long_texts_without_an_end(text):
    path, _ = read_json_path(text)
    assert len(path.beginning) <= 500


DATA = {"a b": [{"v": 1}, {"v": 2}], "it's": {"x": 3}, "n": {"a:b": 4}, "limit": 1}


@pytest.mark.parametrize(
    ("text", "value", "names"),
    [
        ("$['a b'][-1].v", 2, ("a b", -1, "v")),
        (r"$['it\'s'].x", 3, ("it's", "x")),
        ("$.n.a:b", 4, ("n", "a:b")),
        ("$['a b'][0:1].v", [1], ("a b",)),
        ("$['a b'][*].v", [1, 2], ("a b",)),
    ],
)
def test_the_engine_the_linter_and_the_stubs_read_alike(text, value, names):
    state = {"Type": "Pass", "Parameters": {"found.$": text}, "End": True}
    ran = run({"StartAt": "A", "States": {"A": state}}, input=DATA)
    assert ran.output == {"found": value}
    (reference,) = json_path(text).references
    assert reference.path == names
    assert parsed(text)[0][: len(names)] == names


def test_the_ways_that_a_filter_reads():
    assert parsed("$.a[?(@.b.c > $.limit)]..d") == [
        ("a", WILD, DEEP, "d"),
        ("a", WILD, "b", "c"),
        ("limit",),
    ]
    references = json_path("$.a[?(@.b > $.limit)]").references
    assert [(one.path, one.reads, one.times) for one in references] == [
        (("a",), True, 1),
        (("limit",), True, 0),
    ]
