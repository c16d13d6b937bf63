"""Bytes of another serializer come back exactly, and lists are arrays in between."""

import datetime as dt
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import BlobCorrupt, Statebag
from statebag.format.json_check import check_json
from statebag.integrations.serialized_values import typed_bytes, typed_json
from statebag.store.memory import MemoryStore

encode = msgspec.msgpack.encode
Ext = msgspec.msgpack.Ext

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary(max_size=20)
)
KEYS = st.one_of(st.text(), st.just("@"), st.integers(0, 9), st.booleans(), st.binary(max_size=3))
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.builds(lambda code, one: Ext(code, encode(one)), st.integers(0, 100), inner)
        | st.builds(Ext, st.integers(-128, 127), st.binary(max_size=20))
    ),
    max_leaves=12,
)


@given(VALUES)
def test_bytes_of_messagepack_come_back(value):
    data = encode(value)
    form = typed_json("msgpack", data)
    check_json(form)
    assert typed_bytes(form) == ("msgpack", data)
    sb = Statebag(MemoryStore(), replicas=())
    assert typed_bytes(sb.open(sb.seal({"v": form}, scope="m/e"))["v"]) == ("msgpack", data)


NANS = [0x7FF8000000000000, 0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001]


@pytest.mark.parametrize("bits", [*NANS, 0xFFF0000000000000])
def test_each_nan_comes_back(bits):
    test_bytes_of_messagepack_come_back.hypothesis.inner_test(
        [1.5, struct.unpack("d", struct.pack("Q", bits))[0]]
    )


@given(st.text(max_size=10), st.binary(max_size=200))
def test_any_bytes_of_any_type_come_back(kind, data):
    assert typed_bytes(typed_json(kind, data)) == (kind, data)
    assert typed_bytes(typed_json("msgpack", data)) == ("msgpack", data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xd9\x01a",  # a longer header than is needed
        b"\xca\x3f\x80\x00\x00",  # a float of 32 bits
        b"\x82\xa1a\x01\xa1a\x02",  # a key twice
        b"\xa1\xff",  # not UTF-8
        b"\x91" * 400 + b"\xc0",
        b"\x91" * 100_000 + b"\xc0",
        encode({"a": 1}) + b"\x00",
        encode(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    ],
)
def test_bytes_that_json_would_not_give_back_are_kept_as_they_are(data):
    form = typed_json("msgpack", data)
    assert set(form) == {"type", "data"}
    assert typed_bytes(form) == ("msgpack", data)


def test_a_list_of_objects_is_an_array_of_their_parts():
    message = Ext(5, encode(["module", "Class", {"content": "hello"}, "make"]))
    form = typed_json("msgpack", encode([message, message]))
    assert len(form["value"]) == 2
    assert form["value"][0]["of"][2] == {"content": "hello"}
    assert typed_json("msgpack", encode([message]))["value"][0] == form["value"][0]


def test_data_that_looks_like_a_form_is_data():
    for value in ({"@": "bytes", "of": "AA=="}, {"type": "msgpack", "value": 1}, {"@": {"@": 1}}):
        data = encode(value)
        kind, back = typed_bytes(typed_json("msgpack", data))
        assert (kind, msgspec.msgpack.decode(back)) == ("msgpack", value)


@pytest.mark.parametrize(
    "form",
    [
        None,
        [],
        {},
        {"type": "x"},
        {"type": "x", "data": "*"},
        {"type": "x", "data": 7},
        {"type": "msgpack", "value": {"@": "none", "of": 1}},
        {"type": "msgpack", "value": {"@": 1}},
        {"type": "msgpack", "value": {"@": "map", "of": [[[1], 2]]}},
    ],
)
def test_another_value_is_damage(form):
    with pytest.raises(BlobCorrupt):
        typed_bytes(form)
