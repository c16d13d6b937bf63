"""Reads that the store fails, from the replicas and earlier versions, and the way back."""

import logging
import time
import uuid

import boto3
import pytest

from statebag import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    Policy,
    Statebag,
    StoreUnavailable,
)
from statebag.environment import replica_addresses, store_settings
from statebag.store import aws_sdk
from statebag.store.address import store_from_url
from statebag.store.memory import MemoryStore
from statebag.store.object_versions import read_versions
from statebag.store.recovery import Recovery
from statebag.store.retrying import deadline
from statebag.telemetry import usage
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from tests.bags import noise
from tests.store.canned_server import canned_server

SCOPE = "machine/run"
STORING = Policy(carry_bytes=0, attempts=1)
STATE = {
    "text": noise(40_000, 1) + "CANARY",
    "list": [{"n": n, "text": noise(300, n)} for n in range(1500)],
}


def sealed(store):
    forget()
    return Statebag(store, policy=STORING, replicas=()).seal(STATE, scope=SCOPE)


def copied(store):
    copy = MemoryStore()
    for info in store.list():
        copy.put(info.name, store.get(info.name))
    return copy


def opened(store, bag, *replicas):
    forget()
    client = Statebag(store, policy=STORING, replicas=replicas)
    with usage.measured() as counted:
        state = client.open(bag, scope=SCOPE)
    return state, counted


def damage(store, name, kind):
    data = store.get(name)
    if kind == "missing":
        store.delete(name)
    elif kind == "cut":
        store.put(name, data[: len(data) // 3])
    else:
        middle = len(data) // 2
        store.put(name, data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


def only_name(store):
    (info,) = store.list()
    return info.name


@pytest.mark.parametrize("kind", ["missing", "cut", "flipped"])
def test_a_replica_serves_what_the_store_has_not_whole(kind, caplog):
    store = MemoryStore()
    bag = sealed(store)
    replica = copied(store)
    name = only_name(store)
    damage(store, name, kind)

    with pytest.raises(BlobMissing if kind == "missing" else BlobCorrupt):
        opened(store, bag)
    caplog.clear()
    with caplog.at_level(logging.WARNING, "statebag"):
        state, counted = opened(store, bag, MemoryStore(), replica)

    assert state == STATE
    assert counted.healed_reads > 0
    assert name in caplog.text
    assert "CANARY" not in caplog.text
    assert noise(300, 7) not in caplog.text


def test_a_store_that_answers_costs_nothing_for_its_replicas():
    store = MemoryStore()
    bag = sealed(store)
    replica = RecordingStore(copied(store))
    state, counted = opened(store, bag, replica)
    assert state == STATE
    assert replica.calls == []
    assert counted.healed_reads == 0


# What an open asks for ahead is asked for again by itself, if that does not come.
TWICE = [Fault("get_ranges", call) for call in (1, 2)]


def test_a_store_that_does_not_answer_is_stood_in_for():
    store = MemoryStore()
    bag = sealed(store)
    with FaultyStore(store, TWICE) as silent:
        state, counted = opened(silent, bag, copied(store))
    assert state == STATE
    assert counted.healed_reads > 0


def test_a_refusal_is_no_fault_to_heal():
    store = MemoryStore()
    bag = sealed(store)
    replica = RecordingStore(copied(store))
    refused = [Fault("get_ranges", call, error=NotPermitted("no")) for call in (1, 2)]
    refusing = FaultyStore(store, refused)
    with refusing, pytest.raises(NotPermitted):
        opened(refusing, bag, replica)
    assert replica.calls == []


def test_damaged_everywhere_says_so_and_missing_everywhere_too():
    store = MemoryStore()
    bag = sealed(store)
    name = only_name(store)
    replica = copied(store)
    damage(replica, name, "flipped")
    store.delete(name)
    with pytest.raises(BlobCorrupt) as caught:
        opened(store, bag, replica)
    assert caught.value.object_name == name
    assert "CANARY" not in str(caught.value)
    with pytest.raises(BlobMissing) as caught:
        opened(store, bag, MemoryStore())
    assert caught.value.object_name == name


def test_what_was_damaged_on_its_way_is_read_again_and_counted():
    store = MemoryStore()
    bag = sealed(store)
    cut = [Fault("get_ranges", call, kind="truncate", keep_bytes=10) for call in (1, 2)]
    with FaultyStore(store, cut) as cutting:
        state, counted = opened(cutting, bag)
    assert state == STATE
    assert counted.healed_reads > 0


@pytest.mark.parametrize("kind", ["missing", "cut", "flipped"])
def test_heal_writes_a_pack_back_and_tells_where_it_was_whole(kind):
    store = MemoryStore()
    bag = sealed(store)
    replica = copied(store)
    name = only_name(store)
    damage(store, name, kind)
    forget()
    client = Statebag(store, policy=STORING, replicas=[replica])
    assert client.repair(bag, scope=SCOPE) == {name: replica.url}
    assert store.get(name) == replica.get(name)
    assert client.repair(bag, scope=SCOPE) == {name: None}
    state, counted = opened(store, bag)
    assert (state, counted.healed_reads) == (STATE, 0)


def test_heal_mends_what_it_can_and_then_says_what_is_lost():
    store = MemoryStore()
    forget()
    client = Statebag(store, policy=STORING, replicas=())
    first = client.seal({"one": noise(40_000, 1)}, scope=SCOPE)
    both = client.seal({"one": noise(40_000, 1), "two": noise(40_000, 2)}, scope=SCOPE)
    replica = MemoryStore()
    names = [info.name for info in store.list()]
    kept = next(name for name in names if name in str(first))
    replica.put(kept, store.get(kept))
    for name in names:
        store.delete(name)
    forget()
    with pytest.raises(BlobMissing):
        Statebag(store, policy=STORING, replicas=[replica]).repair(both, scope=SCOPE)
    assert [info.name for info in store.list()] == [kept]


def long_log():
    """A state whose history lies behind an index, in two packs."""
    return {"log": [{"n": n, "text": noise(300, n)} for n in range(2000)], "text": noise(9000, 1)}


@pytest.mark.parametrize("kind", ["missing", "cut", "flipped"])
def test_heal_writes_back_what_this_process_still_has(kind):
    store = MemoryStore()
    forget()
    client = Statebag(store, policy=STORING, replicas=())
    state = long_log()
    client.seal(state, scope=SCOPE)
    state["log"] += [{"n": n, "text": noise(300, n)} for n in range(2000, 2100)]
    state["text"] += "!"
    bag = client.seal(state, scope=SCOPE)
    before = {info.name: store.get(info.name) for info in store.list()}
    assert len(before) == 2
    for name in before:
        damage(store, name, kind)
    healed = client.repair(bag, scope=SCOPE)
    assert healed == dict.fromkeys(before, "what this process has in memory")
    assert {info.name: store.get(info.name) for info in store.list()} == before
    assert opened(store, bag)[0] == state


def test_a_pack_of_which_a_part_is_forgotten_is_not_made_up():
    store = MemoryStore()
    forget()
    client = Statebag(store, policy=STORING, replicas=())
    bag = client.seal(long_log(), scope=SCOPE)
    forget()
    client = Statebag(store, policy=STORING, replicas=())
    client.get(bag, "$.log[7]", scope=SCOPE)
    store.delete(only_name(store))
    with pytest.raises(BlobMissing):
        client.repair(bag, scope=SCOPE)
    assert list(store.list()) == []


def test_a_wrong_copy_is_never_written_back():
    store = MemoryStore()
    bag = sealed(store)
    name = only_name(store)
    liar = MemoryStore()
    liar.put(name, b"x" * len(store.get(name)))
    store.delete(name)
    forget()
    with pytest.raises(BlobCorrupt):
        Statebag(store, policy=STORING, replicas=[liar]).repair(bag, scope=SCOPE)
    assert list(store.list()) == []


def test_replicas_come_from_the_environment(monkeypatch):
    name = uuid.uuid4().hex
    monkeypatch.setenv("STATEBAG_REPLICAS", f" memory://{name} , memory://other-{name}")
    assert replica_addresses() == (f"memory://{name}", f"memory://other-{name}")
    store = MemoryStore()
    bag = sealed(store)
    data = store.get(only_name(store))
    store_from_url(f"memory://{name}").put(only_name(store), data)
    store.delete(only_name(store))
    forget()
    assert Statebag(store, policy=STORING).open(bag, scope=SCOPE) == STATE


@pytest.fixture
def bucket(s3_server, monkeypatch):
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    name = f"versions-{uuid.uuid4().hex[:8]}"
    client = s3_server.client()
    client.create_bucket(Bucket=name)
    yield client, name
    client.close()


@pytest.mark.s3
@pytest.mark.parametrize("kind", ["missing", "flipped", "cut"])
def test_an_earlier_version_of_the_object_serves_too(bucket, kind):
    client, name = bucket
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    store = store_from_url(f"s3://{name}/some/prefix")
    bag = sealed(store)
    damage(store, only_name(store), kind)
    state, counted = opened(store, bag)
    assert state == STATE
    assert counted.healed_reads > 0
    pack = next(iter(Statebag(store, policy=STORING).repair(bag)))
    assert opened(store, bag)[1].healed_reads == 0
    assert only_name(store) == pack


@pytest.mark.s3
def test_versions_are_read_with_the_credentials_of_now(bucket, monkeypatch):
    """And not with those that boto3's default session, made earlier by others, still has."""
    client, name = bucket
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    boto3.setup_default_session(aws_access_key_id="OTHER", aws_secret_access_key="other")
    # A scope whose stored form has percent signs: the listing must give it back as it is.
    store = store_from_url(f"s3://{name}/some/prefix")
    forget()
    scope = "machine:ü/run 1"
    bag = Statebag(store, policy=STORING, replicas=()).seal(STATE, scope=scope)
    damage(store, only_name(store), "missing")
    forget()
    assert Statebag(store, policy=STORING, replicas=()).open(bag, scope=scope) == STATE


@pytest.mark.s3
def test_a_bucket_without_versions_has_nothing_to_heal_from(bucket):
    _, name = bucket
    store = store_from_url(f"s3://{name}/some/prefix")
    bag = sealed(store)
    store.delete(only_name(store))
    with pytest.raises(BlobMissing):
        opened(store, bag)


def test_a_replica_whose_address_is_wrong_does_not_hide_the_others(caplog):
    store = MemoryStore()
    bag = sealed(store)
    replica = copied(store)
    store.delete(only_name(store))
    with caplog.at_level(logging.WARNING, "statebag"):
        state, _ = opened(
            store, bag, "nowhere://user:PASSWORD@x", "file:///no/such/folder", replica
        )
    assert state == STATE
    assert "replica 1 cannot be used" in caplog.text
    assert "PASSWORD" not in caplog.text


def test_versions_that_cannot_be_read_do_not_hide_what_is_lost():
    class Refusing(MemoryStore):
        def versions(self, name):
            raise ConfigurationError("no boto3", object_name=name)

    store = Refusing()
    bag = sealed(store)
    store.delete(only_name(store))
    with pytest.raises(BlobMissing):
        opened(store, bag)


def test_versions_are_looked_for_within_the_deadline(monkeypatch):
    """A server that accepts connections and never answers."""
    given = []

    def noted(*arguments, seconds, **options):
        given.append(seconds)
        return client_of(*arguments, seconds=seconds, **options)

    client_of = aws_sdk.client_of
    monkeypatch.setattr(aws_sdk, "client_of", noted)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with canned_server(b"", silent=True) as (endpoint, requests):
        with deadline(1.0), pytest.raises(StoreUnavailable):
            list(
                read_versions(
                    "bucket",
                    "key",
                    options={"region": "us-east-1", "endpoint": endpoint},
                    variables=dict(store_settings()),
                    region="us-east-1",
                    credentials=None,
                )
            )
        assert max(given) <= 1  # seconds, after which boto3 ends a request
        until = time.monotonic() + 60
        while not requests and time.monotonic() < until:
            time.sleep(0.01)  # the server reads what has come
        assert len(requests) == 1, "boto3 itself tries nothing again"


@pytest.mark.s3
def test_after_the_deadline_no_further_version_is_read(bucket, s3_server):
    client, name = bucket
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two", b"three"):
        client.put_object(Bucket=name, Key="key", Body=body)
    how = {
        "options": {"endpoint": s3_server.endpoint},
        "variables": dict(store_settings()),
        "region": s3_server.region,
        "credentials": None,
    }
    found = read_versions(name, "key", **how)
    assert next(found) == b"three"
    with deadline(0):
        assert list(found) == []
    assert list(read_versions(name, "key", **how)) == [b"three", b"two", b"one"]


def test_a_replica_is_asked_once_unless_more_attempts_are_wanted():
    replica = MemoryStore()
    replica.put("a", b"whole")
    for attempts, answers in (({}, 0), ({"attempts": 1}, 0), ({"attempts": 2}, 1)):
        recording = RecordingStore(FaultyStore(replica, [Fault("get", 1)]))
        found = list(Recovery(MemoryStore(), [recording], **attempts).wholes("a"))
        assert len(found) == answers
        assert len(recording.of("get")) == answers + 1


class KeepsVersions(MemoryStore):
    def versions(self, name):
        raise StoreUnavailable("the store did not answer")
        yield b""


def test_what_another_place_does_not_give_is_told_by_object_place_and_code(caplog):
    replica = MemoryStore()
    store = KeepsVersions()
    with caplog.at_level(logging.WARNING, "statebag"):
        damaged = BlobCorrupt("damaged")
        assert list(Recovery(store, [replica]).spans("m/run/a.pack", 0, 4, damaged)) == []
    assert [record.getMessage() for record in caplog.records] == [
        "no intact copy in the store itself, read again: blob_missing",
        f"no intact copy in {replica.url}: blob_missing",
        "versions of m/run/a.pack could not be read: store_unavailable",
    ]


def test_earlier_versions_are_given_whole_and_in_spans_the_newest_first():
    class Versions(MemoryStore):
        def versions(self, name):
            yield from (b"newest", b"oldest")

    store = Versions()
    place = f"an earlier version in {store.url}"
    recovery = Recovery(store)
    assert list(recovery.wholes("a")) == [(place, b"newest"), (place, b"oldest")]
    spans = list(recovery.spans("a", 1, 3, BlobMissing("gone")))
    assert spans == [(place, b"ewe"), (place, b"lde")]
