"""The program that edits one large value."""

import pytest
from benchmarks.large_values import made, measure
from benchmarks.synthetic import Writer


@pytest.mark.parametrize("kind", ["text", "passages", "lines", "array"])
def test_small_edits_of_a_large_value_write_nothing(kind):
    found = measure(kind, 400_000, 3)
    assert (found["puts"], found["kilobytes"]) == (0, 0)
    assert found["gets"] >= (
        kind in {"text", "array"}
    )  # lines and passages are short enough inline


@pytest.mark.parametrize("kind", ["text", "passages", "lines", "array"])
def test_a_value_has_about_the_wanted_size(kind):
    value = made(kind, 300_000, Writer(1))
    assert 0.8 < len(str(value)) / 300_000 < 1.3
