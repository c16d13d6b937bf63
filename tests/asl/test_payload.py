from __future__ import annotations

import pytest

from statebag.asl.payload import payload_size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"a": [1, 2]}, len('{"a":[1,2]}')),
        ("é", 4),
        ("😀", 6),
        ("\n", 4),
        ("\ud800", 5),
        (None, 4),
        (2**80, 25),
    ],
)
def test_bytes_are_those_of_compact_utf8_text(value, size):
    assert payload_size(value) == size
