"""What is cut, what travels for now, and what grows unread."""

import pytest

from statebag import InvalidState, Policy
from statebag.format.codec import compress, sha256_hex
from statebag.format.json_text import decode, encode
from statebag.format.stub import KEY, Blob, Carried, Patched, Stored
from statebag.format.unopened import Unopened
from statebag.sealing.known import Known
from statebag.sealing.layout import lay_out
from statebag.sealing.parts import Cut, Group, Single
from statebag.sealing.pieces import Cutter, Grown, NeedsOpened
from tests.bags import noise

POLICY = Policy(field_limit=1000, piece_bytes=1024, carry_bytes=6000)
BLOB = Blob("0" * 64, 5000, f"m/{'0' * 32}.pack", 8, 900)
ITEMS = [noise(200, n) for n in range(80)]


def cutter(known=None, **settings):
    return Cutter(
        Policy(**{"piece_bytes": 1024, "carry_bytes": 6000} | settings), "m", known or Known()
    )


def unread(stub):
    return Unopened({KEY: stub.to_wire()}, stub)


def carried(items):
    text = encode(items)
    return Carried(sha256_hex(text), len(text), compress(text), "array", len(items))


def items_of(members):
    """All items that pieces and groups hold, in order."""
    for member in members:
        if isinstance(member, Group):
            yield from items_of(member.members)
        else:
            yield from decode(member.text)


@pytest.mark.parametrize("value", ["x" * 9000, [1, 2], {"a": 1}, 7])
def test_what_is_small_or_has_no_items_stays_whole(value):
    one = cutter().single(value, encode(value), ("x",))
    assert cutter().in_pieces(one, carried=False) is one
    assert one.count == (len(value) if isinstance(value, list | dict) else 0)


def test_pieces_hold_all_items_in_order():
    one = cutter().single(ITEMS, encode(ITEMS), ("log",))
    whole = cutter().in_pieces(one, carried=False)
    assert isinstance(whole, Cut)
    tail = decode(whole.tail.text) if whole.tail else []
    assert [*items_of(whole.members), *tail] == ITEMS
    assert (whole.count, whole.size) == (len(ITEMS), len(encode(ITEMS)))


def test_what_is_new_travels_whole_while_it_fits():
    one = cutter(carry_bytes=60_000).single(ITEMS, encode(ITEMS), ("log",))
    assert cutter(carry_bytes=60_000).in_pieces(one, carried=True) is one
    assert isinstance(cutter(carry_bytes=1000).in_pieces(one, carried=True), Cut)


def test_a_few_new_items_travel_behind_what_is_stored():
    known = Known()
    one = cutter().single(ITEMS, encode(ITEMS), ("log",))
    stored = cutter().in_pieces(one, carried=False)
    for written in lay_out(stored, "m", known, 3).written:
        known.add_blob(written.blob)
    longer = [*ITEMS, *ITEMS[:3]]
    again = cutter(known).in_pieces(
        cutter(known).single(longer, encode(longer), ("log",)), carried=True
    )
    assert isinstance(again.tail, Single)
    assert all(member.blob is not None for member in again.members)
    assert [*items_of(again.members), *decode(again.tail.text)] == longer
    assert again.newest  # stored, it is a piece of its own
    again.part_from_newest()
    tail = decode(again.tail.text) if again.tail else []
    assert [*items_of(again.members), *tail] == longer


def test_what_grows_keeps_what_is_stored():
    grown = cutter().grown(Grown(unread(Stored(BLOB, "array", 3)), [1, 2]), ("log",))
    assert isinstance(grown, Cut)
    assert (grown.count, grown.size) == (5, 5000 + len(b",1,2"))
    assert grown.top[0].blob == BLOB


def test_what_travelled_grows_as_one_value():
    grown = cutter().grown(Grown(unread(carried([1, 2])), [3]), ("log",))
    assert isinstance(grown, Single)
    assert (decode(grown.text), grown.count, grown.kind) == ([1, 2, 3], 3, "array")


def test_only_an_array_grows_and_a_patched_one_is_read_first():
    with pytest.raises(InvalidState) as refused:
        cutter().grown(Grown(unread(Stored(BLOB, "object", 3)), [1]), ("log",))
    assert refused.value.path == "$.log"
    patched = Patched(Stored(BLOB, "array", 3), "0" * 64, 5000, b"patch", "array", 3)
    with pytest.raises(NeedsOpened) as needed:
        cutter().grown(Grown(unread(patched), [1]), ("log",))
    assert needed.value.path == ("log",)
