"""Ranges of dropped numbers, and what retention drops."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import ConfigurationError
from statebag.store.memory import MemoryStore
from statebag.versions.dropping import VersionName, over, with_dropped
from tests.versions.threads import grown, head_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@given(st.lists(st.sets(st.integers(1, 40))))
def test_ranges_hold_exactly_the_numbers_and_never_touch(steps):
    ranges, numbers = (), set()
    for step in steps:
        ranges, numbers = with_dropped(ranges, step), numbers | step
        assert {n for first, last in ranges for n in range(first, last + 1)} == numbers
        assert all(one[1] + 1 < two[0] for one, two in pairwise(ranges))


def names(*hours):
    """Versions that were superseded so many hours ago, and the newest."""
    old = [VersionName(n, "", NOW - timedelta(hours=hour)) for n, hour in enumerate(hours, start=1)]
    return [*old, VersionName(len(old) + 1, "")]


def test_a_version_stays_for_its_place_or_for_its_age():
    four = names(9, 5, 2)
    assert over(four, NOW, keep=2, younger=None) == [2, 1]
    assert over(four, NOW, keep=None, younger=timedelta(hours=3)) == [2, 1]
    assert over(four, NOW, keep=1, younger=timedelta(hours=6)) == [1]
    assert over(four, NOW, keep=3, younger=timedelta(hours=3)) == [1]
    assert over(four, NOW, keep=None, younger=timedelta(0)) == [3, 2, 1]
    assert over([], NOW, keep=1, younger=None) == []


@pytest.mark.parametrize("keep", [0, -1, True, 1.5, "3"])
def test_a_wrong_number_is_refused(keep):
    with pytest.raises(ConfigurationError, match="at least 1"):
        over(names(1), NOW, keep=keep, younger=None)


def test_without_a_rule_nothing_is_dropped():
    with pytest.raises(ConfigurationError, match="nothing says which versions to keep"):
        over(names(1), NOW, keep=None, younger=None)


@pytest.mark.parametrize("numbers", [[True], [1.0], [2.0], ["1"], None, 5, "12", [[1]]])
def test_what_is_no_list_of_numbers_is_refused_before_a_write(numbers):
    head = head_of(MemoryStore())
    grown(head, 3)
    with pytest.raises(ConfigurationError, match="versions must be given as a list of int"):
        head.drop(numbers)
    assert [one.number for one in head.versions()] == [3, 2, 1]
    head.drop([head.versions()[-1].number])
    assert [one.number for one in head.versions()] == [3, 2]
