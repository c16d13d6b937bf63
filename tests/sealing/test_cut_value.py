"""What leaves in pieces: its newest pieces may travel with the tail."""

from statebag.format.codec import sha256_hex
from statebag.sealing.cut_value import Cut
from statebag.sealing.cutting import Piece
from statebag.sealing.encoded import Encoded
from statebag.sealing.leaving import Single


def single(**more):
    return Single(("a",), "source", Encoded(b"[1]", 3), "m", **more)


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
