"""The time that a store gives to what is written now."""

from datetime import UTC, datetime, timedelta

import pytest

from statebag import ConfigurationError
from statebag.store.memory import MemoryStore
from statebag.upkeep.store_time import store_time


class Late(MemoryStore):
    def head(self, name):
        return None


def test_it_is_the_stores_and_nothing_is_left():
    store = MemoryStore()
    assert abs(datetime.now(UTC) - store_time(store)) < timedelta(minutes=1)
    assert list(store.list()) == []


def test_a_store_that_does_not_find_what_was_written_is_refused():
    with pytest.raises(ConfigurationError, match="right after it was written"):
        store_time(Late())


def test_another_process_that_asks_at_the_same_time_does_no_harm():
    class Shared(MemoryStore):
        """Another process deletes the object just after it was written, twice."""

        left = 2

        def head(self, name):
            if self.left:
                self.left -= 1
                self.delete(name)
            return super().head(name)

    store = Shared()
    assert store_time(store).tzinfo is not None
    assert list(store.list()) == []
