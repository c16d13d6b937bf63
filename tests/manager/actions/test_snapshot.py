"""`create_snapshot` and `restore_snapshot`."""

import json

import pytest
from hypothesis import HealthCheck, given, settings

from statebag import BlobCorrupt, BlobMissing, InvalidState, NotPermitted
from statebag.default_client import from_environment
from statebag.format.json_text import encode
from statebag.manager.control_fields import CONTROL_FIELDS
from statebag.state_data_manager import create_snapshot, restore_snapshot, store_to_s3
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.manager.actions.calls import SCOPE, START, call, filler, opened
from tests.strategies import STATES


def create(state, kind="pre", **fields):
    return call("create_snapshot", state_data=state, snapshot_type=kind, **fields)


def restore(path, **fields):
    return call("restore_snapshot", snapshot_s3_path=path, **fields)["state_data"]


@pytest.mark.parametrize("kind", ["pre", "PRE_EXECUTION", "Post", "post_map"])
def test_a_snapshot_and_back(kind):
    state = {**START, "doc": filler(300_000), "small": [1, None, {"a": 2.0}]}
    answer = create(state, kind)
    name = f"{kind[:3].lower() if kind[:3].lower() == 'pre' else 'post'}_snapshot_s3_path"
    assert answer["state_data"][name] == answer["snapshot_s3_path"]
    assert answer["snapshot_id"] in answer["snapshot_s3_path"]
    forget()
    assert encode(opened(restore(answer["snapshot_s3_path"]))) == encode(state)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(STATES)
def test_restore_gives_every_state_exactly(sb, state):
    state = {**state, "execution_id": SCOPE}
    for name in CONTROL_FIELDS:
        if name != "execution_id":
            state.pop(name, None)
    # Data that looks like a pointer of wire version 0 is one to an action: that is kept apart.
    bag = from_environment().with_control("execution_id").seal(state, scope=SCOPE)
    path = create_snapshot(state_data=bag, snapshot_type="pre")["snapshot_s3_path"]
    restored = restore_snapshot(snapshot_s3_path=path)["state_data"]
    after = from_environment().open(restored, scope=SCOPE)
    assert encode(after) == encode(state)


def test_a_snapshot_is_small_and_copies_nothing(sb):
    bag = call("sync", state_data={**START, "doc": filler(3_000_000)})["state_data"]
    forget()
    with usage.measured() as cost:
        create(bag)
    assert cost.puts == 1
    assert cost.bytes_put < 4_000
    assert cost.bytes_got < 8_000, "the index of the large text, and nothing of the text"


def test_the_same_state_makes_the_same_snapshot(sb):
    bag = call("sync", state_data=START)["state_data"]
    assert create(bag) == create(bag)
    assert len(list(sb.store.list(f"{SCOPE}/snapshots"))) == 1


def test_what_a_snapshot_refers_to_must_be_there(sb):
    state = {**START, "log": [filler(3_000, n) for n in range(900)]}
    bag = call("sync", state_data=state)["state_data"]
    (pack,) = sb.store.list()
    data = sb.store.get(pack.name)
    sb.store.put(pack.name, data[: len(data) // 2])
    forget()
    with pytest.raises(BlobCorrupt):
        create(bag)
    sb.store.delete(pack.name)
    with pytest.raises(BlobMissing):
        create(bag)
    sb.store.put(pack.name, data)
    create(bag)


def test_a_damaged_snapshot_is_found_out(sb):
    path = create(START)["snapshot_s3_path"]
    name = path.removeprefix(sb.store.url + "/")
    sb.store.put(name, json.dumps({**START, "status": "forged"}).encode())
    with pytest.raises(BlobCorrupt):
        restore(path)
    sb.store.delete(name)
    with pytest.raises(BlobMissing):
        restore(path)


def test_only_the_configured_root_is_read(sb):
    for path in (
        "s3://elsewhere/x.json",
        f"{sb.store.url}/../x.json",
        f"{sb.store.url}x/y.json",
        "/etc/passwd",
        "",
    ):
        with pytest.raises(NotPermitted):
            restore(path)
    with pytest.raises(InvalidState):
        restore(7)


def test_an_event_that_names_its_execution_reads_that_ones_snapshots():
    path = create(START)["snapshot_s3_path"]
    assert restore(path, execution_id=SCOPE)
    with pytest.raises(NotPermitted):
        restore(path, execution_id="machine/other")


@pytest.mark.parametrize("kind", ["", "during", 7, ["pre"]])
def test_the_type_starts_with_pre_or_post(kind):
    with pytest.raises(InvalidState):
        create(START, kind)


def test_a_snapshot_of_the_first_version_is_restored():
    state = {**START, "doc": filler(300_000)}
    path = store_to_s3(state, "workflow-state/order-1/snapshot_1.json")
    assert opened(restore(path)) == state


def test_a_history_is_compressed_in_a_snapshot_and_plain_in_the_bag_that_goes_on(sb):
    entries = [{"n": n, "message": f"segment {n} was executed"} for n in range(300)]
    state = {**START, "state_history": entries, "current_state": {"a": 1}}
    answer = create(state)
    assert answer["state_data"]["state_history"] == entries
    name = answer["snapshot_s3_path"].removeprefix(sb.store.url + "/")
    assert len(sb.store.get(name)) < len(json.dumps(entries)) / 2
    restored = restore(answer["snapshot_s3_path"])
    assert encode(opened(restored)) == encode(state)
    again = call("sync", state_data=restored, execution_result={"new_history_logs": ["more"]})
    assert opened(again["state_data"])["state_history"] == [*entries, "more"]
    assert create(state)["snapshot_id"] == answer["snapshot_id"]
    for odd in ("text" * 1_000, {"a": "x" * 5_000}, ["short"]):
        path = create({**START, "state_history": odd})["snapshot_s3_path"]
        assert opened(restore(path))["state_history"] == odd


def test_a_hundred_snapshots_take_what_changes(sb):
    """docs/state-data-manager.md has the figure for a thousand."""
    state = {**START, "current_state": {f"d{n}": filler(250_000, n) for n in range(4)}}
    bag = call("sync", state_data=state)["state_data"]
    before = sum(one.size for one in sb.store.list())
    for n in range(100):
        logs = [{"n": n, "message": f"segment {n} was executed"}]
        result = {"new_history_logs": logs, "final_state": {"turn": n}}
        bag = call("sync", state_data=bag, execution_result=result)["state_data"]
        bag = create(bag)["state_data"]
    assert sum(one.size for one in sb.store.list()) - before < 100 * 10_000


def test_a_thousand_snapshots_do_not_copy_inline_values(sb):
    """Entries that hardly compress; the rest of the bag is as small as before."""
    state = {**START, "note": filler(36_000)}
    bag = call("sync", state_data=state)["state_data"]
    assert "data" in json.dumps(bag["note"]), "the note is inline"
    for n in range(60):
        result = {"new_history_logs": [filler(1_000, n)]}
        bag = call("sync", state_data=bag, execution_result=result)["state_data"]
    answer = create(bag)
    name = answer["snapshot_s3_path"].removeprefix(sb.store.url + "/")
    assert len(sb.store.get(name)) < 10_000
    after = opened(restore(answer["snapshot_s3_path"]))
    assert after["note"] == state["note"]
    assert after["state_history"] == [filler(1_000, n) for n in range(60)]
    assert opened(answer["state_data"])["state_history"] == after["state_history"]


@pytest.mark.parametrize("shape", ["fields", "whole", "history", "thousands"])
def test_a_repeated_event_has_the_same_snapshot_with_legacy_pointers(monkeypatch, sb, shape):
    """Their pointers say when they were made."""
    monkeypatch.setenv("STATEBAG_WIRE", "0")
    times = iter(f"2026-01-01T00:00:{n:02}+00:00" for n in range(60))
    monkeypatch.setattr("statebag.manager.legacy.pointer_format._now", lambda: next(times))
    inner = {f"d{n}": filler(50_000, n) for n in range(3)}
    state = {
        "fields": {**START, "doc": filler(60_000), "current_state": inner},
        "whole": {
            **START,
            "current_state": {**inner, **{f"e{n}": filler(9_000, n) for n in range(20)}},
        },
        "history": {**START, "state_history": [filler(1_000, n) for n in range(90)]},
        "thousands": {**START, "doc": inner, **{f"s{n}": filler(60, n) for n in range(3_000)}},
    }[shape]
    first, second = create(state), create(state)
    assert first["snapshot_id"] == second["snapshot_id"]
    assert first["snapshot_s3_path"] == second["snapshot_s3_path"]
    count = len(list(sb.store.list()))
    assert create(state)["snapshot_id"] == first["snapshot_id"]
    assert len(list(sb.store.list())) == count, "a retry writes the same objects again"
    restored = restore(first["snapshot_s3_path"])
    event = {"idempotency_key": START["idempotency_key"], "it": restored}
    forget()
    assert from_environment().open(event, scope=SCOPE, legacy=True)["it"] == state
    text = json.dumps(restored)
    assert text.count('"s3_reference"') == text.count('"stored_at"')
    assert text.count('"history_archive"') == text.count('"archived_at"')


@pytest.mark.parametrize("wire", ["0", "1"])
def test_data_with_a_time_that_looks_like_a_pointer_keeps_it(monkeypatch, sb, wire):
    monkeypatch.setenv("STATEBAG_WIRE", wire)
    data = {"type": "s3_reference", "s3_path": "s3://b/k", "stored_at": "mine"}
    no_time = {"type": "history_archive", "s3_path": "s3://b/k"}
    state = {**START, "a": data, "current_state": {"b": data, "c": no_time}}
    bag = from_environment().with_control("execution_id").seal(state, scope=SCOPE)
    answer = create(bag)
    for one in (restore(answer["snapshot_s3_path"]), answer["state_data"]):
        forget()
        event = {"idempotency_key": START["idempotency_key"], "it": one}
        after = from_environment().open(event, scope=SCOPE, legacy=True)["it"]
        after.pop("pre_snapshot_s3_path", None)
        assert after == state


def test_without_sealing_a_snapshot_is_the_state_as_it_is(monkeypatch):
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    state = {**START, "a": [{"stored_at": "mine"}], "b": "x" * 1_000}
    answer = create(state)
    assert restore(answer["snapshot_s3_path"]) == state
