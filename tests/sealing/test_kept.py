"""A stub that stays as it was: it moves, settles and folds only as far as its value is known."""

from msgspec.structs import replace

from statebag.format.codec import compress, sha256_hex
from statebag.format.json_text import encode
from statebag.format.stub import KEY, Blob, Carried, Entry, Pieces, Rest, Stored
from statebag.format.unopened import Unopened
from statebag.opening.known import Known
from statebag.sealing.cut_value import Cut
from statebag.sealing.kept import Kept
from statebag.sealing.layout import lay_out
from statebag.sealing.parts import Unread
from tests.bags import noise
from tests.sealing.moves import move_from

HERE = f"m/{'1' * 32}.pack"
THERE = f"m/{'2' * 32}.pack"
TEXT = encode(noise(3000))
BLOB = Blob(sha256_hex(TEXT), len(TEXT), HERE, 8, 900)


def unread(stub):
    return Kept.unopened(("a",), Unopened({KEY: stub.to_wire()}, stub))


def carried(items):
    text = encode(items)
    return Carried(sha256_hex(text), len(text), compress(text, 19), "array", len(items))


def test_a_kept_stub_moves_only_if_its_value_was_read():
    read = Kept.unchanged(("a",), "x", Stored(BLOB), frozenset({HERE}), None)
    assert read.movable(Known()) == [(HERE, 900)]
    assert read.moved(move_from(HERE)).text == b'"x"'
    assert read.moved(move_from(THERE)) is read
    passing = unread(Stored(BLOB))
    assert (passing.movable(Known()), passing.fixed(), passing.relied_on()) == ([], set(), set())
    assert passing.unread() == Unread((BLOB,))
    assert passing.moved(move_from(HERE)) is passing


def test_a_stub_with_fields_next_to_it_is_not_read_to_move():
    stub = Rest(Stored(BLOB, "object", 2), ("b",), {"b": 2})
    wire = {KEY: {**stub.to_wire(), "rest": True}, "b": 2}
    kept = Kept.unopened(("a",), Unopened(wire, stub))
    assert kept.unread() == Unread()
    assert kept.with_read(move_from(HERE)) is kept


def test_a_value_that_is_known_by_its_digest_alone_keeps_its_packs():
    entries = (Entry(BLOB, 1, len(TEXT)), Entry(replace(BLOB, at=THERE), 1, len(TEXT)))
    kept = Kept.unchanged(
        ("a",), [1, 2], Pieces("array", 2, 9, entries), frozenset({HERE, THERE}), None
    )
    assert (kept.movable(Known()), kept.unread()) == ([], Unread())
    assert kept.fixed() == {HERE, THERE}


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
