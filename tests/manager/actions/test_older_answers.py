"""Values beside the state under wire version 0: a reader that knows no stubs finds all of them."""

import gzip
import json
from base64 import b64encode

import pytest

import statebag
from statebag import InvalidState
from statebag.default_client import from_environment
from statebag.format.json_text import wire_size
from statebag.format.stub import KEY
from statebag.state_data_manager import lambda_handler, load_from_s3
from statebag.testing.process import forget
from tests.manager.actions.calls import START, call, filler


@pytest.fixture(autouse=True)
def _writes_older(monkeypatch):
    monkeypatch.setenv("STATEBAG_WIRE", "0")
    forget()


def as_before(value, levels=2):
    """What a reader of the first version makes of a value: it follows pointers, and no stubs."""
    assert KEY not in json.dumps(value)
    if not isinstance(value, dict):
        return value
    if value.get("__s3_offloaded"):
        return as_before(load_from_s3(value["__s3_path"]), levels)
    if value.get("type") == "s3_reference":
        return load_from_s3(value["s3_path"])
    return {name: as_before(one, levels - 1) if levels else one for name, one in value.items()}


@statebag.step
def seen(event, context):
    """A step of this library: what it is given."""
    forget()
    return {"is": event["it"]}


def through_a_step(value):
    forget()
    event = {"execution_id": START["execution_id"], "idempotency_key": "order-1", "it": value}
    sb = from_environment()
    return sb.open(seen(event, None), scope="machine/run")["is"]


BRANCHES = [
    {"branch_id": "a", "nodes": ["n"], "small": {"x": [1]}},
    {"branch_id": "b", "partition_map": [filler(9_000, n) for n in range(20)], "order": 2},
    {"branch_id": "c", **{f"k{n}": filler(400, n) for n in range(600)}},
    {"branch_id": "d", "nodes": [{"text": filler(300_000)}], "more": filler(300_000, 1)},
]


@pytest.mark.parametrize("index", range(len(BRANCHES)))
def test_a_branch(index):
    forked = call("sync", state_data=START, execution_result={"branches": BRANCHES})["state_data"]
    pointer = forked["pending_branches"][index]
    config = call("hydrate_branch", branch_pointer=pointer, state_data=forked)["branch_config"]
    assert as_before(config) == BRANCHES[index]
    assert through_a_step(config) == BRANCHES[index]
    if index != 2:  # with 600 fields it leaves as a whole
        assert config["branch_id"] == BRANCHES[index]["branch_id"]


def test_a_small_part_of_a_branch_stays_for_routers():
    forked = call("sync", state_data=START, execution_result={"branches": BRANCHES})["state_data"]
    pointer = forked["pending_branches"][1]
    config = call("hydrate_branch", branch_pointer=pointer, state_data=forked)["branch_config"]
    assert (config["branch_id"], config["order"]) == ("b", 2)
    assert config["partition_map"]["type"] == "s3_reference"


@pytest.mark.parametrize(
    "config",
    [
        *({"prompt": "short"}, {"prompt": filler(300_000), "model": "m"}, filler(300_000)),
        *([filler(9_000, n) for n in range(30)], None, 7),
    ],
    ids=["small", "field", "text", "list", "null", "number"],
)
def test_a_segment(config):
    segment = {"segment_id": "s-1", "execution_order": 3, "segment_config": config}
    state = {**START, "segments": [{"segment_id": "s-0"}, segment]}
    pointer = {"segment_index": 1, "segment_id": "s-1", "total_segments": 2}
    answer = call("hydrate_segment", segment_pointer=pointer, state_data=state)
    assert as_before(answer["segment_config"]) == config
    assert through_a_step(answer["segment_config"]) == config
    assert (answer["segment_id"], answer["execution_order"]) == ("s-1", 3)


@pytest.mark.parametrize("size", [10, 20_000])
def test_failed_chunks(size):
    chunks = [{"execution_order": n, "status": "FAILED", "t": filler(size, n)} for n in range(9)]
    answer = call("aggregate_distributed", state_data=START, distributed_results=chunks)
    assert as_before(answer["failed_chunks"]) == chunks[:5]
    assert through_a_step(answer["failed_chunks"]) == chunks[:5]
    assert isinstance(answer["failed_chunks"], list) == (size == 10)


def test_a_failed_chunk_that_was_given_a_bag(monkeypatch):
    """The bag in it is data: nobody follows what stands in a record."""
    monkeypatch.setenv("STATEBAG_WIRE", "1")
    forget()
    state = {**START, "doc": filler(300_000)}
    bag = call("update_and_compress", state_data=state)
    assert KEY in json.dumps(bag)
    monkeypatch.setenv("STATEBAG_WIRE", "0")
    forget()
    chunks = [{"status": "FAILED", "input": {"state_data": bag}, "n": n} for n in range(3)]
    answer = call("aggregate_distributed", state_data=START, distributed_results=chunks)
    found = as_before(answer["failed_chunks"])
    assert [one["n"] for one in found] == [0, 1, 2]
    assert found[0]["input"]["state_data"]["doc"] == state["doc"]


@pytest.mark.parametrize(
    "value",
    [
        *({"n": 1}, [1, None], "text", None, 1.5, {"text": filler(400_000), "n": 1}),
        *(filler(400_000), [filler(400_000)]),
    ],
    ids=["object", "list", "text", "null", "number", "large field", "large text", "large list"],
)
def test_what_was_compressed(value):
    packed = b64encode(gzip.compress(json.dumps(value).encode())).decode()
    answer = call("decompress", compressed_data=packed, execution_id=START["execution_id"])
    assert as_before(answer) == value
    assert through_a_step(answer) == value


LOOKALIKES = {
    "stub": {KEY: {"v": 1, "escaped": {"a": 1}}},
    "reserved key": {KEY: 7, "a": [1]},
    "pointer": {"type": "s3_reference", "s3_path": "memory://never/x.json", "size_kb": 1},
    "whole": {"__s3_offloaded": True, "__s3_path": "memory://never/x.json"},
    "history": {"type": "history_archive", "s3_path": "memory://never/x.json"},
}


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("kind", LOOKALIKES)
def test_data_that_looks_like_a_pointer_comes_back_as_it_was(kind, inside):
    value = {"a": 1, "b": [LOOKALIKES[kind]]} if inside else LOOKALIKES[kind]
    packed = b64encode(gzip.compress(json.dumps(value).encode())).decode()
    answer = call("decompress", compressed_data=packed, execution_id=START["execution_id"])
    pointer = answer["b"] if inside else answer
    assert pointer["type"] == "s3_reference"
    assert load_from_s3(pointer["s3_path"]) == (value["b"] if inside else value)
    assert through_a_step(answer) == value


def test_the_answer_is_within_the_bound(monkeypatch):
    monkeypatch.setenv("STATEBAG_MAX_BAG_BYTES", "8192")
    forget()
    config = {f"k{n}": filler(700, n) for n in range(40)}
    state = {**START, "filling": "x" * 3_000}
    for segment in (config, {"one": filler(30_000)}, filler(30_000)):
        pointer = {"segment_index": 0, "segments": [{"segment_id": 1, "segment_config": segment}]}
        answer = call("hydrate_segment", segment_pointer=pointer, state_data=state)
        assert wire_size(answer) <= 8192
        assert as_before(answer["segment_config"]) == segment


def test_an_event_that_names_no_execution_stores_nothing():
    packed = b64encode(gzip.compress(json.dumps(filler(400_000)).encode())).decode()
    with pytest.raises(InvalidState, match="no execution ID"):
        lambda_handler({"action": "decompress", "compressed_data": packed})
    assert not list(from_environment().store.list())
