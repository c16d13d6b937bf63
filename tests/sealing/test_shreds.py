"""Shreds: parts of long texts, each an array that any JSON reader reads."""

import base64
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag.format.json_text import encode
from statebag.sealing.shreds import shreds_of
from tests.bags import noise

AIM = 4096
LARGEST = 4 * AIM


def text_of(kind, size, seed=1):
    choose = random.Random(seed)
    if kind == "hex":
        return noise(size, seed)
    if kind == "base64":
        return base64.b64encode(choose.randbytes(size)).decode()[:size]
    if kind == "digits":
        return "".join(choose.choices("0123456789", k=size))
    if kind == "two letters":
        return "".join(choose.choices("ab", k=size))
    if kind == "characters":
        return "".join(choose.choices("日本語文字列処理東京大学é😀", k=size // 3))
    if kind == "json":
        rows = [{"id": choose.randrange(10**9), "path": f"a\\b\\{n}"} for n in range(size // 40)]
        return json.dumps(rows)
    return "".join(choose.choices(["word ", "other ", "line\n", "tab\t", '"quoted" '], k=size // 5))


KINDS = ["hex", "base64", "digits", "two letters", "characters", "json", "words"]


def kind_of(value):
    return {list: "array", dict: "object"}.get(type(value))


def shredded(value, aim=AIM):
    found = shreds_of(encode(value), kind_of(value), aim)
    for one in found:
        assert len(json.loads(one.text)) == one.count  # each is JSON
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_strings_shreds_are_its_parts(kind):
    text = text_of(kind, 200_000)
    found = shredded(text)
    assert "".join(json.loads(one.text)[0] for one in found) == text
    assert max(len(one.text) for one in found) <= LARGEST + 200
    assert 8 < len(found) < 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [0, 1000, 100_000])
def test_an_insert_changes_few_shreds_of_a_string(kind, place):
    text = text_of(kind, 200_000)
    place = min(place, len(text) // 2)
    before = {one.text for one in shredded(text)}
    after = {one.text for one in shredded(text[:place] + "inserted" + text[place:])}
    assert len(after - before) <= 3


def test_a_string_without_a_place_to_part_is_one_shred():
    (one,) = shredded("\x01" * 20_000)
    assert json.loads(one.text) == ["\x01" * 20_000]


@pytest.mark.parametrize("text", ["a" * 100_000, " " * 100_000, "abc" * 40_000])
def test_a_string_that_repeats_is_cut_too(text):
    assert "".join(json.loads(one.text)[0] for one in shredded(text)) == text


def rows(count, seed=1):
    return [{"n": n, "text": noise(300, seed * 10_000 + n)} for n in range(count)]


NESTED = {
    "an item of an array": lambda inner: [{"id": 1}, {"id": 2, "inner": inner}, {"id": 3}],
    "a member": lambda inner: {"a": 1, 'key with "quotes":\\': inner, "z": [2]},
    "far below": lambda inner: {"a": {"b": [[{"c": {"d": inner}}]]}},
    "a string in an array": lambda inner: [1, encode(inner).decode(), 2],
}


@pytest.mark.parametrize("where", NESTED)
def test_a_large_value_inside_an_item_is_cut_by_itself(where):
    value = rows(600)
    before = shredded(NESTED[where](value))
    assert sum(len(one.text) for one in before) > 0.95 * len(encode(value))
    value[300] = "edited"
    value.append("one more")
    after = shredded(NESTED[where](value))
    changed = {one.text for one in after} - {one.text for one in before}
    assert len(changed) <= 3


def test_members_of_a_large_object_inside_an_item_are_cut_in_runs():
    value = {f"key {n}": one for n, one in enumerate(rows(600))}
    found = shredded([value, 1])
    assert all(one.count == 1 for one in found)
    assert {key for one in found for key in json.loads(one.text)[0]} == set(value)


def test_what_nests_deeper_than_is_cut_is_one_shred():
    value = rows(100)
    for _ in range(40):
        value = [value]
    (one,) = shredded(value)
    assert len(one.text) > 30_000


@pytest.mark.parametrize("value", [17, True, None, [], {}, "short", [1, 2], {"a": 1}])
def test_small_values_have_no_shreds_or_one(value):
    assert len(shredded(value)) <= 1


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.integers(1, 60), st.integers(1024, 4096))
def test_any_string_is_the_sum_of_its_shreds(text, times, aim):
    whole = text * times
    assert "".join(json.loads(one.text)[0] for one in shredded(whole, aim)) == whole
