"""A PATH of the command line in its two parts."""

import pytest

from statebag import ConfigurationError, InvalidState
from statebag.cli.path_argument import path_argument


@pytest.mark.parametrize(
    ("text", "beginning", "below"),
    [
        ("$", "$", 0),
        ("a.b[0]", "a.b[0]", 0),
        ("$.first name", "$.first name", 0),  # what the core reads, it reads itself
        ("$.a[-1].b", "$.a", 2),
        ("$['a b'][3].c[1:].d", "$['a b'][3].c", 2),
        ("$..a", "$", 2),
        ("$.a[?(@.b == $.c)].d", "$", 3),  # the filter compares with what is elsewhere
        ("$.a[?(@.b == 1)].d", "$.a", 2),
    ],
)
def test_what_the_core_looks_up_and_what_follows(text, beginning, below):
    argument = path_argument(text)
    assert (argument.beginning, len(argument.below)) == (beginning, below)


def test_one_value_or_a_list():
    assert path_argument("$.a[-1].b").of([{"b": 1}, {"b": 2}]) == 2
    assert path_argument("$.a[-1:].b").of([{"b": 1}, {"b": 2}]) == [2]
    assert path_argument("$.a[?(@ > $.b)]").of({"a": [1, 2, 3], "b": 1}) == [2, 3]
    assert path_argument("$.a").of("as it is") == "as it is"


def test_nothing_where_one_value_is_wanted():
    with pytest.raises(InvalidState) as caught:
        path_argument("$.a[-3]").of([1, 2])
    assert caught.value.hint == "At $.a is an array of 2 items."
    assert path_argument("$.a[-3:]").of([1, 2]) == [1, 2]


@pytest.mark.parametrize("text", ["$.a[", "$$.a[-1]", "$name.a[*]", "a[*]", "$.a[?(@.b)"])
def test_what_is_no_path_into_a_state(text):
    with pytest.raises(ConfigurationError, match="not a path"):
        path_argument(text)


def test_a_filter_that_is_not_evaluated_here():
    with pytest.raises(ConfigurationError, match="from its character 5") as caught:
        path_argument("$.a[?(@.b =~ /x/)]").of([{"b": "x"}])
    assert "==" in caught.value.hint
