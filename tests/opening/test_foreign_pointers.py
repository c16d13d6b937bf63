"""Pointers that are not stubs are followed by a reader that the core is given."""

import pytest

from statebag import ConfigurationError, Policy, Statebag
from statebag.format.stub import KEY
from statebag.opening import foreign_pointers
from statebag.opening.foreign_pointers import (
    give_reader,
    pointer_places,
    pointer_reader,
    put_at,
    siblings_of,
    split_at,
)
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


POINTER = {"type": "s3_reference", "s3_path": "s3://b/k"}
REST = {KEY: {"v": 1, "rest": True, "beside": ["a"]}}


@pytest.mark.parametrize(
    ("event", "state_at", "places"),
    [
        (POINTER, (), [()]),
        ({"a": POINTER, "b": [POINTER, POINTER]}, (), [("a",), ("b", 0)]),
        ({"a": {"b": {"c": POINTER}}}, (), [("a", "b", "c")]),
        ({"a": {"b": {"c": {"d": POINTER}}}}, (), []),
        ({"a": {"b": {"c": {"d": POINTER}}}}, ("a",), [("a", "b", "c", "d")]),
        ({"s": [{"a": POINTER}], "e": POINTER}, ("s", 0), [("s", 0, "a"), ("e",)]),
        ({"s": [[POINTER]]}, ("s", 0), [("s", 0, 0)]),
        ({**REST, "a": POINTER}, (), [("a",)]),
        ({KEY: {"v": 1}, "a": POINTER}, (), []),
        ({"a": {KEY: {"v": 1, "escaped": POINTER}}}, (), []),
        ("text", (), []),
        ({"a": "text"}, ("a", 0, "b"), []),
    ],
)
def test_pointers_are_found_where_a_reader_would_follow_them(event, state_at, places):
    assert list(pointer_places(event, state_at)) == places


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({"a": {"b": [1, {"c": 2}]}, "d": 3}, ("a", "b", 1)),
        ({"a": None}, ("a",)),
        ([[1], 2], (0, 0)),
        ({"a": 1}, ()),
    ],
)
def test_an_event_is_taken_apart_and_put_together_again(event, path):
    text = repr(event)
    rest, state = split_at(event, path)
    assert put_at(rest, path, state) == event
    assert put_at(event, path, "new") != event
    assert repr(event) == text, "the event was changed"


@pytest.mark.parametrize("path", [("x",), ("a", "x"), ("l", 2), ("l", -3), ("l", "0"), ("t", 0)])
def test_what_is_not_there_is_not_made(path):
    event = {"a": {}, "l": [1, 2], "t": "text"}
    assert split_at(event, path) == (event, None)
    assert put_at(event, path, 1) == event


def test_only_the_stub_of_a_rest_has_fields_next_to_it():
    assert siblings_of({**REST, "a": 1}) == {"a": 1}
    for value in ({KEY: {"v": 1}, "a": 1}, {KEY: 5, "a": 1}, [1], None, "text"):
        assert siblings_of(value) == {}
    assert siblings_of({"a": 1}) == {"a": 1}
