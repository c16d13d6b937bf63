import pytest
from hypothesis import given
from hypothesis import strategies as st

from statebag.format.codec import sha256_hex
from statebag.format.stub import Blob, Entry
from statebag.sealing.cutting import MOST_IN_STUB, Group, Piece, fold, grouped

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
