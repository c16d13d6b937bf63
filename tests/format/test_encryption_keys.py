"""Keys that cannot encrypt are refused, and never quoted."""

import pytest

from statebag.errors import ConfigurationError, NotPermitted, UnsupportedFormat
from statebag.format.encryption_keys import (
    KEY_BYTES,
    MAGIC,
    OLDER_MAGIC,
    check_keys,
    check_not_encrypted,
    has_newer_magic,
)


def test_keys_of_the_right_length_are_taken():
    check_keys([b"k" * KEY_BYTES, b"l" * KEY_BYTES])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "is empty"),
        ([b"short-SECRET"], "key 1 must be 32 bytes"),
        ([b"k" * 32, b"k" * 33], "key 2 must be 32 bytes"),
        (["k" * 32], "key 1 must be 32 bytes"),
    ],
)
def test_other_keys_are_refused(keys, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        check_keys(keys)
    assert caught.value.hint
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("start", [MAGIC, OLDER_MAGIC + b"more"])
def test_an_encrypted_object_is_refused_without_keys(start):
    with pytest.raises(NotPermitted) as caught:
        check_not_encrypted(start, "a.pack")
    assert caught.value.object_name == "a.pack"
    assert not has_newer_magic(start)


@pytest.mark.parametrize("version", [0, 3, 9, 255])
def test_another_version_of_the_magic_is_another_format(version):
    start = MAGIC[:5] + bytes([version]) + MAGIC[6:]
    assert has_newer_magic(start)
    with pytest.raises(UnsupportedFormat):
        check_not_encrypted(start, "a.pack")


@pytest.mark.parametrize("start", [b"", b"SBENC", MAGIC[:7], b"SBENC\x03\n\n", b"SBAG\x00\x01\r\n"])
def test_other_bytes_are_not_an_encrypted_object(start):
    check_not_encrypted(start, "a.pack")
