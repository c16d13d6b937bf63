import enum
import json
import sys
from collections import OrderedDict, defaultdict

import pytest
from hypothesis import given

from statebag import BlobCorrupt, InvalidState
from statebag.format.json_check import check_json
from statebag.format.json_text import (
    count_items,
    decode,
    encode,
    engine_may_change,
    join_items,
    join_texts,
    nests_deeper,
    split_items,
    wire_size,
)
from tests.strategies import VALUES


class Colour(enum.StrEnum):
    RED = "red"


def nested(levels, kind=list):
    value = kind()
    for _ in range(levels - 1):
        value = [value] if kind is list else {"a": value}
    return value


@given(VALUES)
def test_text_is_what_the_standard_library_reads_and_comes_back(value):
    check_json(value)
    text = encode(value)
    assert json.loads(text) == value
    assert encode(decode(text)) == text


@given(VALUES)
def test_the_size_in_a_payload_is_the_larger_of_two_forms(value):
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    assert wire_size(value) >= len(json.dumps(value))
    assert wire_size(value) == max(len(encode(value)), len(json.dumps(value)))
    # Floats apart, which two serializers print differently, the text is the compact one.
    if b"." not in compact and b"e" not in compact:
        assert encode(value) == compact


def test_digits_at_the_limit():
    # The reader takes 4,300 characters, of which the sign is one.
    ends = [10**4300 - 1, -(10**4299) + 1]
    check_json(ends)
    assert decode(encode(ends)) == ends
    for beyond in (10**4300, -(10**4299)):
        with pytest.raises(InvalidState):
            check_json([beyond])
    for text in (b"1" + b"0" * 4300, b"-1" + b"0" * 4299):
        with pytest.raises(BlobCorrupt):
            decode(text)


def test_subclasses_of_dict_and_list_and_string_keys_are_taken_as_what_they_are():
    class Items(list):
        pass

    value = OrderedDict(b=1, a=defaultdict(list, c=Items([1])))
    value[Colour.RED] = 2
    check_json(value)
    assert encode(value) == b'{"b":1,"a":{"c":[1]},"red":2}'


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"nul",
        b"[1,]",
        b"NaN",
        b"[1e400]",
        b'"\xff"',
        b'"\\ud800"',
        b"\xef\xbb\xbf{}",
        b"{}{}",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_text_that_is_refused(text):
    with pytest.raises(BlobCorrupt) as caught:
        decode(text, "machine/run/x.pack")
    assert caught.value.object_name == "machine/run/x.pack"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**53 - 1, False),
        (2**53, False),
        (2**53 + 1, True),
        (-(2**53), False),
        (-(2**53) - 1, True),
        (10**40, True),
        (9007199254740992.0, False),
        (9007199254740994.0, True),
        (1e16, True),
        (1e300, True),
        (5e-324, False),
        (-0.0, True),
        (0.0, False),
        (-0.5, False),
        (0, False),
        (True, False),
        ("-0", False),
        ("9" * 40, False),
    ],
)
def test_numbers_that_an_engine_may_change(value, expected):
    for holder in (value, [value], {"a": {"b": [0, value]}}):
        assert engine_may_change(holder, encode(holder)) is expected


@given(VALUES)
def test_items_that_are_split_and_joined_are_the_text(value):
    for holder, kind in (([value, 1, value], "array"), ({"a": value, "": 1, '"': 2}, "object")):
        text = encode(holder)
        items = split_items(text, kind)
        assert len(items) == count_items(text, kind) == 3
        assert join_items(items, kind) == text
        assert join_texts([join_items(items[:1], kind), join_items(items[1:], kind)], kind) == text


@pytest.mark.parametrize("kind", ["array", "object"])
def test_no_item_and_one_item_are_joined_too(kind):
    assert join_items([], kind) == join_texts([], kind) == encode([] if kind == "array" else {})
    one = encode([1] if kind == "array" else {"a": 1})
    assert join_items([one[1:-1]], kind) == join_texts([one], kind) == one


def test_levels_are_counted():
    for levels in (1, 2, 100, 101):
        value = nested(levels)
        assert nests_deeper(value, encode(value), 100) is (levels > 100)
    wide = [[] for _ in range(1000)]
    assert not nests_deeper(wide, encode(wide), 100)
    assert not nests_deeper("[" * 200, encode("[" * 200), 100)


def test_a_raised_recursion_limit_does_not_let_deeper_text_in():
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        for text in (b"[" * 501 + b"]" * 501, b'{"a":' * 600 + b"1" + b"}" * 600, b"[" * 100_000):
            with pytest.raises(BlobCorrupt):
                decode(text)
        assert decode(b"[" * 500 + b"]" * 500) is not None
        for text in ('[[[{"' * 30, "\\" * 7 + '"[' * 9, '\n"\\\n[[', "]" * 600):
            many = [{"text": text, "n": [n]} for n in range(600)]
            assert decode(encode(many)) == many
        for text in (b'"' + b'\\"[' * 300_000, b"[{" * 400 + b'"\\', b'["' * 200_000):
            with pytest.raises(BlobCorrupt):  # strings that never end, in one pass
                decode(text)
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize("size", [100, 501, 20_000, 200_000])
def test_a_string_of_brackets_has_no_levels(size):
    for inside in ("[" * size, "{" * size, '"[' * size):
        text = encode(inside)
        assert decode(text) == decode(memoryview(text)) == inside
    for broken in (b'"a"' + b"[" * size, b'"' + b"[" * size, b'"a",' + b"[" * size):
        with pytest.raises(BlobCorrupt, match="is not JSON"):
            decode(broken)
