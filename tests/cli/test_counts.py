"""Tests for a count with its noun."""

from __future__ import annotations

import pytest

from statebag.cli.counts import counted


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 objects"), (1, "1 object"), (2, "2 objects"), (2000, "2,000 objects")],
)
def test_a_noun_is_in_the_plural_unless_there_is_one(count: int, text: str) -> None:
    assert counted(count, "object") == text
