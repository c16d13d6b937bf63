"""The least that merging must write, and the program that compares it."""

from itertools import combinations

import pytest
from benchmarks.growth import workloads
from benchmarks.least_merging import least, run

from statebag import Policy


def growing(steps, first=0):
    """A byte is new in each step, and none dies."""
    return [[first] + [1] * n for n in range(steps + 1)]


@pytest.mark.parametrize(("steps", "packs"), [(9, 3), (5, 5), (20, 21)])
def test_what_needs_no_merge_is_written_once(steps, packs):
    written = least(growing(steps, 7), packs)
    assert written == 7 + steps if packs > steps else written > 7 + steps


def test_with_one_pack_all_of_it_is_written_again_each_time():
    assert least(growing(4, 10), 1) == 10 + 11 + 12 + 13 + 14


def test_with_two_packs_it_is_the_best_of_all_ways():
    """The first pack is written again at some steps, the second at all others."""
    steps, first = 8, 5
    live = growing(steps, first)
    ways = []
    for count in range(steps + 1):
        for rewrites in combinations(range(1, steps + 1), count):
            written, since = 0, 0
            for step in range(1, steps + 1):
                since = 0 if step in rewrites else since + 1
                written += first + step if step in rewrites else since
            ways.append(written)
    assert least(live, 2) == first + min(ways)


def test_what_died_is_not_written_again():
    dies = [[0], [0, 1], [0, 0, 1], [0, 0, 0, 1]]
    assert least(dies, 1) == 3


def test_a_run_writes_no_less_than_the_least():
    first, changes = workloads(40)["1 MB, only="]
    apart = run(first, changes, Policy(max_packs=1_000_000), traced=True)
    assert [len(row) for row in apart.live] == list(range(1, len(apart.live) + 1))
    assert least(apart.live, len(apart.live)) - apart.first <= apart.written
    first, changes = workloads(40)["1 MB, only="]
    ours = run(first, changes, Policy(), traced=False)
    assert len(ours.opens) == 4
    assert ours.written >= least(apart.live, 2 * max(ours.opens)) - apart.first


def test_a_run_whose_first_state_is_inline_has_no_first_pack():
    apart = run(*workloads(40)["appends"], Policy(max_packs=1_000_000), traced=True)
    assert apart.first == 0
    assert 0 < least(apart.live, 3) < 3 * apart.written
