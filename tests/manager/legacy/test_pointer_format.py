"""The forms of legacy pointers: made, recognized, and bounded when they are read."""

import json

import pytest

from statebag.errors import BlobCorrupt, LimitExceeded
from statebag.manager.legacy.pointer_format import (
    as_pointer,
    compress_text,
    decode_checked,
    decompress_text,
    field_pointer,
    history_pointer,
    id_part,
    is_pointer,
    object_key,
    whole_pointer,
)

PLACE = "s3://bucket/workflow-state/k/a.json"
TEXT = b'{"n":1}'


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (field_pointer(PLACE, TEXT), "field"),
        (history_pointer(PLACE, TEXT, 3), "history"),
        (whole_pointer(PLACE, TEXT, {}), "whole"),
    ],
)
def test_each_form_is_recognized_with_its_digest(wire, kind):
    pointer = as_pointer(json.loads(json.dumps(wire)))
    assert (pointer.kind, pointer.s3_path) == (kind, PLACE)
    assert is_pointer(wire)
    assert decode_checked(TEXT, pointer, "name") == {"n": 1}
    with pytest.raises(BlobCorrupt, match="SHA-256"):
        decode_checked(b'{"n":2}', pointer, "name")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "s3://bucket/a",
        {"type": "s3_reference"},
        {"type": "s3_reference", "s3_path": 1},
        {"__s3_offloaded": 1, "__s3_path": PLACE},
        {"__s3_offloaded": True},
        {"type": "compressed", "data": {}},
    ],
)
def test_data_is_no_pointer(value):
    assert as_pointer(value) is None


def test_a_pointer_to_a_whole_state_is_small_whatever_the_state_holds():
    state = {"guardrail_verified": True, "batch_count_actual": 10**30, "other": "x" * 9999}
    wire = whole_pointer(PLACE, TEXT, state)
    assert wire["guardrail_verified"] is True
    assert wire["batch_count_actual"] == 1
    assert len(json.dumps(wire)) < 1024


def test_compressed_text_is_repeatable_and_bounded():
    text = compress_text(b"a" * 10_000)
    assert text == compress_text(b"a" * 10_000)
    assert decompress_text(text, 10_000) == b"a" * 10_000
    with pytest.raises(LimitExceeded, match="more than 9999 bytes"):
        decompress_text(text, 9_999)


@pytest.mark.parametrize("data", ["*", "AAAA", compress_text(b"abc")[:-8], None, 1])
def test_data_that_is_not_compressed_text(data):
    with pytest.raises(BlobCorrupt):
        decompress_text(data, 1000)


def test_a_key_is_one_safe_part_and_stays_apart_from_others():
    assert object_key("order-1", "state", TEXT).startswith("workflow-state/order-1/state_")
    parts = [id_part(text) for text in ("..", "a/b", "a_b", "x" * 200, "x" * 201, "\ud800")]
    assert len(set(parts)) == len(parts)
    assert not any("/" in part or part.strip(".") == "" for part in parts)
