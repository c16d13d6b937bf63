"""Items of a JSON array, whatever the cuts between chunks."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag import BlobCorrupt
from statebag.format.json_text import encode
from statebag.opening import json_stream
from statebag.opening.json_stream import array_items, lines, without_mark
from tests.strategies import VALUES


def in_chunks(data, size):
    return (data[start : start + size] for start in range(0, len(data), size))


@settings(deadline=None)
@given(st.lists(VALUES, max_size=8), st.integers(1, 60), st.sampled_from([None, 1]))
def test_every_cut_gives_the_same_items(values, chunks, indent):
    # Escaped and spaced as json writes it, and as msgspec does.
    for data in (json.dumps(values, indent=indent).encode(), encode(values)):
        texts = list(array_items(in_chunks(data, -(-len(data) // chunks)), "x"))
        assert [json.loads(text) for text in texts] == values


@settings(deadline=None)
@given(st.lists(VALUES, max_size=8), st.integers(1, 60))
def test_lines_are_cut_at_line_ends_only(values, chunks):
    data = b"\n".join(map(encode, values)) + b"\n\n"
    assert list(lines(in_chunks(data, -(-len(data) // chunks)), "x")) == list(map(encode, values))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{}",
        b"[",
        b"[1",
        b"[1,",
        b"[1,,2]",
        b"[1,]",
        b"[1}]",
        b"[1] 2",
        b"[1][2]",
        b'["a]',
        b"nul",
        b"[" * 5000,
    ],
)
def test_what_is_no_whole_array_is_an_error(data):
    with pytest.raises(BlobCorrupt):
        list(array_items(in_chunks(data, 3), "x"))


def test_numbers_are_not_cut_short():
    assert list(array_items(in_chunks(b"[123456,-7.25e10]", 2), "x")) == [b"123456", b"-7.25e10"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_items_that_are_no_json_do_not_take_the_others(size):
    odd = [b'"\xff"', b'"\\ud83d"', b"NaN", b"1 2", b'{"a" 1}', b'"\\x"', b"[" * 900 + b"]" * 900]
    odd += [b'"a\nb"', b"1e999", b"nul", b'{"a": "]}\\"\\\\"}', b"[}"[:1] + b"}]"[1:]]
    data = b"[ 1 , " + b" ,\n".join(odd) + b", 2 ]\n"
    assert list(array_items(in_chunks(data, size), "x")) == [b"1", *odd, b"2"]


def test_time_grows_with_the_bytes_of_an_item_alone(monkeypatch):
    text = b'["' + b"\\\\x" * 400_000 + b'",' + b'{"a":"b"},' * 40_000 + b"[" * 90_000
    text += b"]" * 90_000 + b"]"
    searched = []
    found = json_stream._end

    def counted(pattern, buffer, place):
        end = found(pattern, buffer, place)
        searched.append(end - place)
        return end

    monkeypatch.setattr(json_stream, "_end", counted)
    assert len(list(array_items(in_chunks(text, 10_000), "x"))) == 40_002
    assert sum(searched) < 1.1 * len(text)  # and not the whole item again with each chunk


@pytest.mark.parametrize("text", [b"", b"\xef", b"\xef\xbb", b"[1]", b"\xef\xbb\xbf", b"ab"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 99])
def test_a_byte_order_mark_is_left_out_however_it_is_cut(text, size):
    mark = b"\xef\xbb\xbf"
    for whole, expected in ((text, text.removeprefix(mark)), (mark + text, text)):
        chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert b"".join(without_mark(chunks)) == expected
