"""The word for a value's type in a message."""

from __future__ import annotations

import pytest

from statebag import Statebag, Unopened
from statebag.format.json_type import json_type


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("secret", "a string"),
        ({"secret": 1}, "an object"),
        (["secret"], "a list"),
        (b"secret", "a bytes"),
    ],
)
def test_the_type_is_said_and_the_value_never(value, word):
    assert json_type(value) == word


def test_what_was_not_opened_has_the_kind_that_its_stub_says(tmp_path):
    sb = Statebag(str(tmp_path))
    bag = sb.seal({"a": list(range(100_000)), "b": 1}, scope="m/r")
    found = sb.open(bag, only=["$.b"])["a"]

    assert isinstance(found, Unopened)
    assert json_type(found) == "an unopened array"
