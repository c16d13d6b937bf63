"""What leaves answers for itself, and is never changed by a step of sealing."""

from statebag.format.codec import sha256_hex
from statebag.format.json_text import encode
from statebag.format.stub import Blob, Stored
from statebag.opening.known import Known
from statebag.sealing.encoded import Encoded
from statebag.sealing.leaving import Single
from tests.bags import noise
from tests.sealing.moves import move_from

HERE, THERE = (f"m/{digit * 32}.pack" for digit in "12")
TEXT = encode(noise(3000))
BLOB = Blob(sha256_hex(TEXT), len(TEXT), HERE, 8, 900)


def single(**more):
    return Single(("a",), "source", Encoded(TEXT, 3), "m", **more)


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
    known = Known()
    assert (one.movable(known), one.fixed(), one.relied_on()) == ([(HERE, 900)], set(), {HERE})
    assert one.moved(move_from(THERE)) is one
    moved = one.moved(move_from(HERE))
    assert (moved.blob, moved.stored, moved.relied_on()) == (None, True, set())
    packs = frozenset({HERE, THERE})
    patched = single(base=Stored(BLOB), patch=b"patch", relies_on=packs)
    assert (patched.movable(known), patched.fixed(), patched.relied_on()) == ([], packs, packs)
