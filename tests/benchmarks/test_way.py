"""How far a value travels through the library's files, held to half of what it once was."""

import pytest
from benchmarks.way import Way, measured, table, ways

# Half of the moves before stubs and parts answered for themselves, by the smaller of two counts:
# 44 for three small keys, 962 for the seal of 1.2 MB, 610 for its open, and 101 for the step.
MOST_MOVES = {
    "seal of three small keys": 44 // 2,
    "seal of 1.2 MB": 962 // 2,
    "open of 1.2 MB": 610 // 2,
    "step with three small keys": 101 // 2,
}


@pytest.fixture(scope="module")
def found():
    return ways()


@pytest.mark.parametrize("name", MOST_MOVES)
def test_the_way_of_a_value_is_half_of_what_it_was(found, name):
    assert found[name].moves <= MOST_MOVES[name], table(found)


def test_the_figures_are_the_same_each_time(found):
    assert ways() == found
    assert all(name in table(found) for name in MOST_MOVES)


def test_a_move_is_a_call_into_another_file():
    from statebag.format.names import scope_of
    from statebag.format.paths import parse_path, render_path

    scope_of("m/e/x.pack")  # the second time it is remembered, and no call
    assert measured(lambda: None) == Way(0, 0, 0, 0)
    assert measured(lambda: scope_of("m/e/x.pack")) == Way(0, 0, 0, 0)
    one = measured(lambda: render_path(("a",)))
    assert (one.files, one.moves) == (1, 0)
    two = measured(lambda: [parse_path("a"), render_path(("a",))])
    assert (two.files, two.moves) == (1, 0)
