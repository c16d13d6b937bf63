"""Stubs and their wire form; what is refused is in tests/test_forged.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag.errors import InvalidState
from statebag.format.json_text import decode, encode
from statebag.format.stub import (
    KEY,
    THIS_PACK,
    Blob,
    Carried,
    Entry,
    Escaped,
    Pieces,
    Rest,
    Stored,
    joined_size,
)
from statebag.format.stub_parsing import longest_frame, parse_stub
from statebag.format.unopened import Unopened
from tests.strategies import VALUES

DIGESTS = st.integers(0, 2**256 - 1).map("{:064x}".format)
SIZES = st.integers(0, 2**53)
PACKS = st.builds("machine/run/{:032x}.pack".format, st.integers(0, 3))


def _blob(sha256, size, at, offset, length):
    return Blob(sha256, size, at, offset, min(length, longest_frame(size)))


BLOBS = st.builds(_blob, DIGESTS, SIZES, PACKS, SIZES, SIZES)
SHAPES = st.one_of(
    st.just((None, 0)), st.tuples(st.sampled_from(["array", "object"]), st.integers(0, 10**6))
)
STORED = st.builds(lambda blob, shape: Stored(blob, *shape), BLOBS, SHAPES)
CARRIED = st.builds(
    lambda sha256, size, frame, shape: Carried(sha256, size, frame, *shape),
    DIGESTS,
    SIZES,
    st.binary(max_size=60),
    SHAPES,
)
SMALL = st.integers(1, 10**6)


def _entry(blob, count, size, level):
    own = min(blob.size, 16_777_216) if level else size  # a node's text has a bound
    length = min(blob.length, longest_frame(own))
    return Entry(Blob(blob.sha256, own, blob.at, blob.offset, length), count, size, level)


ENTRIES = st.lists(
    st.builds(_entry, BLOBS, SMALL, SMALL, st.integers(0, 12)), min_size=1, max_size=5
)


@st.composite
def pieces(draw):
    entries = tuple(draw(ENTRIES))
    kind = draw(st.sampled_from(["array", "object"]))
    count, size = draw(SMALL), draw(SMALL)
    tail = draw(
        st.one_of(
            st.none(),
            st.builds(lambda sha256: Carried(sha256, size, b"frame", kind, count), DIGESTS),
            st.builds(
                lambda sha256: Stored(
                    Blob(sha256, size, "m/" + "0" * 32 + ".pack", 8, 9), kind, count
                ),
                DIGESTS,
            ),
        )
    )
    sizes = [entry.size for entry in entries] + ([size] if tail else [])
    total = sum(entry.count for entry in entries) + (count if tail else 0)
    return Pieces(kind, total, joined_size(sizes), entries, tail)


WHOLES = st.one_of(STORED, CARRIED, pieces())
STUBS = st.one_of(
    WHOLES,
    st.builds(Escaped, st.dictionaries(st.text(max_size=5), VALUES, max_size=3)),
    st.builds(
        lambda whole, beside: Rest(whole, tuple(beside), dict.fromkeys(beside, 1)),
        WHOLES,
        st.lists(st.text(max_size=5).filter(lambda name: name != KEY), unique=True, max_size=3),
    ),
)


@given(STUBS)
def test_a_stub_is_what_its_wire_form_says(stub):
    siblings = stub.siblings if isinstance(stub, Rest) else {}
    wire = decode(encode({KEY: stub.to_wire(), **siblings}))
    assert parse_stub(wire, "$") == stub
    unopened = Unopened(wire, stub)
    assert unopened == Unopened(decode(encode(wire)), stub)
    assert unopened != Unopened({}, stub)
    with pytest.raises(InvalidState):
        assert unopened != wire
    assert "statebag__" not in repr(unopened)


@given(st.lists(st.lists(st.integers(), min_size=1, max_size=5), min_size=1, max_size=5))
def test_the_size_of_what_is_joined(runs):
    whole = [item for run in runs for item in run]
    assert joined_size([len(encode(run)) for run in runs]) == len(encode(whole))


def test_a_blob_is_placed_once():
    blob = Blob("0" * 64, 7, THIS_PACK, 8, 9)
    assert blob.placed("a").at == "a"
    assert blob.placed("a").placed("b").at == "a"
