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


def test_an_unknown_function():
    with pytest.raises(MalformedError, match="concat"):
        found("$.books.concat()")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.n.max()", [3.0]),
        ("$.n.min()", [1.0]),
        ("$.n.sum()", [6.0]),
        ("$.n.avg()", [2.0]),
        ("$.n.stddev()", [pytest.approx(0.8165, abs=1e-4)]),
        ("$.n.length()", [3]),
        ("$.n.size()", [3]),
        ("$.n.first()", [1]),
        ("$.n.last()", [3]),
        ("$.o.keys()", [["a", "b"]]),
        ("$.none.first()", []),
        ("$.none.max()", []),
        ("$.o.max()", []),
        ("$.n.keys()", []),
    ],
)
def test_functions_at_the_end_of_a_path(path, value):
    """Of Jayway JsonPath ("Functions")."""
    data = {"n": [1, 2, 3], "o": {"a": 1, "b": 2}, "none": []}
    assert found_values(data, parse_json_path(path).steps) == value


@pytest.mark.parametrize("numbers", [[10**400], [1e308, 1e308], []])
@pytest.mark.parametrize("function", ["sum", "avg", "stddev"])
def test_a_result_that_json_cannot_hold_is_not_found(numbers, function):
    steps = parse_json_path(f"$.{function}()").steps
    assert list(found_values(numbers, steps, numbers)) == []
