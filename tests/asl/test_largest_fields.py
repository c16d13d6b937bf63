from __future__ import annotations

import pytest

from statebag.asl.largest_fields import largest_fields


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ([1, 2], []),
        ({}, []),
        ({"a": "x" * 10, "b": "x" * 30}, [("$.b", 32), ("$.a", 12)]),
        ({"a": {"b": {"c": "x" * 50, "d": 1}}, "e": 1}, [("$.a.b.c", 52), ("$.a.b.d", 1)]),
        ({"a": {"b": 1}, "c": ["x" * 40]}, [("$.c", 44), ("$.a", 7)]),
        ({"a": {}}, [("$.a", 2)]),
        ({"a b": "é" * 4}, [("$['a b']", 10)]),
    ],
)
def test_the_largest_first_and_inside_of_what_has_most(value, named):
    assert largest_fields(value) == named


def test_a_few_are_named_however_many_there_are():
    assert len(largest_fields({str(n): n for n in range(100)})) == 3
