"""What a reader takes for a stub; what is forged and refused is in tests/test_forged.py."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag import InvalidStub, UnsupportedFormat
from statebag._version import __version__
from statebag.format.codec import compress
from statebag.format.pack import LARGEST_NODE
from statebag.format.stub import KEY
from statebag.format.stub_parsing import longest_frame, parse_stub


@given(st.binary(max_size=3000), st.integers(-7, 19))
def test_no_frame_is_longer_than_the_bound(text, level):
    assert len(compress(text, level)) <= longest_frame(len(text))


def test_no_frame_of_noise_is_longer_than_the_bound():
    for size in (0, 1, 127, 128, 1000, 131_071, 131_072, 1_000_000):
        assert len(compress(random.Random(size).randbytes(size))) <= longest_frame(size)


def of_version(**fields):
    return {KEY: {"sha256": "0" * 64, "size": 1, **fields}}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"v": 2, "since": "0.3"}, ("version 2 ", __version__, "Install statebag 0.3 or newer")),
        ({"v": 2.0, "since": "1.12.0"}, ("version 2 ", "statebag 1.12.0 or newer")),
        ({"v": 2}, ("version 2 ", "a newer statebag")),
        ({"v": 10**30, "since": "0.3"}, ("a version ", "statebag 0.3 or newer")),
        ({"v": "CANARY", "since": "CANARY"}, ("a version ", "a newer statebag")),
        ({"v": 2, "since": "0.3; CANARY"}, ("a newer statebag",)),
        ({"v": 2, "since": ["0.3"]}, ("a newer statebag",)),
        ({"v": 2, "since": "0." + "1" * 4000}, ("a newer statebag",)),
        ({"v": float("nan")}, ("a version ",)),
        ({"v": True}, ("a version ",)),
        ({"v": 0}, ("a version ",)),
    ],
)
def test_a_form_of_a_later_release_says_which_one_to_install(fields, says):
    with pytest.raises(UnsupportedFormat) as caught:
        parse_stub(of_version(**fields), "$.field")
    text = str(caught.value)
    assert caught.value.path == "$.field"
    assert not caught.value.retryable
    assert all(one in text for one in says), text
    assert "CANARY" not in text
    assert len(text) < 300


def test_a_patched_value_has_a_count_only_with_a_kind():
    base = {"sha256": "0" * 64, "size": 9, "at": f"m/run/{'0' * 32}.pack", "span": [8, 9]}
    body = {"v": 1, "sha256": "1" * 64, "size": 9, "patch": "", "base": base}
    assert parse_stub({KEY: body}, "$").count == 0
    assert parse_stub({KEY: {**body, "count": 7}}, "$").count == 0
    whole = parse_stub({KEY: {**body, "kind": "array", "count": 7}}, "$")
    assert (whole.kind, whole.count) == ("array", 7)
    with pytest.raises(InvalidStub):
        parse_stub({KEY: {**body, "kind": "array"}}, "$")


def node_of(size):
    row = [1, 3, "0" * 64, 0, 8, 9, 1, size]
    packs = [f"m/run/{'0' * 32}.pack"]
    body = {"v": 1, "kind": "array", "count": 1, "size": 3, "packs": packs, "pieces": [row]}
    return {KEY: body}


def test_the_text_of_a_node_has_a_bound():
    assert parse_stub(node_of(LARGEST_NODE), "$").entries[0].blob.size == LARGEST_NODE
    for size in (LARGEST_NODE + 1, 2**53):
        with pytest.raises(InvalidStub):
            parse_stub(node_of(size), "$")
