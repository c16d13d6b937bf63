"""What every form answers, whichever it is."""

import pytest

from statebag.errors import BlobCorrupt
from statebag.format.blobs import THIS_PACK
from statebag.format.codec import compress, make_patch, sha256_hex
from statebag.format.form import Whole
from statebag.format.stub import (
    KEY,
    Blob,
    Carried,
    Entry,
    Escaped,
    Extent,
    Patched,
    Pieces,
    Rest,
    Stored,
    joined_size,
)
from statebag.format.stub_parsing import FORMS, parse_stub

PACK, OTHER = f"m/e/{'1' * 32}.pack", f"m/e/{'2' * 32}.pack"
TEXT = b'["' + b"some words " * 40 + b'"]'
EDITED = TEXT.replace(b"some", b"more", 1)


def blob(text, at=PACK):
    return Blob(sha256_hex(text), len(text), at, 8, len(text))


def carried(text, count=1):
    return Carried(sha256_hex(text), len(text), compress(text), "array", count)


STORED = Stored(blob(TEXT), "array", 1)
TAIL = b"[1]"
PIECES = Pieces(
    "array",
    2,
    joined_size([len(TEXT), len(TAIL)]),
    (Entry(blob(TEXT), 1, len(TEXT)),),
    carried(TAIL),
    (Extent(OTHER, 8, 9),),
)
PATCHED = Patched(STORED, sha256_hex(EDITED), len(EDITED), make_patch(EDITED, TEXT), "array", 1)
WHOLES = [STORED, carried(TEXT), PIECES, PATCHED]
BYTES = [False, True, True, True]
TEXTS = {blob(TEXT): TEXT}


@pytest.mark.parametrize("stub", WHOLES, ids=lambda stub: stub.form)
def test_what_is_written_is_read_again(stub):
    assert parse_stub({KEY: stub.to_wire()}, "$") == stub
    rest = Rest(stub, ("a",), {"a": 1})
    assert parse_stub({KEY: rest.to_wire(), "a": 1}, "$") == rest


@pytest.mark.parametrize("stub", WHOLES, ids=lambda stub: stub.form)
def test_a_value_is_made_of_the_stub_and_what_it_names(stub):
    base = b"" if stub.base is None else stub.base.text(TEXTS, (), b"")
    text = stub.text({name: TEXTS[name] for name in stub.blobs()}, stub.entries, base)
    assert len(text) == stub.size
    assert stub.digest in {None, sha256_hex(text)}
    assert stub.in_store is bool(stub.blobs())
    assert stub.packs() == {name.at for name in stub.blobs()}
    assert stub.kind == "array"


@pytest.mark.parametrize(("stub", "expected"), list(zip(WHOLES, BYTES, strict=True)))
def test_a_stub_says_whether_it_holds_bytes_of_its_own_and_a_rest_says_it_of_its_whole(
    stub, expected
):
    assert stub.has_bytes is expected
    rest = Rest(stub, (), {})
    assert (rest.has_bytes, rest.packs(), rest.kind) == (expected, stub.packs(), "object")
    assert rest.whole is stub.whole is stub
    assert rest.generation == stub.generation


def test_pieces_without_a_tail_in_the_bag_only_name_objects():
    stored = Pieces("array", 1, len(TEXT), PIECES.entries, Stored(blob(TAIL, OTHER), "array", 0))
    assert not stored.has_bytes
    assert stored.packs() == {PACK, OTHER}
    assert stored.fingerprint == PIECES.fingerprint, "the same pieces, wherever they lie"
    assert stored.without_reads() is stored
    assert PIECES.without_reads().reads == ()


def test_the_pack_that_was_just_written_gets_its_name_everywhere():
    new = blob(TEXT, THIS_PACK)
    stub = Pieces("array", 2, PIECES.size, (Entry(new, 1, 9),), Stored(new), (Extent("", 8, 9),))
    placed = stub.placed(PACK)
    assert placed.packs() == {PACK}
    assert placed.reads == (Extent(PACK, 8, 9),)
    assert PIECES.placed(OTHER).packs() == {PACK}, "what lay elsewhere stays there"
    assert carried(TEXT).placed(PACK) == carried(TEXT)


def test_escaped_data_names_nothing_and_is_no_stub_of_a_value():
    stub = Escaped({KEY: 1})
    assert stub.is_data
    assert (stub.packs(), stub.has_bytes, stub.kind) == (set(), False, "object")
    assert stub.original == {KEY: 1}


def test_a_text_that_is_not_what_the_stub_says_is_refused():
    wrong = Carried(sha256_hex(b"1"), len(TEXT), compress(TEXT))
    with pytest.raises(BlobCorrupt):
        wrong.text()
    with pytest.raises(BlobCorrupt):
        PATCHED.text({}, (), TEXT.replace(b"words", b"birds"))


def test_each_form_is_read_by_its_own_field():
    marks = {mark for stub in WHOLES for mark in FORMS if mark in stub.to_wire()}
    assert marks == set(FORMS)
    ours = {one for one in Whole.__subclasses__() if one.__module__.startswith("statebag.")}
    assert {type(stub) for stub in WHOLES} == ours
