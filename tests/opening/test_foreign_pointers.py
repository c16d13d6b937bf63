"""Pointers that are not stubs are followed by a reader that the core is given."""

import pytest

from statebag import ConfigurationError, Policy, Statebag
from statebag.opening import foreign_pointers
from statebag.opening.foreign_pointers import give_reader, pointer_reader
from statebag.store.memory import MemoryStore


@pytest.fixture
def given():
    before = foreign_pointers._given.copy()
    yield foreign_pointers._given
    foreign_pointers._given[:] = before


class Reader:
    def __init__(self, store, policy, scope=None, *, foreign_is_data=False):
        self.made_with = store, policy, scope, foreign_is_data

    def resolve(self, value, path=()):
        return {**value, "followed": list(path)}


def test_what_is_given_follows_them_where_the_caller_says_so(given):
    give_reader(lambda: Reader)
    sb = Statebag(MemoryStore())
    assert sb.open({"a": 1}, legacy=True) == {"a": 1, "followed": []}
    assert sb.open({"a": 1}) == {"a": 1}
    store, policy = MemoryStore(), Policy()
    made = pointer_reader(store, policy, "m/r", foreign_is_data=True)
    assert made.made_with == (store, policy, "m/r", True)


def test_without_a_reader_the_caller_is_told(given):
    given.clear()
    with pytest.raises(ConfigurationError) as refused:
        Statebag(MemoryStore()).open({}, legacy=True)
    assert refused.value.hint == "Import statebag before its rooms, or open with legacy=False."
    assert Statebag(MemoryStore()).open({}, legacy=False) == {}
