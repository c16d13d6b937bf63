"""A text with its digest and frame."""

from statebag.format.codec import compress, decompress, sha256_hex
from statebag.sealing.encoded import Encoded

TEXT = b'"' + b"a text " * 40 + b'"'


def test_digest_and_frame_are_those_of_the_text():
    one = Encoded(TEXT, 3)
    assert one.sha256 == sha256_hex(TEXT)
    assert decompress(one.frame, size=len(TEXT), sha256=one.sha256, where=None) == TEXT
    assert one.frame is one.frame


def test_what_came_is_passed_on_as_it_is():
    frame = compress(TEXT, 19)
    one = Encoded(TEXT, 1).came_as("0" * 64, frame)
    assert (one.text, one.sha256, one.frame) == (TEXT, "0" * 64, frame)
    assert one.came_as("1" * 64).frame == compress(TEXT, 1)
