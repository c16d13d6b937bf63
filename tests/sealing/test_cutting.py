from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from statebag.format.codec import sha256_hex
from statebag.sealing.cutting import cut, group
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
