"""What paths find in a value: as Jayway JsonPath documents it."""

import pytest

from statebag.asl.json_paths import MalformedError, parse_json_path
from statebag.asl.path_values import found_values

BOOKS = [
    {"title": "A", "price": 8.95, "tags": ["x"]},
    {"title": "B", "price": 12.99, "isbn": "1", "sold": True},
    {"title": "it's", "price": 8, "isbn": "2", "sold": False, "tags": []},
]
DATA = {"books": BOOKS, "limit": 10, "one": {"n": 1}, "truth": [1, True, "1", None]}


def found(text):
    return found_values(DATA, parse_json_path(text).steps, DATA)


def titles(condition):
    return [book["title"] for book in found(f"$.books[?({condition})]")]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("$.limit", [10]),
        ("$.gone", []),
        ("$.books[-1].title", ["it's"]),
        ("$.books[-4]", []),
        ("$.books[*].price", [8.95, 12.99, 8]),
        ("$.books[1:].title", ["B", "it's"]),
        ("$.books[:-1].title", ["A", "B"]),
        ("$.books[::2].title", ["A", "it's"]),
        ("$.books[0,2].title", ["A", "it's"]),
        ("$.books[0]['price','title']", [8.95, "A"]),
        ("$.one.*", [1]),
        ("$.limit[*]", []),
        ("$.limit[0:1]", []),
        ("$.books[0:1:0]", []),
        ("$..isbn", ["1", "2"]),
        ("$..tags[0]", ["x"]),
        ("$.books.length()", [3]),
        ("$.one[?(@.n == 1)].n", [1]),
    ],
)
def test_each_kind_of_step(text, values):
    assert found(text) == values


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


def test_an_unknown_function():
    with pytest.raises(MalformedError, match="avg"):
        found("$.books.avg()")
