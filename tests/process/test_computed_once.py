from pathlib import Path

import pytest

import statebag
from statebag.process.computed_once import computed_once


class Counted:
    times = 0

    @computed_once
    def value(self):
        """What it is."""
        self.times += 1
        return self.times


def test_it_is_computed_once_for_each_object():
    one, two = Counted(), Counted()
    assert [one.value, one.value, two.value] == [1, 1, 1]
    one.__dict__["value"] = 7
    assert one.value == 7


def test_an_error_is_not_kept():
    class Failing:
        @computed_once
        def value(self):
            raise ValueError("no")

    one = Failing()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            _ = one.value


def test_nothing_computes_under_a_lock_that_a_forked_child_would_wait_for():
    """`cached_property` of Python 3.11 holds a lock for the whole class."""
    source = Path(statebag.__file__).parent
    users = [
        path.name for path in source.rglob("*.py") if "@cached_property" in path.read_text("utf-8")
    ]
    assert users == []
