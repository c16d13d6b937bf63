"""Chunks of a value that are found again by their digests."""

import random

import pytest

from statebag import Policy, Statebag
from statebag.format.blobs import Blob, Entry
from statebag.format.codec import sha256_hex
from statebag.format.json_text import count_items, encode, join_texts
from statebag.format.stub import Stored
from statebag.opening.known import Known
from statebag.sealing import pieces
from statebag.sealing.cut_value import Cut
from statebag.sealing.cutting import cut
from statebag.sealing.pieces import Cutter
from statebag.sealing.unchanged import Around, unchanged
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget
from tests.bags import noise

AROUND = Around(b"[", b"]", b",")
SIZES = (2, 1000)


def entry(text, count=1):
    return Entry(Blob(sha256_hex(text), len(text), "m/0.pack", 0, 9), count, len(text))


CHUNKS = [b"[1,2,3]", b"[44,55]", b'["six"]', b"[7777]", b"[8,9]"]
BEFORE = [entry(one) for one in CHUNKS]


def found(text):
    same = unchanged(text, BEFORE, AROUND, SIZES)
    first, last = ([CHUNKS.index(one.text) for one in some] for some in (same.first, same.last))
    return first, text[same.start : same.stop], last


@pytest.mark.parametrize(
    ("text", "first", "middle", "last"),
    [
        (b'[1,2,3,44,55,"six",7777,8,9]', [0, 1, 2, 3, 4], b"", []),
        (b'[1,2,3,44,55,"six",7777,8,9,10]', [0, 1, 2, 3, 4], b"10", []),
        (b'[0,1,2,3,44,55,"six",7777,8,9]', [], b"0,1,2,3", [1, 2, 3, 4]),
        (b'[1,2,3,44,"new","six",7777,8,9]', [0], b'44,"new","six"', [3, 4]),
        (b"[1,2,3,7777,8,9]", [0], b"7777", [4]),
        (b"[1,2,3]", [0], b"", []),
        (b"[]", [], b"", []),
        (b"[1,2,33,44]", [], b"1,2,33,44", []),
    ],
)
def test_what_lies_between_the_chunks_is_cut_again(text, first, middle, last):
    assert found(text) == (first, middle, last)


def ends_with(text):
    return Stored(entry(text).blob, "array", 1)


@pytest.mark.parametrize(
    ("text", "middle", "last", "tail"),
    [
        (b'[1,2,3,44,"new","six",7777,8,9,10]', b'44,"new","six"', [3, 4], b"10"),
        (b"[1,2,3,44,7777,8,9,10]", b"44,7777", [4], b"10"),
        (b'[1,2,3,44,55,"six",7777,8,9,10]', b"10", [], None),
        (b'[1,2,3,44,"new","six",7777,8,9,11]', b'44,"new","six",7777,8,9,11', [], None),
        (b'[1,2,3,44,"new","six",7777,8,9]', b'44,"new","six"', [3, 4], None),
        (b"[1,2,3,44,8,9,10]", b"44,8,9,10", [], None),
        (b"[1,2,3,44,10]", b"44,10", [], None),
        (b"[10]", b"10", [], None),
        (b"[]", b"", [], None),
    ],
)
def test_the_tail_behind_the_chunks_is_found_too(text, middle, last, tail):
    same = unchanged(text, BEFORE, AROUND, SIZES, ends_with(b"[10]"))
    assert text[same.start : same.stop] == middle
    assert [CHUNKS.index(one.text) for one in same.last] == last
    assert (None if same.tail is None else text[same.tail : -1]) == tail


@pytest.mark.parametrize("kind", ["array", "object"])
@pytest.mark.parametrize("count", [300, 301, 302, 303])
def test_a_value_is_cut_as_if_all_of_it_were_cut(kind, count, monkeypatch):
    source = random.Random(count)
    cutter = Cutter(Policy(field_limit=512, piece_bytes=1024, carry_bytes=6000), "m", Known())
    items = {f"key {n}": noise(60 + n % 150, n) for n in range(count)}

    def in_pieces(members, **before):
        value = members if kind == "object" else list(members.values())
        return cutter.in_pieces(
            cutter.single(value, encode(value), ("v",)), carried=False, **before
        )

    whole = in_pieces(items)
    assert isinstance(whole, Cut)
    listed = [Entry(placed(one.text), one.count, one.size) for one in whole.members]
    tail = whole.tail and Stored(placed(whole.tail.text), kind, whole.tail.count)
    done = []
    monkeypatch.setattr(pieces, "cut", lambda *given: done.append(len(given[0])) or cut(*given))
    for _ in range(40):
        members = list(items.items())
        at, wide = source.randrange(count), source.randrange(4)
        members[at : at + wide] = [(f"new {n}", noise(40, n)) for n in range(source.randrange(4))]
        edited = dict(members)
        expected = in_pieces(edited)
        done.clear()
        found = in_pieces(edited, before=(listed, b""), tail_before=tail)
        tails = [] if found.tail is None else [found.tail.text]
        joined = join_texts([*[one.text for one in found.members], *tails], kind)
        assert joined == encode(edited if kind == "object" else list(edited.values()))
        assert [one.count for one in found.members] == [
            count_items(one.text, kind) for one in found.members
        ]
        new = {one.text for one in found.members} - {one.text for one in expected.members}
        assert len(new) <= 2, "an edit moves a boundary or two"
        assert sum(done) < 110, "what lies around the edit was cut: two or three chunks"


def placed(text):
    return Blob(sha256_hex(text), len(text), "m/0.pack", 0, 9)


def test_chunks_of_an_odd_size_are_cut_again():
    same = unchanged(b"[1,2,3,44,55]", BEFORE, AROUND, (100, 1000))
    assert same.first == same.last == []


def test_a_forged_size_is_no_chunk():
    forged = [Entry(BEFORE[0].blob, 3, 10**9), Entry(BEFORE[1].blob, 2, 2)]
    same = unchanged(b"[1,2,3,44,55]", forged, AROUND, SIZES)
    assert same.first == same.last == []


POLICY = Policy(cache_bytes=40_000, field_limit=512, piece_bytes=1024, carry_bytes=2048)


@pytest.mark.parametrize(
    "made",
    [
        lambda: noise(90_000, 1),
        lambda: [{"n": n, "text": noise(200, n)} for n in range(400)],
        lambda: {f"key {n}": noise(200, n) for n in range(400)},
    ],
    ids=["text", "array", "object"],
)
@pytest.mark.parametrize("cold", [True, False])
def test_a_value_whose_text_is_not_kept_is_written_in_part(made, cold):
    store, value = MemoryStore(), made()
    forget()
    client = Statebag(store, policy=POLICY)
    bag = client.seal({"v": value}, scope="m")
    for n in range(12):
        if cold:
            forget()
            value = client.open(bag, scope="m")["v"]
        if isinstance(value, str):
            value = value[: n * 7000] + f"<{n}>" + value[n * 7000 + n % 3 :]
        elif isinstance(value, list):
            value = [*value[: n * 30], f"<{n}>", *value[n * 30 + n % 3 :]]
        else:
            value = {**value, f"key {n * 30}": f"<{n}>", f"new {n}": n}
        with usage.measured() as cost:
            bag = client.seal({"v": value}, scope="m")
        assert cost.bytes_put < 25_000
    forget()
    assert encode(client.open(bag, scope="m")) == encode({"v": value})
