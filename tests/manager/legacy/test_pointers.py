"""Pointers of wire version 0: read where they can stand, below the root, and nowhere else."""

import base64
import gzip
import json

import pytest

from statebag import BlobCorrupt, BlobMissing, LimitExceeded, NotPermitted, Policy, Statebag
from statebag.format.json_text import encode
from statebag.format.stub import KEY
from statebag.manager.legacy.pointer_format import compress_text
from statebag.testing.recording_store import RecordingStore

ROOT = "memory://wire0"


@pytest.fixture
def sb():
    return Statebag(ROOT)


def put(sb, name, value):
    sb.store.put(name, json.dumps(value).encode())
    return f"{ROOT}/{name}"


def reference(path, **more):
    return {
        "type": "s3_reference",
        "s3_path": path,
        "size_kb": 1,
        "stored_at": "2025-01-01",
        **more,
    }


def archive(path, count):
    return {"type": "history_archive", "s3_path": path, "entry_count": count, "archived_at": "x"}


def test_each_form_gives_its_value(sb):
    field = put(sb, "workflow-state/k/field_1.json", {"rows": [1, 2.5, None]})
    older = put(sb, "workflow-state/k/history_1.json", ["a", "b"])
    newer = put(sb, "workflow-state/k/history_2.json", [archive(older, 2), "c", "d"])
    state = {
        "big": reference(field),
        "current_state": {"inner": reference(field), "small": 1},
        "state_history": [archive(newer, 4), "e"],
        "packed": {
            "type": "compressed",
            "data": base64.b64encode(gzip.compress(b'{"x": [true]}')).decode(),
            "compressed_at": "x",
        },
        "status": "CONTINUE",
    }
    opened = sb.open(state, legacy=True)
    rows = {"rows": [1, 2.5, None]}
    assert opened == {
        "big": rows,
        "current_state": {"inner": rows, "small": 1},
        "state_history": ["a", "b", "c", "d", "e"],
        "packed": {"x": [True]},
        "status": "CONTINUE",
    }
    assert sb.open(state) == state, "without legacy= it is data"


def test_a_whole_state_is_followed_and_the_fields_beside_its_pointer_win(sb):
    field = put(sb, "f.json", "value of the field")
    whole = put(
        sb, "whole.json", {"a": reference(field), "status": "OLD", "guardrail_verified": False}
    )
    bag = {
        "__s3_offloaded": True,
        "__s3_path": whole,
        "__original_size_kb": 200,
        "guardrail_verified": True,
        "scheduling_summary": {"total_batches": 1, "priority": 2},
    }
    opened = sb.open({"state": bag}, legacy=True)
    expected = {"a": "value of the field", "status": "OLD", "guardrail_verified": True}
    assert opened == {"state": expected}
    assert sb.open(bag, legacy=True) == expected


@pytest.mark.parametrize("metadata", [None, {"total_batches": 3, "priority": 2}])
def test_what_an_engine_writes_over_the_summary_of_a_pointer_is_data(sb, metadata):
    state = {"a": 1} if metadata is None else {"a": 1, "scheduling_metadata": metadata}
    whole = put(sb, "whole.json", state)
    pointer = {"__s3_offloaded": True, "__s3_path": whole, "__original_size_kb": 200}
    derived = metadata or {"total_batches": 9, "priority": 9}
    assert sb.open({**pointer, "scheduling_summary": derived}, legacy=True) == state
    for written in ("mine", {"x": 1}, None, {**derived, "more": 1}):
        opened = sb.open({**pointer, "scheduling_summary": written}, legacy=True)
        assert opened == {**state, "scheduling_summary": written}
    if metadata is not None:
        written = {"total_batches": 3, "priority": 1}
        opened = sb.open({**pointer, "scheduling_summary": written}, legacy=True)
        assert opened == {**state, "scheduling_summary": written}


def test_what_a_pointer_brings_is_data(sb):
    lookalikes = {
        "stub": {KEY: {"v": 1, "escaped": {"never": "opened"}}},
        "pointer": reference(f"{ROOT}/never.json"),
        "deep": [[{KEY: 3}]],
    }
    path = put(sb, "lookalikes.json", lookalikes)
    opened = sb.open({"field": reference(path)}, legacy=True)
    assert encode(opened["field"]) == encode(lookalikes)
    again = sb.open(sb.seal(opened, scope="m/e"), legacy=True)
    assert encode(again) == encode(opened), "sealed, it is still data"


@pytest.mark.parametrize(
    "s3_path",
    [
        "s3://other-bucket/key.json",
        "memory://wire0-beside/key.json",
        f"{ROOT}",
        f"{ROOT}/",
        f"{ROOT}/../key.json",
        f"{ROOT}/a/%2e%2e/key.json",
        f"{ROOT}//key.json",
        f"{ROOT}/a/./key.json",
        f"{ROOT}/key\x00.json",
        f"{ROOT}/..\\key.json",
        "http://169.254.169.254/latest/meta-data",
        "/etc/passwd",
        "",
    ],
)
def test_nothing_outside_the_root_is_asked_for(s3_path):
    recording = RecordingStore(Statebag(ROOT).store)
    with pytest.raises(NotPermitted):
        Statebag(recording).open({"field": reference(s3_path)}, legacy=True)
    assert not recording.calls


def test_missing_damaged_and_changed_objects_are_errors(sb):
    with pytest.raises(BlobMissing):
        sb.open({"field": reference(f"{ROOT}/nowhere.json")}, legacy=True)
    sb.store.put("torn.json", b'{"a": [1, 2')
    with pytest.raises(BlobCorrupt):
        sb.open({"field": reference(f"{ROOT}/torn.json")}, legacy=True)
    path = put(sb, "changed.json", [1])
    with pytest.raises(BlobCorrupt):
        sb.open({"field": reference(path, sha256="0" * 64)}, legacy=True)
    with pytest.raises(BlobCorrupt):
        sb.open({"field": {"type": "compressed", "data": "not base64!"}}, legacy=True)


def test_bombs_and_circles_end(sb):
    bomb = compress_text(b'"' + b"a" * 50_000_000 + b'"')
    small = Statebag(ROOT, policy=Policy(max_open_bytes=1_000_000))
    with pytest.raises(LimitExceeded):
        small.open({"field": {"type": "compressed", "data": bomb}}, legacy=True)
    circle = {"__s3_offloaded": True, "__s3_path": f"{ROOT}/circle.json"}
    put(sb, "circle.json", circle)
    with pytest.raises(LimitExceeded):
        sb.open(circle, legacy=True)
    put(sb, "archives.json", [archive(f"{ROOT}/archives.json", 1), "x"])
    limited = Statebag(ROOT, policy=Policy(max_open_requests=50))
    with pytest.raises(LimitExceeded):
        limited.open({"state_history": [archive(f"{ROOT}/archives.json", 1)]}, legacy=True)


def test_an_object_beyond_the_limit_is_not_read(sb):
    path = put(sb, "huge.json", "x" * 2_000_000)
    recording = RecordingStore(sb.store)
    limited = Statebag(recording, policy=Policy(max_open_bytes=1_000_000))
    with pytest.raises(LimitExceeded) as caught:
        limited.open({"field": reference(path)}, legacy=True)
    assert (caught.value.path, caught.value.object_name) == ("$.field", "huge.json")
    assert [call.operation for call in recording.calls] == ["head"]


def test_a_state_in_flight_goes_on_under_version_1(sb):
    old = {
        "status": "CONTINUE",
        "big": reference(put(sb, "big.json", "x" * 50_000)),
        "state_history": [archive(put(sb, "h.json", list(range(60))), 60), *range(60, 110)],
    }
    state = sb.open(old, legacy=True)
    bag = sb.seal({**state, "loop_counter": 1}, scope="m/e")
    assert sb.open(bag, legacy=True, scope="m/e") == {
        "status": "CONTINUE",
        "big": "x" * 50_000,
        "state_history": list(range(110)),
        "loop_counter": 1,
    }
