"""The conditions of filters."""

import pytest

from statebag.asl.json_paths import MalformedError, parse_json_path
from statebag.asl.path_values import found_values
from tests.asl.test_path_values import found


def titles(condition):
    return [book["title"] for book in found(f"$.books[?({condition})]")]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("@.isbn", ["B", "it's"]),
        ("!@.isbn", ["A"]),
        ("!!@.isbn", ["B", "it's"]),
        ("@.price < 8.95", ["it's"]),
        ("@.price <= 8.95", ["A", "it's"]),
        ("8.95 < @.price", ["B"]),
        ("@.price < $.limit && @.isbn", ["it's"]),
        ("@.price > 12 || @.title == 'A'", ["A", "B"]),
        ("@.sold == true", ["B"]),
        ("@.sold != true", ["A", "it's"]),
        ("@.sold == null", []),
        ("(@.isbn || @.price > 8.9) && !(@.sold == false)", ["A", "B"]),
        (r"@.title == 'it\'s'", ["it's"]),
        ('@.title == "it\'s"', ["it's"]),
        ("@.title > 'B'", ["it's"]),
        ("@.title > 1", []),
        ("@['price'] == 8.0", ["it's"]),
        ("@.tags[*] == 1", []),
        (
            "@.tags[?(@ == 'x')]",
            ["A", "B", "it's"],
        ),  # an indefinite path gives a list, and is there
        ("@.gone == @.missing", ["A", "B", "it's"]),
        ("1 == 1", ["A", "B", "it's"]),
    ],
)
def test_conditions(condition, expected):
    assert titles(condition) == expected


def test_values_are_equal_as_json_is():
    assert found("$.truth[?(@ == 1)]") == [1]
    assert found("$.truth[?(@ == true)]") == [True]
    assert found("$.truth[?(@ == '1')]") == ["1"]
    assert found("$.truth[?(@ == null)]") == [None]


@pytest.mark.parametrize(
    "condition",
    [
        "", "@.a =~ /x/", "@.a ==", "@.a == 01", "@.a && ", "@.a @.b",
    ],
)  # fmt: skip
def test_what_is_not_evaluated_here(condition):
    with pytest.raises(MalformedError, match="from its character"):
        titles(condition)


ROWS = [
    {"n": 1, "s": "x", "tags": ["a", "b"]},
    {"n": 2, "s": "y", "tags": []},
    {"n": 3, "a-b": 5},
]


def kept(condition):
    path = parse_json_path(f"$[?({condition})].n")
    return found_values(ROWS, path.steps, {"most": 2})


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        ("@.n>1", [2, 3]),
        ("@.n>=2&&@.n<=2", [2]),
        ("@.n<2||@.n>2", [1, 3]),
        ("@.n==2", [2]),
        ("@.n!=2", [1, 3]),
        ("2<@.n", [3]),
        ("@.n>$.most", [3]),
        ("!@.s", [3]),
        ("(@.n>1)&&!(@.s)", [3]),
        ("@.a-b==5", [3]),
        ("@['a-b']==5", [3]),
        ("@.tags[0]=='a'", [1]),
        ("@.tags.length()==2", [1]),
        ("@.tags[?(@=='b')]", [1, 2]),
    ],
)
def test_operators_need_no_spaces(condition, numbers):
    """In a filter a path ends at an operator (Jayway JsonPath)."""
    if "?" in condition:
        numbers = [1, 2, 3]  # an indefinite path gives a list, which exists
    assert kept(condition) == numbers


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        ("@.n in [1,3]", [1, 3]),
        ("@.s in ['x', \"z\"]", [1]),
        ("@.n in []", []),
        ("@.n nin [1]", [2, 3]),
        ("@.n IN [2]", [2]),
        ("@.tags contains 'b'", [1]),
        ("@.s contains 'y'", [2]),
        ("@.s size 1", [1, 2]),
        ("@.tags size 0", [2]),
        ("@.tags empty true", [2]),
        ("@.tags empty false", [1]),
        ("@.tags subsetof ['a','b','c']", [1, 2]),
        ("@.tags anyof ['b','z']", [1]),
        ("@.tags noneof ['b']", [2]),
        ("@.n in [true]", []),
    ],
)
def test_operators_with_names(condition, numbers):
    """Of Jayway JsonPath, whose paths Step Functions takes."""
    assert kept(condition) == numbers


def test_lint_sees_the_fields_that_a_filter_without_spaces_reads():
    (step,) = parse_json_path("$[?(@.n>1&&@.s=='x'||$.most>@.o.k)]").steps
    assert step.reads == (("n",), ("s",), ("o", "k"))
    assert [path.steps for path in step.outside] == [("most",)]


@pytest.mark.parametrize("condition", ["@.n in [1", "@.n in [1 2]", "@.n in", "@.n>", "@.n ~ 1"])
def test_half_a_condition_is_not_guessed(condition):
    with pytest.raises(MalformedError):
        found_values(ROWS, parse_json_path(f"$[?({condition})]").steps, {})
