from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statebag.format.codec import sha256_hex
from statebag.format.stub import Blob, Entry
from statebag.sealing.cutting import (
    MOST_IN_STUB,
    Group,
    Piece,
    cut,
    fold,
    group,
    grouped,
    pieces_of,
    without_blobs,
)
from tests.bags import noise

AIM = 1024
ITEMS = st.lists(st.integers(0, 5000).map(lambda n: noise(n, n).encode()), max_size=60)
LONG = [noise(60 + n % 90, n).encode() for n in range(3000)]


def length(run):
    return sum(len(item) + 1 for item in run)


@given(ITEMS)
def test_nothing_is_lost_and_sizes_keep_their_bounds(items):
    pieces, tail = cut(items, AIM)
    assert [item for run in [*pieces, tail] for item in run] == items
    for run in pieces:
        assert length(run) <= 4 * AIM or len(run) == 1
    for run, following in pairwise([*pieces, tail]):
        # Short only where the next item alone would have made it too large.
        assert length(run) >= AIM // 3 or length(run) + len(following[0]) + 1 > 4 * AIM
    assert length(tail) < 4 * AIM


def test_pieces_have_the_aimed_size_on_average():
    pieces, _ = cut(LONG, AIM)
    average = sum(map(length, pieces)) / len(pieces)
    assert AIM * 0.8 < average < AIM * 2


@settings(max_examples=30)
@given(st.integers(0, len(LONG) - 1), st.sampled_from(["insert", "delete", "change"]))
def test_an_edit_changes_few_pieces(at, kind):
    edited = list(LONG)
    if kind == "insert":
        edited.insert(at, b"new")
    elif kind == "delete":
        del edited[at]
    else:
        edited[at] = b"changed"
    before, after = ({tuple(run) for run in cut(items, AIM)[0]} for items in (LONG, edited))
    assert len(after - before) <= 5


@given(st.integers(1, 200))
def test_what_grows_at_its_end_keeps_its_pieces(count):
    before, _ = cut(LONG[:-200], AIM)
    after, _ = cut(LONG[: len(LONG) - 200 + count], AIM)
    assert after[: len(before)] == before


DIGESTS = [sha256_hex(b"%d" % n) for n in range(5000)]


@given(st.integers(0, 5000))
def test_groups_take_all_in_bounded_numbers(count):
    sizes = group(DIGESTS[:count])
    assert sum(sizes) == count
    assert all(8 <= size <= 64 for size in sizes[:-1])
    assert all(1 <= size <= 64 for size in sizes[-1:])


def test_groups_are_about_thirty_wide_and_an_insert_moves_few():
    sizes = group(DIGESTS)
    assert 24 < len(DIGESTS) / len(sizes) < 40

    def runs(digests):
        found, start = set(), 0
        for size in group(digests):
            found.add(tuple(digests[start : start + size]))
            start += size
        return found

    assert len(runs([*DIGESTS[:2000], sha256_hex(b"new"), *DIGESTS[2000:]]) - runs(DIGESTS)) <= 4


PIECES = [Piece(b"[%d]" % n, 1, sha256_hex(b"[%d]" % n)) for n in range(4000)]


def leaves(members):
    for member in members:
        if isinstance(member, Group):
            yield from leaves(member.members)
        else:
            yield member


def check_levels(members):
    for member in members:
        if isinstance(member, Group):
            assert {inner.level for inner in member.members} == {member.level - 1}
            check_levels(member.members)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 16, 17, 64, 65, 500, 4000])
def test_a_stub_lists_few_members_that_hold_all_in_order(count):
    members = grouped(PIECES[:count])
    assert len(members) <= MOST_IN_STUB
    assert list(leaves(members)) == PIECES[:count]
    check_levels(members)


@given(st.lists(st.integers(1, 40), max_size=60))
def test_folding_step_by_step_keeps_all_in_order_and_few_of_each_level(steps):
    members = []
    taken = 0
    for count in steps:
        members = fold([*members, *PIECES[taken : taken + count]])
        taken += count
        levels = [member.level for member in members]
        assert levels == sorted(levels, reverse=True)
        assert all(levels.count(level) <= MOST_IN_STUB for level in levels)
    assert list(leaves(members)) == PIECES[:taken]
    check_levels(members)


@given(st.integers(2, 32))
def test_folding_to_one(count):
    members = fold(PIECES[:count], most=1)
    assert len(members) < count
    assert list(leaves(members)) == PIECES[:count]


def test_nodes_that_exist_are_listed_and_not_read():
    nodes = [Entry(Blob(f"{n:064x}", 9, "m/x.pack", 8, 9), 5, 50, 1) for n in range(20)]
    members = fold([*nodes, *PIECES[:3]])
    assert list(leaves(members)) == [*nodes, *PIECES[:3]]
    assert max(member.level for member in members) == 2


def test_all_pieces_are_found_below_groups_and_those_of_a_pack_can_be_written_anew():
    here, there = (Blob("0" * 64, 9, f"m/{name}.pack", 8, 9) for name in "ab")
    stored = [Piece(one.text, 1, one.sha256, here) for one in PIECES[:40]]
    entries = [Entry(here, 1, 9), Entry(there, 1, 9)]
    members = (*grouped(stored), *entries, Piece(b"[1]", 1, "1" * 64, there))
    assert pieces_of(members)[:40] == stored
    moved = without_blobs(members, {here.at})
    assert {one.blob for one in pieces_of(moved)[:40]} == {None}
    assert pieces_of(moved)[40:] == pieces_of(members)[40:], "what is not at hand stays"
    assert [one.sha256 for one in moved] == [one.sha256 for one in members]
