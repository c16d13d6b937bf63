"""What is cut, what travels for now, and what grows unread."""

import random

import pytest

from statebag import InvalidState, Policy
from statebag.errors import BlobCorrupt, InvalidStub
from statebag.format.codec import compress, sha256_hex
from statebag.format.json_text import decode, encode
from statebag.format.stub import KEY, Blob, Carried, Entry, Patched, Stored
from statebag.format.unopened import Grown, Unopened
from statebag.opening.known import Known
from statebag.sealing.cut_value import Cut
from statebag.sealing.cutting import Group
from statebag.sealing.layout import lay_out
from statebag.sealing.leaving import Single
from statebag.sealing.pieces import Cutter, NeedsOpened
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


@pytest.mark.parametrize("value", ["x" * 8000, [1, 2], {"a": 1}, 7])
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
    known.add_blobs(blob for blob, _ in lay_out(stored, "m", known, 3).written)
    longer = [*ITEMS, *ITEMS[:3]]
    again = cutter(known).in_pieces(
        cutter(known).single(longer, encode(longer), ("log",)), carried=True
    )
    assert isinstance(again.tail, Single)
    assert all(member.blob is not None for member in again.members)
    assert [*items_of(again.members), *decode(again.tail.text)] == longer
    assert again.newest  # stored, it is a piece of its own
    again = again.storing().with_pieces_parted()
    tail = decode(again.tail.text) if again.tail else []
    assert [*items_of(again.members), *tail] == longer


def test_new_chunks_that_are_stored_as_one_blob_stay_there():
    known = Known()
    one = cutter().single(ITEMS, encode(ITEMS), ("log",))
    known.add_blobs(
        blob for blob, _ in lay_out(cutter().in_pieces(one, carried=False), "m", known, 3).written
    )

    def again(more):
        longer = [*ITEMS, *ITEMS[:more]]
        single = cutter(known).single(longer, encode(longer), ("log",))
        return cutter(known).in_pieces(single, carried=True)

    more = next(n for n in range(1, 16) if again(n).newest and again(n).last)
    together = again(more).tail
    assert together.carried is together
    known.add_blobs([Blob(together.encoded.sha256, together.size, BLOB.at, 8, 900)])
    second = again(more)
    assert not second.newest
    assert second.carried is None
    assert second.new_bytes == 0
    assert second.relied_on() >= {BLOB.at}


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


def stored_pieces(value, known):
    """The entries of a value cut and stored as a client would, which are now known."""
    whole = cutter().in_pieces(cutter().single(value, encode(value), ("log",)), carried=False)
    written = {blob.sha256: blob for blob, _ in lay_out(whole, "m", known, 3).written}
    known.add_blobs(written.values())
    return tuple(Entry(written[one.sha256], one.count, one.size) for one in whole.members)


def cut_again(value, known, before):
    one = cutter(known).single(value, encode(value), ("log",))
    whole = cutter(known).in_pieces(one, carried=False, before=before)
    return [(piece.text, piece.count, piece.sha256, piece.blob) for piece in whole.members], (
        whole.tail.text if whole.tail else None
    )


AN_OBJECT = {f"key {n}": item for n, item in enumerate(ITEMS)}


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (ITEMS, ITEMS),
        (ITEMS, [*ITEMS, *ITEMS[:9]]),
        (ITEMS, [*ITEMS[:40], "edited", *ITEMS[41:]]),
        (ITEMS, ITEMS[:30]),
        (ITEMS, ["edited", *ITEMS]),
        (ITEMS, [*ITEMS[:40], ITEMS[40] + "x", *ITEMS[41:]]),
        (AN_OBJECT, {**AN_OBJECT, "new": 1}),
        (AN_OBJECT, {**AN_OBJECT, "key 50": 1}),
        (AN_OBJECT, ITEMS),
    ],
)
def test_what_a_value_still_begins_with_is_cut_as_it_would_be_anew(first, then):
    known = Known()
    entries = stored_pieces(first, known)
    assert cut_again(then, known, (entries, encode(first))) == cut_again(then, known, ((), b""))


def test_the_same_for_any_edit():
    for seed in range(60):
        chance = random.Random(seed)
        first = [noise(chance.choice([3, 90, 700]), chance.random()) for _ in range(90)]
        then = list(first)
        for _ in range(chance.randrange(3)):
            start = chance.randrange(len(then))
            then[start : start + chance.randrange(4)] = [noise(chance.randrange(1, 90))]
        known = Known()
        entries = stored_pieces(first, known)
        assert cut_again(then, known, (entries, encode(first))) == cut_again(
            then, known, ((), b"")
        ), seed


def test_what_was_not_digested_again_is_looked_up_where_it_may_be_read():
    entries = stored_pieces(ITEMS, Known())
    pieces, _ = cut_again(ITEMS, Known(), (entries, encode(ITEMS)))
    assert {blob for *_, blob in pieces} == {None}


def test_short_pieces_are_cut_anew_together():
    short = [ITEMS[n : n + 1] for n in range(20)]
    entries = [
        Entry(Blob(sha256_hex(encode(one)), len(encode(one)), BLOB.at, 8, 300), 1, len(encode(one)))
        for one in short
    ]
    pieces, tail = cut_again(ITEMS, Known(), (tuple(entries), encode(ITEMS)))
    assert (pieces, tail) == cut_again(ITEMS, Known(), ((), b""))


def test_pieces_that_an_enemy_wrote_are_cut_anew():
    # The first ends within a string, the next within an array; both make an array with their rest.
    for first, value in (("[" + '"' + "x" * 700, "{},y"), ("[[" + "1," * 500 + "1", "{},2]")):
        text = value.format(first).encode() + b'"' * first.startswith('["') + b"]"
        items = decode(text)
        inside = first.encode() + b"]"
        entry = Entry(Blob(sha256_hex(inside), len(inside), BLOB.at, 8, 300), 1, len(inside))
        more = [*items, *ITEMS]
        pieces, tail = cut_again(more, Known(), ((entry,), text))
        assert (pieces, tail) == cut_again(more, Known(), ((), b""))
    inside = encode(ITEMS[:9])
    entry = Entry(Blob(sha256_hex(inside), len(inside), BLOB.at, 8, 900), 1, len(inside))
    assert cut_again(ITEMS, Known(), ((entry,), encode(ITEMS))) == cut_again(
        ITEMS, Known(), ((), b"")
    )


def test_what_travelled_and_is_no_array_is_not_appended_to():
    def claiming(text, count):
        return unread(Carried(sha256_hex(text), len(text), compress(text), "array", count))

    for text in (b'{"canary":1}', b"[1,2", b"canary"):
        with pytest.raises(BlobCorrupt) as corrupt:
            cutter().grown(Grown(claiming(text, 2), [3]), ("log",))
        assert corrupt.value.path == "$.log"
        assert "canary" not in str(corrupt.value)
    with pytest.raises(InvalidStub) as invalid:
        cutter().grown(Grown(claiming(b"[1,2]", 3), [3]), ("log",))
    assert invalid.value.path == "$.log"
