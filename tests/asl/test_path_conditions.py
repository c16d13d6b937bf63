"""The conditions of filters."""

import pytest

from statebag.asl.json_paths import MalformedError
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
        "", "@.a =~ /x/", "@.a in ['x']", "@.a ==", "@.a == 01", "@.a && ", "@.a @.b",
        "@.a == 1 == 1", "nothing", "$$.Execution", "$name.a", "@.a == ['x']",
    ],
)  # fmt: skip
def test_what_is_not_evaluated_here(condition):
    with pytest.raises(MalformedError, match="from its character"):
        titles(condition)
