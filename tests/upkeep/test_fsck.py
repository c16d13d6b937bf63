"""Every kind of damage is found, and nothing is said of values."""

import os
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import msgspec
import pytest

from statebag import BlobMissing, InvalidStub, Policy, Statebag, StoreUnavailable
from statebag.format.codec import compress, sha256_hex
from statebag.format.pack import PackBuilder
from statebag.state_data_manager import lambda_handler
from statebag.store.address import store_from_url
from statebag.store.encrypted import EncryptedStore, Keys
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.fsck import fsck
from statebag.upkeep.objects import kind_of, root_scope
from statebag.upkeep.repair import repair
from tests.bags import noise

SCOPE = "machine/run"
STORING = Policy(carry_bytes=0, field_limit=300, piece_bytes=1024, attempts=1)


def filled(store, pieces=400):
    """A store with an index over many pieces, values, and a child's scope."""
    forget()
    client = Statebag(store, policy=STORING, replicas=())
    log = [{"n": n, "text": noise(200, n)} for n in range(pieces)]
    bag = client.seal({"log": log, "text": noise(2_000, 1) + "CANARY"}, scope=SCOPE)
    client.seal({"other": noise(900, 2)}, scope=f"{SCOPE}/child")
    client.seal({"other": noise(900, 3)}, scope="machine/another")
    return client, bag


def names(store, kind="pack"):
    return [info.name for info in store.list() if kind_of(info.name) == kind]


def test_a_whole_store_is_whole_and_every_blob_was_checked():
    store = RecordingStore(MemoryStore())
    filled(store)
    store.forget()
    seen = []
    report = fsck(store, on_object=seen.append)
    assert report.whole
    assert report.objects == {"pack": 3}
    assert report.blobs > 50
    assert len(seen) == 3
    assert report.bytes == sum(info.size for info in store.list())
    assert {call.operation for call in store.calls} <= {"list", "get"}


def encrypted(inner, *keys):
    return EncryptedStore(inner, Keys([key * 32 for key in keys]))


@pytest.mark.parametrize("reader", [None, (b"2",)], ids=["no keys", "another key"])
def test_what_is_encrypted_is_not_called_damaged_and_not_whole(reader):
    inner = MemoryStore()
    client, bag = filled(encrypted(inner, b"1"))
    head = client.heads("machine/head").head("main")
    head.advance(head.seal({"text": noise(3_000, 9)}), None)
    objects = sorted(info.name for info in inner.list() if kind_of(info.name) in {"pack", "head"})
    report = fsck(encrypted(inner, *reader) if reader else inner, bags={"bag": bag})
    assert report.encrypted == objects
    assert (report.whole, report.faults, report.bags, report.blobs) == (False, [], {"bag": None}, 0)
    whole = fsck(encrypted(inner, b"2", b"1"), bags={"bag": bag})
    assert (whole.whole, whole.encrypted, whole.bags) == (True, [], {"bag": True})


def test_damage_beside_what_is_encrypted_is_found():
    inner = MemoryStore()
    _, other = filled(encrypted(inner, b"1"))
    forget()
    client = Statebag(inner, policy=STORING, replicas=())
    bag = client.seal({"text": noise(2_000, 5)}, scope="machine/plain")
    (pack,) = [info.name for info in inner.list("machine/plain")]
    inner.put(pack, inner.get(pack)[:-9] + b"123456789")
    report = fsck(inner, bags={"both": [other, bag], "one": bag})
    assert [(fault.kind, fault.name) for fault in report.faults] == [("damaged", pack)]
    assert len(report.encrypted) == 3
    assert report.bags == {"both": False, "one": False}
    inner.delete(pack)
    assert [fault.kind for fault in fsck(inner, bags={"b": [other, bag]}).faults] == ["missing"]


def test_repair_without_the_key_puts_nothing_in_the_place_of_what_is_encrypted():
    inner, copy = MemoryStore(), MemoryStore()
    filled(encrypted(inner, b"1"))
    for info in encrypted(inner, b"1").list():
        copy.put(info.name, encrypted(inner, b"1").get(info.name))  # a replica in the clear
    before = {info.name: inner.get(info.name) for info in inner.list()}
    client = Statebag(inner, policy=STORING, replicas=[copy])
    done = repair(client.store, client.recovery, fsck(client.store))
    assert (done.repaired, done.lost) == ({}, [])
    assert {info.name: inner.get(info.name) for info in inner.list()} == before


class TogetherStore(MemoryStore):
    """Counts how many reads, and how many of their bytes, wait at the same time."""

    def __init__(self, wait_for=0):
        super().__init__()
        self.lock, self.all_here = threading.Lock(), threading.Barrier(wait_for or 1)
        self.wait_for, self.reading, self.bytes, self.most_bytes = wait_for, 0, 0, 0

    def get(self, name):
        data = super().get(name)
        with self.lock:
            self.bytes += len(data)
            self.most_bytes = max(self.most_bytes, self.bytes)
        if self.wait_for:
            self.all_here.wait(240)  # breaks where fewer are read at once
        else:
            time.sleep(0.02)  # so that others are here too, where they may
        with self.lock:
            self.bytes -= len(data)
        return data


def test_packs_of_many_executions_are_read_at_once():
    store = TogetherStore(wait_for=32)
    client = Statebag(store, policy=STORING, replicas=())
    for n in range(64):
        client.seal({"text": noise(900, n)}, scope=f"machine/run-{n:02}")
    seen = []
    report = fsck(store, on_object=seen.append)
    assert report.whole
    assert report.objects == {"pack": 64}
    assert [info.name for info in seen] == [info.name for info in store.list()]


def test_large_packs_are_not_all_in_memory(monkeypatch):
    store = TogetherStore()
    client = Statebag(store, policy=STORING, replicas=())
    for n in range(20):
        client.seal({"text": noise(9_000, n)}, scope=f"machine/run-{n:02}")
    largest = max(info.size for info in store.list())
    module = sys.modules[fsck.__module__]
    monkeypatch.setattr(module, "_BYTES_AT_ONCE", largest * 2)
    assert fsck(store).whole
    assert store.most_bytes <= largest * 2
    monkeypatch.setattr(module, "_BYTES_AT_ONCE", 1)  # less than any pack has
    assert fsck(store).objects == {"pack": 20}


def test_only_what_is_below_a_scope_is_checked():
    store = MemoryStore()
    filled(store)
    assert fsck(store, "machine/run").objects == {"pack": 2}
    assert fsck(store, "machine/run/child").objects == {"pack": 1}


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]


@pytest.mark.parametrize("place", ["memory", "file", pytest.param("s3", marks=pytest.mark.s3)])
def test_every_single_flipped_byte_is_found(place, tmp_path, request):
    store = a_store(place, tmp_path, request)
    client = Statebag(store, policy=Policy(carry_bytes=0, field_limit=256), replicas=())
    client.seal({"a": noise(300, 1) + "CANARY", "b": noise(260, 2)}, scope=SCOPE)
    (name,) = names(store)
    data = store.get(name)
    every = range(len(data)) if place != "s3" else range(0, len(data), 7)
    for at in every:
        store.put(name, flipped(data, at))
        (fault,) = fsck(store).faults
        assert (fault.kind, fault.name, fault.touches) == ("damaged", name, (SCOPE,))
        assert "CANARY" not in str(fault)
    store.put(name, data)
    assert fsck(store).whole


def a_store(place, tmp_path, request):
    forget()
    if place == "memory":
        return MemoryStore()
    if place == "file":
        return FileStore(tmp_path / "store")
    server = request.getfixturevalue("s3_server")
    monkeypatch = request.getfixturevalue("monkeypatch")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return store_from_url(f"s3://{server.bucket}/fsck-{tmp_path.name}")


def test_every_length_to_which_a_pack_can_be_cut_is_found():
    store = MemoryStore()
    Statebag(store, policy=STORING, replicas=()).seal({"a": noise(400, 1)}, scope=SCOPE)
    (name,) = names(store)
    data = store.get(name)
    for length in range(len(data)):
        store.put(name, data[:length])
        assert [fault.kind for fault in fsck(store).faults] == ["damaged"]
    store.put(name, data + b"\n")
    assert [fault.kind for fault in fsck(store).faults] == ["damaged"]


def test_a_pack_under_another_pack_s_name_is_damaged():
    store = MemoryStore()
    filled(store)
    first, second, *_ = names(store)
    store.put(first, store.get(second))
    (fault,) = [fault for fault in fsck(store).faults if fault.name == first]
    assert fault.kind == "damaged"


def test_a_pack_of_the_right_name_that_lists_other_blobs_is_damaged():
    """Written by somebody else: every byte is as its name says, and its index is wrong."""
    store = MemoryStore()
    builder = PackBuilder()
    texts = [noise(500, n).encode() for n in range(3)]
    for text in texts:
        builder.add(sha256_hex(text), len(text), compress(text))
    first, second, _ = builder._rows
    first[0], second[0] = second[0], first[0]
    name, data = builder.build(SCOPE)
    store.put(name, data)
    (fault,) = fsck(store).faults
    assert (fault.kind, fault.name, fault.lost_blobs) == ("damaged", name, 2)


def test_a_pack_that_an_index_lists_is_missed():
    store = MemoryStore()
    client, bag = filled(store)
    before = set(names(store))
    more = [{"n": n, "text": noise(200, n)} for n in range(400, 800)]
    forget()
    client.append(bag, "log", more, scope=SCOPE)
    (old,) = [name for name in before if name.startswith(f"{SCOPE}/") and "child" not in name]
    (new,) = set(names(store)) - before
    store.delete(old)
    (fault,) = fsck(store).faults
    assert (fault.kind, fault.name) == ("missing", old)
    assert fault.lost_blobs > 1
    assert new in fault.touches


def snapshot_of(state):
    event = {
        "action": "create_snapshot",
        "state_data": state,
        "execution_id": SCOPE,
        "snapshot_type": "pre",
    }
    return lambda_handler(event, None)["snapshot_s3_path"]


@pytest.fixture
def with_snapshot(tmp_path, monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("STATEBAG_CARRY_BYTES", "0")
    forget()
    path = snapshot_of({"text": noise(40_000, 1) + "CANARY"})
    return FileStore(tmp_path / "store"), path


def test_a_lost_pack_names_the_snapshots_that_need_it(with_snapshot):
    store, path = with_snapshot
    assert fsck(store).whole
    (snapshot,) = names(store, "snapshot")
    assert path.endswith(snapshot)
    (pack,) = names(store)
    store.delete(pack)
    (fault,) = fsck(store).faults
    assert (fault.kind, fault.name, fault.lost_blobs) == ("missing", pack, 1)
    assert snapshot in fault.touches


def test_a_damaged_snapshot_is_found(with_snapshot):
    store, _ = with_snapshot
    (snapshot,) = names(store, "snapshot")
    data = store.get(snapshot)
    for at in range(0, len(data), 3):
        store.put(snapshot, flipped(data, at))
        assert [fault.name for fault in fsck(store).faults if fault.kind == "damaged"] == [snapshot]


def test_what_others_put_there_is_named_and_no_fault():
    store = MemoryStore()
    filled(store)
    store.put("machine/run/notes.txt", b"hello")
    report = fsck(store)
    assert report.whole
    assert report.others == ["machine/run/notes.txt"]


def test_what_cannot_be_read_is_not_called_damaged():
    store = MemoryStore()
    filled(store)
    with FaultyStore(store, [Fault("get", error=StoreUnavailable("no answer"))]) as faulty:
        (fault,) = fsck(faulty).faults
    assert fault.kind == "unreadable"
    assert fault.lost_blobs is None


def test_names_tell_what_an_object_is_and_whose():
    pack = f"m/e/{'0' * 32}.pack"
    assert [kind_of(name) for name in (pack, "m/e/x.pack", "@gc/marks/m/e.json")] == [
        "pack",
        "other",
        "mark",
    ]
    assert kind_of(f"m/e/snapshots/pre_{'0' * 32}.json") == "snapshot"
    assert root_scope(pack) == "m/e"
    assert root_scope(f"m/e/c/d/{'0' * 32}.pack") == "m/e"
    assert root_scope(f"m/e/snapshots/pre_{'0' * 32}.json") == "m/e"
    assert root_scope(f"m/{'0' * 32}.pack") == "m"


def test_a_few_bytes_that_stand_for_a_great_many_are_checked_in_little_memory():
    store = MemoryStore()
    text = b"0" * (64 * 1024 * 1024)
    builder = PackBuilder()
    builder.add(sha256_hex(text), len(text), compress(text))
    del text
    name, data = builder.build(SCOPE)
    store.put(name, data)
    tracemalloc.start()
    try:
        assert fsck(store).whole
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


def test_a_pack_that_only_a_bag_knows_is_missed_with_the_bag():
    store = MemoryStore()
    _, bag = filled(store)
    (pack,) = [name for name in names(store) if root_scope(name) == SCOPE and "child" not in name]
    whole = fsck(store, bags={"bag": bag})
    assert (whole.whole, whole.bags) == (True, {"bag": True})
    store.delete(pack)
    assert fsck(store).whole  # nothing in the store names it
    report = fsck(store, bags={"bag": bag, "other": {"plain": 1}})
    (fault,) = report.faults
    assert (fault.kind, fault.name, fault.touches) == ("missing", pack, ("bag",))
    assert report.bags == {"bag": False, "other": True}
    assert "CANARY" not in str(report)


def test_a_bag_is_followed_through_its_index_into_other_scopes():
    store = MemoryStore()
    client, bag = filled(store)
    old = set(names(store, "pack"))
    forget()
    more = [{"n": n, "text": noise(200, n)} for n in range(400, 800)]
    policy = msgspec.structs.replace(client.policy, readable_scopes=(SCOPE,))
    writer = Statebag(store, policy=policy, replicas=())
    longer = writer.append(bag, "log", more, scope="elsewhere/run")
    (lost,) = [name for name in old if root_scope(name) == SCOPE and "child" not in name]
    store.put(lost, flipped(store.get(lost), 60))
    # The bag's stub names the new pack alone; its index lists pieces of the old one.
    report = fsck(store, "machine/another", bags={"longer": longer})
    (fault,) = [fault for fault in report.faults if fault.name == lost]
    assert (fault.kind, fault.touches, report.bags) == ("damaged", ("longer",), {"longer": False})
    everything = fsck(store, bags={"longer": longer})
    (fault,) = [fault for fault in everything.faults if fault.name == lost]
    assert {"longer", SCOPE} < set(fault.touches)  # and the pack with the index that lists it


def test_a_bag_is_not_called_touched_by_damage_to_what_it_does_not_read():
    store = MemoryStore()
    client, bag = filled(store)
    other = client.seal({"text": noise(2_000, 9)}, scope="machine/another")
    damaged = next(name for name in names(store) if root_scope(name) == "machine/run")
    store.put(damaged, flipped(store.get(damaged), 60))
    report = fsck(store, bags={"other": other, "bag": bag})
    assert [fault.name for fault in report.faults] == [damaged]
    assert report.bags["other"] is True


def test_older_pointers_of_a_bag_are_followed_too():
    store = MemoryStore()
    archive = b'["old", "CANARY"]'
    store.put("h.json", archive)
    entry = {"type": "history_archive", "s3_path": f"{store.url}/h.json", "entry_count": 2}
    field = {"type": "s3_reference", "s3_path": f"{store.url}/f.json"}
    elsewhere = {"type": "s3_reference", "s3_path": "s3://other/f.json"}
    bag = {"state_history": [entry, "new"], "field": field, "data": elsewhere}
    store.put("f.json", b'"x"')
    assert fsck(store, bags={"bag": bag}).bags == {"bag": True}
    store.put("h.json", archive[:-3])
    report = fsck(store, bags={"bag": bag})
    assert [(one.kind, one.name, one.touches) for one in report.faults] == [
        ("damaged", "h.json", ("bag",))
    ]
    assert "CANARY" not in str(report)
    store.put("h.json", archive)
    store.delete("f.json")
    report = fsck(store, bags={"bag": bag})
    assert [(one.kind, one.name) for one in report.faults] == [("missing", "f.json")]
    assert report.bags == {"bag": False}


@pytest.mark.parametrize("at", ["../x", "/etc/passwd", f"a/%2e%2e/{'0' * 32}.pack", "s3://b/x"])
def test_a_bag_that_names_what_no_seal_wrote_is_refused_before_any_request(at):
    store = RecordingStore(MemoryStore())
    stub = {"v": 1, "sha256": "0" * 64, "size": 9, "at": at, "span": [8, 9]}
    with pytest.raises(InvalidStub):
        fsck(store, bags={"forged": {"x": {"__statebag__": stub}}})
    assert not store.calls


def test_a_forged_bag_is_not_whole_and_costs_one_read_of_each_object():
    memory = MemoryStore()
    _, bag = filled(memory)
    good = bag["text"]["__statebag__"]
    store = RecordingStore(memory)
    for change in ({"sha256": "f" * 64}, {"span": [9, good["span"][1]]}):
        forged = {f"k{n}": {"__statebag__": {**good, **change}} for n in range(10_000)}
        store.forget()
        report = fsck(store, "machine/another", bags={"forged": forged})
        assert report.bags == {"forged": False}
        assert [(one.kind, one.name, one.lost_blobs) for one in report.faults] == [
            ("missing", good["at"], 1)
        ]
        assert [call.name for call in store.of("get")].count(good["at"]) == 1


def test_what_is_no_bag_is_refused():
    store = MemoryStore()
    with pytest.raises(InvalidStub):
        fsck(store, bags={"forged": {"x": {"__statebag__": {"v": 1, "nonsense": "CANARY"}}}})


def test_foreign_things_in_a_folder_are_named_and_touch_nothing(tmp_path):
    root = tmp_path / "store"
    store = FileStore(root)
    filled(store)
    empty = f"{SCOPE}/{'0' * 32}.pack"
    root.joinpath(empty).write_bytes(b"")
    root.joinpath("zero").write_bytes(b"")
    root.joinpath("machine/loop").symlink_to("..")
    root.joinpath("itself").symlink_to("itself")
    root.joinpath(SCOPE, f"{'2' * 32}.pack").symlink_to("/etc/passwd")
    root.joinpath(SCOPE, f"{'3' * 32}.pack").mkdir()
    os.mkfifo(root / SCOPE / f"{'1' * 32}.pack")
    root.joinpath("machine/esc\x1b[31m\n").write_bytes(b"x")
    Path(os.fsdecode(os.path.join(os.fsencode(root), b"bad\xff"))).write_bytes(b"x")  # noqa: PTH118
    report = fsck(store)
    assert ("damaged", empty) in [(fault.kind, fault.name) for fault in report.faults]
    assert {"zero", "machine/esc\x1b[31m\n", "bad\udcff"} <= set(report.others)
    assert report.objects["pack"] == 4


def test_an_archived_pack_is_told_from_a_missing_one():
    store = MemoryStore()
    Statebag(store, policy=Policy(carry_bytes=0)).seal({"a": "b" * 90_000}, scope="m/r")
    (name,) = (info.name for info in store.list())
    archived = BlobMissing("it is archived, in the class GLACIER", object_name=name)
    archived.is_archived = True
    with FaultyStore(store, [Fault("get", error=archived)]) as faulty:
        (fault,) = fsck(faulty).faults
    assert (fault.kind, fault.name) == ("unreadable", name)
    assert "archived" in fault.detail
