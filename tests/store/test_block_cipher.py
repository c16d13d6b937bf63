"""Encrypted blocks: what is changed, moved, cut off or of another key is noticed."""

import pytest

from statebag import (
    BlobCorrupt,
    ConfigurationError,
    NotPermitted,
    Policy,
    Statebag,
)
from statebag.store.encrypted import BLOCK, EncryptedStore, Keys
from statebag.store.memory import MemoryStore
from tests.store.encrypted_states import KEY, OTHER, SCOPE, STATE, client_of


def test_the_same_object_is_the_same_bytes_again():
    one, two = MemoryStore(), MemoryStore()
    for store in (one, two):
        client_of(store, KEY).seal(STATE, scope=SCOPE)
    names = [info.name for info in one.list()]
    assert names == [info.name for info in two.list()]
    assert [one.get(name) for name in names] == [two.get(name) for name in names]


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
