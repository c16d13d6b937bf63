"""Records of heads: what was written comes back, or a typed error."""

import base64
import json
import re
from pathlib import Path

import pytest

from statebag import BlobCorrupt, NotPermitted, UnsupportedFormat
from statebag.format import json_text
from statebag.format.codec import compress, sha256_hex
from statebag.format.head_record import HeadState, VersionRecord, decode_record, encode_record
from statebag.store.encrypted import Keys

VERSION = VersionRecord(
    number=2,
    label="x",
    id="0" * 16,
    written="2026-11-01T00:00:00+00:00",
    reads=("a",),
    note="null",
    bag='{"a": 1}',
)
STATE = HeadState(life="1" * 16, last=2, dropped=((1, 1),), newest=VERSION)


# As the first release with heads wrote it; it stays readable.
WRITTEN = base64.b64decode(
    "U0JBR0gBDQoAAAAAAAAAy4fTuWDdNepUXB1AVs+a3n+4h3Zsl7+30MRHfLoCbM5hKLUv/SDLNQQAYgkcHHA1"
    "zhgdtGn3sp+KVUQcdJ2wqseZoY2aTSkAIE5RdJQB/VAf0LpBJeOMOW1937La0Jul1o0LNCVCJiKTGBSpWG/7"
    "nuKe8bS+lPGAdbaJYm6Tg9OG9tk2IkhiGoa+lmEWt8ZCf41i47m+BYWNqQMMBQcAcAhNubuuHXBtleoooFai"
    "A2A="
)


def test_what_was_written_stays_readable():
    assert decode_record(WRITTEN, "name") == STATE


def test_what_the_page_about_the_format_prints_is_a_head():
    page = (Path(__file__).parents[2] / "docs" / "format.md").read_text("utf-8")
    (printed,) = re.findall(r'```json\n(\{"v": 1, "life".*?)```', page, re.DOTALL)
    state = decode_record(framed(json.loads(printed)), "name")
    assert state.newest.label == "step-2"
    assert state.has_dropped(1)


def framed(body, magic=b"SBAGH\x01\r\n", size=None):
    text = json_text.encode(body)
    length = len(text) if size is None else size
    digest = bytes.fromhex(sha256_hex(text))
    return magic + length.to_bytes(8, "big") + digest + compress(text)


@pytest.mark.parametrize(
    "record", [VERSION, STATE, HeadState(life="2" * 16, last=0, dropped=(), newest=None)]
)
def test_a_record_comes_back(record):
    assert decode_record(encode_record(record), "name") == record
    assert encode_record(record) == encode_record(record)


def test_dropped_numbers():
    state = HeadState(life="1", last=9, dropped=((1, 3), (5, 5)), newest=None)
    assert [state.has_dropped(n) for n in range(1, 7)] == [True, True, True, False, True, False]


@pytest.mark.parametrize("change", [0, 9, 20, 50, -1])
def test_a_changed_byte_is_found(change):
    data = bytearray(encode_record(STATE))
    data[change] ^= 0x40
    with pytest.raises((BlobCorrupt, UnsupportedFormat)) as caught:
        decode_record(bytes(data), "the/object")
    assert caught.value.object_name == "the/object"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SBAGH\x01\r\n",
        encode_record(STATE)[:-3],
        encode_record(STATE) + b"x",
        framed([]),
        framed({"v": 1}),
        framed({"v": 1, "version": {"number": "one"}}),
        framed({"v": 1, "version": 7}),
        framed({"v": 1, "life": "x", "last": 1, "dropped": 7, "newest": None}),
        framed({"v": 1}, size=2**40),
        framed({"v": 1}, size=2**62),
    ],
)
def test_malformed_records_are_damage(data):
    with pytest.raises(BlobCorrupt):
        decode_record(data, "name")


@pytest.mark.parametrize(
    "data",
    [
        framed({"v": 2}),
        framed({"v": 2, "version": 7}),
        framed({"v": True}),
        framed({"v": 1.0}),
        framed({}),
        framed({"v": 1}, b"SBAGH\x02\r\n"),
    ],
)
def test_a_newer_form_is_said_to_be_one(data):
    with pytest.raises(UnsupportedFormat, match="does not know"):
        decode_record(data, "name")


def test_an_encrypted_record_is_not_damage():
    pytest.importorskip("cryptography")
    data = Keys([b"k" * 32]).encrypted("name", encode_record(STATE))
    with pytest.raises(NotPermitted, match="encrypted") as caught:
        decode_record(data, "name")
    assert caught.value.object_name == "name"
    with pytest.raises(UnsupportedFormat):
        decode_record(data[:5] + b"\x09" + data[6:], "name")
