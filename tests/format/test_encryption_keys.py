"""Keys that cannot encrypt are refused, and never quoted."""

import pytest

from statebag.errors import ConfigurationError
from statebag.format.encryption_keys import KEY_BYTES, check_keys


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
