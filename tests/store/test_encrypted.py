"""Encrypted objects: nobody without a key reads them, and nobody changes or moves one."""

import json
import subprocess
import sys
import threading
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
    StoreUnavailable,
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
from tests.bags import noise

SCOPE = "machine/run"
KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
STATE = {
    "log": [{"n": n, "text": noise(300, n)} for n in range(300)],
    "text": noise(40_000, 1) + "CANARY" * 50,
    "small": 1,
}


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


def client_of(store, *keys, **policy):
    forget()
    return Statebag(
        store, policy=Policy(carry_bytes=0, **policy), replicas=(), encryption_keys=keys
    )


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


def test_the_same_object_is_the_same_bytes_again():
    one, two = MemoryStore(), MemoryStore()
    for store in (one, two):
        client_of(store, KEY).seal(STATE, scope=SCOPE)
    names = [info.name for info in one.list()]
    assert names == [info.name for info in two.list()]
    assert [one.get(name) for name in names] == [two.get(name) for name in names]


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


def test_an_object_does_not_open_under_another_name():
    inner = MemoryStore()
    store = EncryptedStore(inner, Keys([KEY]))
    store.put("machine/run-1/a.pack", b"secret" * 2000)
    inner.put("machine/run-2/a.pack", inner.get("machine/run-1/a.pack"))
    for read in (store.get, lambda n: store.get_ranges(n, [(5000, 10)])):
        assert read("machine/run-1/a.pack")
        with pytest.raises(BlobCorrupt):
            read("machine/run-2/a.pack")


def test_every_flipped_byte_and_every_length_is_noticed():
    inner = MemoryStore()
    store = EncryptedStore(inner, Keys([KEY]))
    data = b"secret" * 700
    store.put("a", data)
    kept = inner.get("a")
    assert BLOCK < len(data) < 2 * BLOCK

    messages = []

    def refused(changed):
        inner.put("a", changed)
        for read, right in (
            # Without its first bytes it is no encrypted object: its reader checks a digest.
            (lambda: store.get("a"), changed),
            (lambda: store.get_ranges("a", [(0, len(data))])[0], data),
        ):
            try:
                found = read()
            except (BlobCorrupt, NotPermitted) as error:
                messages.append(str(error))
            else:
                assert found in (right, changed[: len(data)])

    for at in range(len(kept)):
        refused(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])
        refused(kept[:at])
    assert len(messages) > 2 * len(kept)
    assert not any("secret" in message for message in messages)
    block = len(kept) // 2
    swapped = kept[:8] + kept[-block + 4 :] + kept[8 : 8 + block - 4]
    for changed in (kept + b"\0", kept + kept[8:], swapped):
        inner.put("a", changed)
        with pytest.raises(BlobCorrupt):
            store.get("a")


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


@pytest.mark.parametrize("size", [100, 3 * BLOCK])
def test_a_damaged_name_of_a_key_is_damage_and_not_another_key(size):
    """So that it is looked for elsewhere, and mended."""
    inner = MemoryStore()
    store = EncryptedStore(inner, Keys([KEY]))
    data = b"x" * size
    store.put("a", data)
    kept = inner.get("a")
    for at in range(8, 16):
        inner.put("a", kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])
        for read in (lambda: store.get("a"), lambda: store.get_ranges("a", [(0, 50)])):
            with pytest.raises(BlobCorrupt):
                read()
    inner.put("a", kept)
    other = EncryptedStore(inner, Keys([OTHER]))
    for read in (lambda: other.get("a"), lambda: other.get_ranges("a", [(0, 50)])):
        with pytest.raises(NotPermitted):
            read()


def test_the_store_of_another_client_is_not_encrypted_twice():
    store = MemoryStore()
    first = client_of(store, KEY)
    second = client_of(first.store, KEY)
    bag = second.seal(STATE, scope=SCOPE)
    assert client_of(store, KEY).open(bag) == STATE


def test_a_provider_is_asked_once_and_only_when_a_key_is_needed():
    asked = []

    def provider():
        asked.append(1)
        return [KEY]

    client = Statebag(MemoryStore(), replicas=(), encryption_keys=provider)
    client.seal({"small": 1}, scope=SCOPE)
    assert asked == []
    forget()
    for _ in range(2):
        assert client.open(client.seal(STATE, scope=SCOPE)) == STATE
    assert asked == [1]


@pytest.mark.parametrize(
    "keys", [[b"short"], ["x" * 32], [KEY, b""], [None], KEY, "x" * 32, b"", "", 7, iter(())]
)
def test_keys_that_are_none_are_refused_when_the_client_is_made(keys):
    with pytest.raises(ConfigurationError) as caught:
        Statebag(MemoryStore(), replicas=(), encryption_keys=keys)
    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize("given", [[], None, KEY, "x" * 32, [b"short"], [None], 7])
def test_a_provider_without_a_key_never_means_plain(given):
    store = MemoryStore()
    answers = [given, [KEY]]
    client = Statebag(store, replicas=(), encryption_keys=lambda: answers.pop(0))
    with pytest.raises(ConfigurationError):
        client.seal(STATE, scope=SCOPE)
    assert list(store.list()) == []
    client.seal(STATE, scope=SCOPE)  # the function is asked again
    assert [store.get(info.name)[:5] for info in store.list()] == [b"SBENC"]


class KmsError(Exception):
    """An error of another library."""


SECRET = "a token in an error"


def raising():
    raise KmsError(SECRET)


async def awaited():
    raise AssertionError("nobody awaits it")


def one_by_one():
    yield KEY
    raise KmsError(SECRET)


@pytest.mark.parametrize(
    ("provider", "kind", "what"),
    [
        (raising, StoreUnavailable, "raised KmsError"),
        (one_by_one, StoreUnavailable, "raised KmsError"),
        (lambda: int("no number"), StoreUnavailable, "raised ValueError"),
        (lambda _: [KEY], StoreUnavailable, "raised TypeError"),
        (awaited, ConfigurationError, "must return a list, not coroutine"),
        (lambda: KEY, ConfigurationError, "must be a list, not bytes"),
        (lambda: None, ConfigurationError, "must be a list, not NoneType"),
        (lambda: [KEY[:5]], ConfigurationError, "32 bytes"),
    ],
)
def test_a_provider_that_gives_no_keys_is_a_typed_error(provider, kind, what):
    client = Statebag(
        MemoryStore(), policy=Policy(carry_bytes=0, attempts=1), encryption_keys=provider
    )
    for call in (
        lambda: client.seal({"text": noise(50_000)}, scope=SCOPE),
        lambda: client.store.put("a", b"text"),
        lambda: client.store.salt,
    ):
        with pytest.raises(kind, match=what) as caught:
            call()
        error = caught.value
        while error is not None:  # with all that a traceback would show
            assert isinstance(error, StatebagError)
            assert SECRET not in str(error)
            assert "no number" not in str(error)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_provider_that_hangs_is_bounded_by_the_deadline():
    free = threading.Event()
    policy = Policy(carry_bytes=0, deadline_seconds=0.3)
    client = Statebag(
        MemoryStore(), policy=policy, encryption_keys=lambda: (free.wait(60), [KEY])[1]
    )
    try:
        with pytest.raises(StoreUnavailable, match="function for encryption keys"):
            client.seal({"text": noise(50_000)}, scope=SCOPE)
        assert not free.is_set()
    finally:
        free.set()


def test_a_provider_that_fails_once_is_asked_again():
    asked = []

    def provider():
        asked.append(1)
        if len(asked) == 1:
            raise KmsError(SECRET)
        return [KEY]

    client = Statebag(MemoryStore(), policy=Policy(attempts=2), encryption_keys=provider)
    client.store.put("a", b"text")
    assert client.store.get("a") == b"text"
    assert len(asked) == 2


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
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
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


def test_a_block_of_one_version_is_not_taken_into_an_object_of_the_other():
    inner = MemoryStore()
    data = b"secret" * 1000
    kept = []
    for misuse_resistant in (False, True):
        EncryptedStore(inner, Keys([KEY], misuse_resistant=misuse_resistant)).put("a", data)
        kept.append(inner.get("a"))
    older, newer = kept
    assert len(older) == len(newer)
    block = 8 + (len(newer) - 8) // 2
    store = EncryptedStore(inner, Keys([KEY]))
    for mixed in (
        newer[:block] + older[block:],
        older[:block] + newer[block:],
        newer[:8] + older[8:],
        older[:8] + newer[8:],
    ):
        inner.put("a", mixed)
        with pytest.raises(BlobCorrupt):
            store.get("a")


def test_one_nonce_for_two_texts_shows_only_that_they_differ():
    """What AES-GCM-SIV is for: each block of a name has one nonce, whatever it holds."""
    texts = [b"a" * 100, b"b" * 100]
    kept = []
    for text in texts:
        inner = MemoryStore()
        EncryptedStore(inner, Keys([KEY])).put("name", text)
        kept.append(inner.get("name")[8:])
    heads = [one[:23] for one in kept]
    assert heads[0] == heads[1]
    streams = [
        bytes(c ^ p for c, p in zip(one[23:], text.ljust(BLOCK, b"\0"), strict=False))
        for one, text in zip(kept, texts, strict=True)
    ]
    assert streams[0] != streams[1]


def test_without_the_cipher_it_says_what_to_do(monkeypatch):
    """A build of `cryptography` with an older OpenSSL has the class, and refuses to make one."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers import aead

    inner = MemoryStore()
    EncryptedStore(inner, Keys([KEY])).put("scope/a", b"text")

    def refuse(_key):
        raise UnsupportedAlgorithm("AES-GCM-SIV is not supported by this version of OpenSSL")

    monkeypatch.setattr(aead, "AESGCMSIV", refuse)
    with pytest.raises(ConfigurationError, match="AES-GCM-SIV") as caught:
        Statebag(MemoryStore(), replicas=(), encryption_keys=[KEY])
    assert "STATEBAG_FORMS=2" in caught.value.hint
    older = Statebag(inner, policy=Policy(forms=2), replicas=(), encryption_keys=[KEY])
    assert older.open(older.seal(STATE, scope=SCOPE)) == STATE
    with pytest.raises(ConfigurationError, match="AES-GCM-SIV"):
        older.store.get("scope/a")


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
