"""The program that edits a large table in random places."""

import pytest
from benchmarks.scattered import KINDS, scattered


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_table_is_measured_step_by_step(kind):
    found, change = scattered(kind, 2000, 8)
    gets, puts, written = found.mean()
    assert 0 <= puts <= 1
    assert (written > 0) == (puts > 0)
    assert gets <= 5
    assert found.last_open <= 5
    assert 50 < change < 5000
