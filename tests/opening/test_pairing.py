import pytest

from statebag.opening.pairing import pairs_of_items


def pairs(one, two):
    return list(pairs_of_items(one, two, lambda left, right: left == right, "-"))


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("", "", []),
        ("abc", "abc", []),
        ("abc", "axc", [(1, "b", "x"), (2, "c", "c")]),
        ("abc", "ac", [(1, "b", "-")]),
        ("ac", "abc", [(1, "-", "b")]),
        ("aaa", "aa", [(2, "a", "-")]),
        ("xbc", "bc", [(0, "x", "-")]),
        ("", "ab", [(0, "-", "a"), (1, "-", "b")]),
        ("abcd", "axyd", [(1, "b", "x"), (2, "c", "y"), (3, "d", "d")]),
    ],
)
def test_what_both_have_at_their_ends_is_left_out(one, two, expected):
    assert pairs(one, two) == expected
