"""The older helpers, used alone as an existing caller would."""

import json
import random

import pytest

from statebag import BlobCorrupt, BlobMissing, InvalidState, NotPermitted
from statebag.default_client import from_environment
from statebag.format.json_text import encode
from statebag.manager.legacy import plain_objects
from statebag.manager.legacy.plain_objects import (
    cached_load_from_s3,
    calculate_payload_size,
    compress_data,
    decompress_data,
    generate_s3_key,
    load_from_s3,
    optimize_current_state,
    optimize_state_history,
    store_to_s3,
)
from statebag.telemetry import usage


@pytest.fixture(autouse=True)
def store(monkeypatch, tmp_path):
    monkeypatch.setenv("STATEBAG_STORE", f"file://{tmp_path}/bucket")
    plain_objects._cache.clear()
    return from_environment().store


def test_an_object_is_plain_json_that_any_client_reads(tmp_path):
    value = {"text": "größer", "n": 2**70, "f": 0.1}
    path = store_to_s3(value, "workflow-state/k/field_0123456789abcdef.json")
    assert path == f"file://{tmp_path}/bucket/workflow-state/k/field_0123456789abcdef.json"
    file = tmp_path / "bucket" / "workflow-state" / "k" / "field_0123456789abcdef.json"
    assert json.loads(file.read_text("utf-8")) == value
    assert load_from_s3(path) == value


def test_a_load_that_fails_is_an_error_and_never_none(store):
    with pytest.raises(BlobMissing):
        load_from_s3(f"{store.url}/nowhere.json")
    with pytest.raises(NotPermitted):
        load_from_s3("s3://another-bucket/key.json")
    with pytest.raises(NotPermitted):
        store_to_s3({}, "../outside.json")
    with pytest.raises(InvalidState):
        store_to_s3({"x": float("nan")}, "nan.json")


def test_the_cache_saves_requests_and_gives_no_alias():
    path = store_to_s3({"list": [1]}, "cached.json")
    first = cached_load_from_s3(path)
    first["list"].append("mine")
    with usage.measured() as cost:
        assert cached_load_from_s3(path) == {"list": [1]}
    assert cost.gets == 0


def test_the_cache_is_bounded_in_items():
    paths = [store_to_s3(n, f"item{n}.json") for n in range(25)]
    for path in paths:
        cached_load_from_s3(path)
    with usage.measured() as cost:
        cached_load_from_s3(paths[-1])
        cached_load_from_s3(paths[0])
    assert cost.gets == 1


def test_what_was_compressed_comes_back_and_what_was_not_comes_back_as_it_is(caplog):
    value = {"a": [1, 1.0, "é"]}
    assert decompress_data(compress_data(value)) == value
    assert compress_data(value) == compress_data(value)
    assert decompress_data({"type": "compressed", "data": compress_data(value)}) == value
    assert decompress_data("plain text") == "plain text"
    assert decompress_data({"plain": 1}) == {"plain": 1}
    assert decompress_data(None) is None
    assert "never compressed" in caplog.text
    assert "plain text" not in caplog.text
    for wrong in ("plain text", 7, compress_data(value)[:-8]):
        with pytest.raises(BlobCorrupt):
            decompress_data(wrong, strict=True)


def test_keys_come_from_the_content_and_stay_below_their_prefix():
    assert generate_s3_key("k", "field", [1]) == generate_s3_key("k", "field", [1])
    assert generate_s3_key("k", "field", [1]) != generate_s3_key("k", "field", [2])
    assert generate_s3_key("k", "field") != generate_s3_key("k", "field")
    for hostile in ("../../x", "a/b", "..", "", "\x00", "x" * 900):
        key = generate_s3_key(hostile, hostile)
        assert key.startswith("workflow-state/")
        assert key.count("/") == 2
        assert ".." not in key.split("/")
    assert generate_s3_key("a/b", "f", 1) != generate_s3_key("a_b", "f", 1)


def test_history_keeps_the_newest_and_archives_chain():
    history, path = optimize_state_history(list(range(60)), "k")
    assert path is not None
    assert history[1:] == list(range(10, 60))
    assert history[0]["entry_count"] == 10
    longer, second = optimize_state_history([*history, *range(60, 80)], "k")
    assert second not in {None, path}
    assert longer[0]["entry_count"] == 30
    assert longer[1:] == list(range(30, 80))
    assert from_environment().open({"state_history": longer}, legacy=True)["state_history"] == list(
        range(80)
    )
    assert optimize_state_history(list(range(50)), "k") == (list(range(50)), None)
    assert optimize_state_history([], "k") == ([], None)


def test_current_state_sheds_fields_and_then_itself():
    noise = random.Random(3).randbytes(40_000).hex()  # no secret
    state, offloaded = optimize_current_state({"big": noise, "small": 1}, "k")
    assert offloaded
    assert state["small"] == 1
    assert state["big"]["type"] == "s3_reference"
    assert load_from_s3(state["big"]["s3_path"]) == noise
    many = {f"f{n}": noise[:25_000] + str(n) for n in range(10)} | {
        "scheduling_metadata": {"total_batches": 3, "priority": "high", "x": ["y"] * 999},
        "guardrail_verified": True,
    }
    whole, offloaded = optimize_current_state(many, "k")
    assert offloaded
    assert whole["__s3_offloaded"] is True
    assert whole["guardrail_verified"] is True
    assert whole["scheduling_summary"] == {"total_batches": 3, "priority": "high"}
    assert len(encode(whole)) < 1024
    opened = from_environment().open({"current_state": whole}, legacy=True)
    assert opened == {"current_state": many}


def test_payload_size_counts_utf8_bytes():
    assert calculate_payload_size("é" * 1023) == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("odd", [None, 0, 1.5, True, b"x", (1,)])
def test_arguments_of_another_kind_are_told(odd):
    for call in (
        lambda: load_from_s3(odd),
        lambda: cached_load_from_s3(odd),
        lambda: store_to_s3({}, odd),
        lambda: generate_s3_key(odd, "x"),
        lambda: generate_s3_key("x", odd),
        lambda: optimize_state_history(odd, "x"),
        lambda: optimize_state_history([], odd),
        lambda: optimize_current_state(odd, "x"),
        lambda: optimize_current_state({}, odd),
    ):
        with pytest.raises(InvalidState, match="must be"):
            call()
