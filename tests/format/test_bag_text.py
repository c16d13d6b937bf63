"""Which text is a bag's, and which only looks like it."""

import json

import pytest

from statebag import Statebag
from statebag.errors import InvalidState, LimitExceeded
from statebag.format import bag_text
from statebag.format.bag_text import (
    JSON_MARKS,
    LEVELS,
    as_bag,
    as_bags,
    bag_texts,
    is_bag_text,
    is_broken_text,
)
from tests.bags import noise

BAG = Statebag("memory://bag-text").seal({"text": noise(40_000, 1)}, scope="machine/run")
TEXT = json.dumps(BAG)


def test_text_of_text_is_a_bags_up_to_some_levels():
    text = TEXT
    for _ in range(LEVELS):
        assert is_bag_text(text)
        text = json.dumps(text)
    assert not is_bag_text(text)


def test_a_bags_text_that_was_cut_is_broken_and_plain_text_is_not():
    assert is_broken_text(TEXT[:-5])
    assert is_bag_text(TEXT[:-5])
    assert not is_broken_text(TEXT)
    assert not is_bag_text("__statebag__")
    assert not is_bag_text('{"a": 1}')


def test_strings_are_found_with_their_paths_and_stubs_are_not_looked_into():
    value = {"a": ["x", TEXT], "b": {"__statebag__": {"text": TEXT}}, "c": "plain"}
    assert [(path, is_name) for _, path, is_name in bag_texts(value)] == [(("a", 1), False)]
    assert any(mark in json.dumps(value).encode() for mark in JSON_MARKS)
    assert not any(mark in b'{"__statebag__":{"v":1}}' for mark in JSON_MARKS)


def test_bytes_are_text_and_a_str_is_text_only_with_a_stub():
    assert as_bag(TEXT) == as_bag(TEXT.encode()) == BAG
    assert as_bag(json.dumps(TEXT)) == BAG
    assert as_bag('{"a": 1}') == '{"a": 1}'
    assert as_bag(b'{"a": 1}') == {"a": 1}
    assert as_bag(BAG) is BAG
    with pytest.raises(InvalidState, match=r"the text of the bag \(3 bytes\) is not JSON"):
        as_bag(b"{a}")


def test_a_bag_whose_other_fields_hold_no_bags_text_is_not_walked(monkeypatch):
    monkeypatch.setattr(bag_text, "_members", lambda _: pytest.fail("it was walked"))
    stub = {"__statebag__": {"v": 1, "text": TEXT}, "beside": "plain", "in": [{"x": 1}]}
    assert list(bag_texts({"a": stub, "b": [stub, {"c": stub}]})) == []
    assert list(bag_texts(BAG)) == []


def test_a_bags_text_next_to_a_stub_is_found():
    stub = {"__statebag__": {"v": 1}, "beside": [TEXT], TEXT: 1}
    value = {"a": [stub]}
    assert list(bag_texts(value)) == [
        (TEXT, ("a", 0), True),
        (TEXT, ("a", 0, "beside", 0), False),
    ]


def with_shared_parts(levels):
    """A value that stands for 1,000 times as many values at each of so many levels."""
    value = "x"
    for _ in range(levels):
        value = [value] * 1000
    return value


def test_several_values_are_taken_as_each_by_itself_is():
    values = [BAG, [1, BAG], {}]
    assert as_bags(values) is values
    assert as_bags([TEXT, BAG, "text", TEXT.encode(), 7]) == [BAG, BAG, "text", BAG, 7]
    many = [with_shared_parts(2) for _ in range(6)]  # more than 4,000,000 values together
    with pytest.raises(LimitExceeded):
        as_bag(many)
    assert as_bags(many) == many
    with pytest.raises(LimitExceeded):
        as_bags([BAG, with_shared_parts(3)])
    with pytest.raises(InvalidState):
        as_bags([BAG, b"{a}"])
