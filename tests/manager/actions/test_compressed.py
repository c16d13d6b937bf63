"""`decompress`: texts of the first version, of any size."""

import gzip
import json
from base64 import b64encode

import pytest

from statebag import BlobCorrupt, InvalidState
from statebag.default_client import from_environment
from tests.manager.actions.calls import SCOPE, call, filler, opened


def text_of(value):
    return b64encode(gzip.compress(json.dumps(value).encode())).decode()


@pytest.mark.parametrize("value", [{"n": 1}, [1, None], "text", None, 1.5])
def test_a_small_value_comes_as_it_was(value):
    assert call("decompress", compressed_data=text_of(value)) == value


def test_a_field_with_the_name_of_a_control_field_is_data():
    value = {"status": filler(200_000), "execution_id": SCOPE}
    answer = call("decompress", compressed_data=text_of(value), execution_id=SCOPE)
    assert opened(answer) == value


def test_a_large_value_comes_as_a_bag():
    value = {"text": filler(400_000)}
    answer = call("decompress", compressed_data=text_of(value), execution_id=SCOPE)
    assert answer != value
    assert opened(answer) == value
    assert from_environment().store.list()


def test_text_that_is_none_is_data_unless_it_is_strict():
    broken = text_of({"n": 1})[:-8]
    assert call("decompress", compressed_data=broken) == broken
    with pytest.raises(BlobCorrupt):
        call("decompress", compressed_data=broken, strict=True)
    with pytest.raises(InvalidState, match="the event has no compressed_data"):
        call("decompress")
