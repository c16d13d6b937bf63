"""What leaves answers for itself, and is never changed by a step of sealing."""

from msgspec.structs import replace

from statebag.format.codec import compress, sha256_hex
from statebag.format.json_text import encode
from statebag.format.stub import KEY, Blob, Carried, Entry, Pieces, Stored
from statebag.format.unopened import Unopened
from statebag.opening.known import Known
from statebag.sealing.cutting import Piece
from statebag.sealing.layout import lay_out
from statebag.sealing.leaving import Cut, Encoded, Kept, Single
from tests.bags import noise

HERE, THERE = (f"m/{digit * 32}.pack" for digit in "12")
TEXT = encode(noise(3000))
BLOB = Blob(sha256_hex(TEXT), len(TEXT), HERE, 8, 900)


def single(**more):
    return Single(("a",), "source", Encoded(TEXT, 3), "m", **more)


def unread(stub):
    return Kept.unopened(("a",), Unopened({KEY: stub.to_wire()}, stub))


def carried(items):
    text = encode(items)
    return Carried(sha256_hex(text), len(text), compress(text, 19), "array", len(items))


def test_a_text_is_compressed_once_and_a_frame_that_came_travels_on():
    encoded = Encoded(TEXT, 3)
    assert encoded.frame is encoded.frame
    assert encoded.sha256 is encoded.sha256
    came = encoded.came_as("0" * 64, b"a frame")
    assert (came.sha256, came.frame, came.text) == ("0" * 64, b"a frame", TEXT)
    assert encoded.sha256 == sha256_hex(TEXT)


def test_what_is_carried_is_stored_as_another_part():
    one = single()
    stored = one.storing()
    assert (one.carried, one.new_bytes) == (one, 0)
    assert (stored.carried, stored.carried_bytes) == (None, 0)
    assert stored.new_bytes == len(one.encoded.frame)
    assert stored.storing() is stored


def test_a_blob_that_is_at_hand_moves_and_a_difference_stays_with_its_base():
    one = single(blob=BLOB)
    assert (one.movable(), one.fixed(), one.relied_on()) == ([(HERE, 900)], set(), {HERE})
    assert one.moved({THERE}, "m", 3) is one
    moved = one.moved({HERE}, "m", 3)
    assert (moved.blob, moved.stored, moved.relied_on()) == (None, True, set())
    packs = frozenset({HERE, THERE})
    patched = single(base=Stored(BLOB), patch=b"patch", relies_on=packs)
    assert (patched.movable(), patched.fixed(), patched.relied_on()) == ([], {HERE}, packs)


def test_a_kept_stub_moves_only_if_its_value_was_read():
    read = Kept.unchanged(("a",), "x", Stored(BLOB), frozenset({HERE}))
    assert read.movable() == [(HERE, 900)]
    assert read.moved({HERE}, "m", 3).text == b'"x"'
    passing = unread(Stored(BLOB))
    assert (passing.movable(), passing.fixed(), passing.relied_on()) == ([], {HERE}, set())
    assert passing.moved({HERE}, "m", 3) is passing


def test_an_unread_frame_settles_as_the_bytes_that_came():
    stub = carried([1, 2, 3])
    one = unread(stub).settled("m", 3)
    assert one.encoded.frame == stub.frame
    assert lay_out(one, "m", Known(), 3).bag == {KEY: stub.to_wire()}
    stored = unread(Stored(BLOB))
    assert stored.settled("m", 3) is stored


def test_pieces_that_were_not_read_fold_and_their_tail_is_stored():
    entries = tuple(Entry(replace(BLOB, offset=8 + n), 1, len(TEXT)) for n in range(5))
    tail = carried([1, 2])
    stub = Pieces("array", 7, 5 * (len(TEXT) - 1) + 1 + len("1,2") + 1, entries, tail)
    kept = unread(stub)
    cut = kept.settled("m", 3)
    assert isinstance(cut, Cut)
    assert cut.carried.text == b"[1,2]"
    assert lay_out(cut, "m", Known(), 3).bag == {KEY: stub.to_wire()}
    folded = kept.folded("m", 3)
    assert (len(folded.top), folded.carried) == (1, None)
    assert folded.wire < cut.wire
    assert cut.relied_on() == set(), "whoever wrote the stub relied on it"


def test_the_newest_pieces_are_apart_from_the_tail_once_it_is_stored():
    pieces = tuple(Piece(b"[%d]" % n, 1, sha256_hex(b"[%d]" % n)) for n in range(3))
    tail, last = single(kind="array"), single(kind="array", count=1)
    cut = Cut(
        ("a",), [], "array", 4, 99, pieces[:1], pieces[:1], tail, "m", tuple,
        newest=pieces[1:], last=last,
    )  # fmt: skip
    assert cut.with_pieces_parted() is cut
    parted = cut.storing().with_pieces_parted()
    assert (parted.members, parted.top, parted.tail, parted.newest) == (pieces, pieces, last, ())
    assert (cut.members, cut.tail) == (pieces[:1], tail)
