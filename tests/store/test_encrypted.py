"""Encrypted objects: nobody without a key reads them, and nobody changes or moves one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import (
    BlobCorrupt,
    ConfigurationError,
    NotPermitted,
    Policy,
    Statebag,
    StatebagError,
    UnsupportedFormat,
)
from statebag.environment import encryption_keys_from_environment
from statebag.format import json_text
from statebag.policy import PROTECTED_SINCE
from statebag.store.encrypted import BLOCK, EncryptedStore, Keys
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget
from statebag.testing.recording_store import RecordingStore
from statebag.testing.store_contract import StoreContract
from statebag.upkeep.fsck import fsck
from tests.store.encrypted_states import KEY, OTHER, SCOPE, STATE, client_of


class TestEncryptedStore(StoreContract):
    """Every promise of a store, through the encryption."""

    def make_store(self):
        self.inner = MemoryStore()
        return EncryptedStore(self.inner, Keys([KEY]))

    def put_raw(self, store, name, data):
        store.put(name, data)

    def get_raw(self, store, name):
        return None if self.inner.head(name) is None else store.get(name)

    def delete_raw(self, store, name):
        self.inner.delete(name)

    # Sizes are those of what is kept, so the contract's tests of exact sizes are replaced.

    def test_an_empty_object_is_an_object(self):
        store = self.make_store()
        store.put("scope/empty", b"")
        assert store.get("scope/empty") == b""
        assert store.get_ranges("scope/empty", [(0, 0)]) == [b""]
        with pytest.raises(BlobCorrupt):
            store.get_ranges("scope/empty", [(0, 1)])
        assert [found.name for found in store.list()] == ["scope/empty"]

    def test_a_second_put_replaces_the_whole_object(self):
        store = self.make_store()
        store.put("a", b"a long first version")
        store.put("a", b"short")
        assert store.get("a") == b"short"

    def test_head_tells_size_and_time(self):
        store = self.make_store()
        store.put("a", b"data")
        assert store.head("a") == self.inner.head("a")
        assert store.head("b") is None

    def test_a_list_is_in_the_order_of_names(self):
        store = self.make_store()
        for name in ("b", "a/2", "a/1"):
            store.put(name, name.encode())
        assert list(store.list()) == list(self.inner.list())
        assert [info.name for info in store.list()] == ["a/1", "a/2", "b"]


def test_a_state_comes_back_and_the_store_shows_nothing_of_it():
    store = MemoryStore()
    bag = client_of(store, KEY).seal(STATE, scope=SCOPE)
    kept = b"".join(store.get(info.name) for info in store.list())
    assert b"CANARY" not in kept
    assert b"\x28\xb5\x2f\xfd" not in kept, "no zstd frame can be seen"
    assert json_text.encode(client_of(store, KEY).open(bag)) == json_text.encode(STATE)
    for keys in ((), (OTHER,)):
        with pytest.raises(StatebagError) as caught:
            client_of(store, *keys).open(bag)
        assert "CANARY" not in str(caught.value)


def test_another_key_is_told_from_damage():
    store = MemoryStore()
    bag = client_of(store, KEY).seal(STATE, scope=SCOPE)
    with pytest.raises(NotPermitted, match="a key that this reader does not have"):
        client_of(store, OTHER).open(bag)


def test_what_did_not_change_is_not_written_again():
    recording = RecordingStore(MemoryStore())
    bag = client_of(recording, KEY).seal(STATE, scope=SCOPE)
    client = client_of(recording, KEY)
    state = client.open(bag)
    before = len(recording.calls)
    again = client.seal(state, scope=SCOPE)
    assert again == bag
    assert len(recording.calls) == before
    state["text"] += "!"
    client.seal(state, scope=SCOPE)
    written = [call for call in recording.calls[before:] if call.operation == "put"]
    assert len(written) == 1
    newest = recording.get(written[0].name)
    assert len(newest) < 60_000, "the log was not written again"


def test_keys_rotate():
    store = MemoryStore()
    old = client_of(store, KEY).seal(STATE, scope=SCOPE)
    both = client_of(store, OTHER, KEY)
    state = both.open(old)
    state["text"] = "new" + state["text"]
    new = both.seal(state, scope=SCOPE)
    assert client_of(store, OTHER, KEY).open(new) == state
    with pytest.raises(NotPermitted):
        client_of(store, OTHER).open(new)  # the log is still under the retired key


def test_plain_objects_of_before_stay_readable():
    store = MemoryStore()
    bag = client_of(store).seal(STATE, scope=SCOPE)
    client = client_of(store, KEY)
    state = client.open(bag)
    assert state == STATE
    state["text"] += "!"
    later = client.seal(state, scope=SCOPE)
    assert client_of(store, KEY).open(later) == state


@given(
    st.sampled_from([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7]),
    st.integers(0, 4 * BLOCK),
    st.integers(0, 2 * BLOCK),
)
def test_a_range_is_a_range_of_the_whole(size, offset, length):
    store = EncryptedStore(MemoryStore(), Keys([KEY]))
    data = bytes(n * 7 % 251 for n in range(size))
    store.put("a", data)
    if length == 0 or offset + length <= size:
        expected = data[offset : offset + length]
        assert store.get_ranges("a", [(offset, length)]) == [expected]
    else:
        with pytest.raises(BlobCorrupt):
            store.get_ranges("a", [(offset, length)])


def test_damage_is_healed_from_a_replica_and_found_by_fsck():
    store, replica = MemoryStore(), MemoryStore()
    bag = client_of(store, KEY).seal(STATE, scope=SCOPE)
    for info in list(store.list()):
        kept = store.get(info.name)
        replica.put(info.name, kept)
        store.put(info.name, kept[:100] + b"x" + kept[101:])
    forget()
    client = Statebag(store, replicas=[replica], encryption_keys=[KEY])
    assert not fsck(client.store).whole
    assert client.open(bag) == STATE
    assert client.repair(bag)
    assert fsck(client.store).whole
    assert client_of(store, KEY).open(bag) == STATE


def test_the_store_of_another_client_is_not_encrypted_twice():
    store = MemoryStore()
    first = client_of(store, KEY)
    second = client_of(first.store, KEY)
    bag = second.seal(STATE, scope=SCOPE)
    assert client_of(store, KEY).open(bag) == STATE


def test_no_keys_encrypt_nothing():
    for keys in ((), [], {}):
        store = MemoryStore()
        forget()
        Statebag(store, replicas=(), encryption_keys=keys).seal(STATE, scope=SCOPE)
        assert [store.get(info.name)[:4] for info in store.list()] == [b"SBAG"]


def test_keys_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("STATEBAG_ENCRYPTION_KEYS", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
    assert encryption_keys_from_environment() == (KEY,)
    store = FileStore(tmp_path)
    bag = Statebag(store).seal(STATE, scope=SCOPE)
    assert client_of(store, KEY).open(bag) == STATE
    assert all(b"STATEBAG" not in path.read_bytes()[:8] for path in tmp_path.rglob("*.pack"))
    for wrong in ("not base64!", "AAEC$", "AA EC", "AAEC====", "ÄAEC"):
        with pytest.raises(ConfigurationError) as caught:
            encryption_keys_from_environment({"STATEBAG_ENCRYPTION_KEYS": wrong})
        assert wrong not in str(caught.value)


def test_without_the_extra_it_says_what_to_install():
    code = """
import sys
sys.modules["cryptography"] = None
from statebag import ConfigurationError, Statebag
Statebag("memory://").seal({"a": "x" * 50000}, scope="a/b")
try:
    Statebag("memory://", encryption_keys=[bytes(32)])
except ConfigurationError as error:
    print(error.hint)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert answer.stdout.strip() == "Install the extra: pip install 'statebag[encryption]'"


@pytest.mark.parametrize(("version", "forms"), [(1, 2), (2, 3)])
def test_objects_of_every_version_stay_readable(version, forms):
    """Golden: sealed with the key 00 01 02 ... 1f."""
    folder = Path(__file__).parent.parent / "golden" / f"encrypted{version}"
    state = json.loads((folder / "state.json").read_text())
    bag = json.loads((folder / "bag.json").read_text())
    kept = FileStore(folder / "store", create=False)
    names = [info.name for info in kept.list()]
    assert {kept.get(name)[:6] for name in names} == {b"SBENC" + bytes([version])}
    for writing in (2, 3):
        assert client_of(kept, KEY, forms=writing).open(bag) == state
    # The same bytes again, so that a retry of any release changes nothing.
    store = MemoryStore()
    writer = EncryptedStore(store, Keys([KEY], misuse_resistant=forms >= PROTECTED_SINCE))
    plain = EncryptedStore(kept, Keys([KEY]))
    for name in names:
        writer.put(name, plain.get(name))
        assert store.get(name) == kept.get(name)


def test_a_range_of_either_version_is_one_request():
    data = bytes(n % 251 for n in range(3 * BLOCK))
    for misuse_resistant in (False, True):
        recording = RecordingStore(MemoryStore())
        EncryptedStore(recording, Keys([KEY], misuse_resistant=misuse_resistant)).put("a", data)
        before = len(recording.calls)
        reader = EncryptedStore(recording, Keys([KEY]))
        assert reader.get_ranges("a", [(5000, 3000)]) == [data[5000:8000]]
        assert len(recording.calls) == before + 1


def required(store, **given):
    forget()
    policy = Policy(carry_bytes=0, require_encryption=True)
    return Statebag(store, policy=policy, replicas=(), **given)


def test_a_client_that_requires_encryption_needs_keys(monkeypatch):
    for keys in ({}, {"encryption_keys": ()}, {"encryption_keys": []}):
        with pytest.raises(ConfigurationError, match="require_encryption") as caught:
            required(MemoryStore(), **keys)
        assert "STATEBAG_ENCRYPTION_KEYS" in caught.value.hint
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    with pytest.raises(ConfigurationError, match="STATEBAG_PLAIN"):
        required(MemoryStore(), encryption_keys=[KEY])


def test_a_plain_object_is_refused_where_encryption_is_required():
    store = MemoryStore()
    bag = client_of(store).seal(STATE, scope=SCOPE)
    client = required(store, encryption_keys=[KEY])
    (info,) = store.list()
    for read in (
        lambda: client.open(bag),
        lambda: client.get(bag, "$.text"),
        lambda: client.store.get(info.name),
    ):
        with pytest.raises(NotPermitted, match="not encrypted") as caught:
            read()
        assert caught.value.object_name == info.name
    assert client.open(client.seal(STATE, scope=SCOPE)) == STATE


def test_a_plain_copy_in_a_replica_is_refused_too():
    store, replica = MemoryStore(), MemoryStore()
    bag = client_of(replica).seal(STATE, scope=SCOPE)
    forget()
    policy = Policy(carry_bytes=0, require_encryption=True)
    client = Statebag(store, policy=policy, replicas=[replica], encryption_keys=[KEY])
    with pytest.raises(StatebagError):
        client.open(bag)


def test_the_store_of_a_client_that_requires_nothing_is_used_as_the_policy_says():
    store = MemoryStore()
    bag = client_of(store).seal(STATE, scope=SCOPE)
    strict = required(client_of(store, KEY).store, encryption_keys=[KEY])
    with pytest.raises(NotPermitted):
        strict.open(bag)


def test_what_needs_no_key_works_where_keys_are_required():
    client = required(MemoryStore(), encryption_keys=[KEY])
    bag = client.seal(STATE, scope=SCOPE)
    archive = client.export(bag)
    assert client.open(client.unpack(archive, scope="machine/other")) == STATE


def test_an_object_of_a_later_version_is_no_plain_one():
    inner = MemoryStore()
    store = EncryptedStore(inner, Keys([KEY]))
    store.put("scope/one", b"text" * 100)
    # With a key that is known it is this version's, damaged: that is healed from elsewhere.
    inner.put("scope/one", inner.get("scope/one").replace(b"SBENC\x02", b"SBENC\x03", 1))
    assert store.get("scope/one") != b"text" * 100
    inner.put("scope/one", b"SBENC\x03\r\n" + bytes(8000))
    with pytest.raises(UnsupportedFormat):
        store.get("scope/one")
    with pytest.raises(UnsupportedFormat):
        store.get_ranges("scope/one", [(0, 10)])
