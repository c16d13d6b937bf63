"""What the Comment of a Map says about its items."""

import pytest

from statebag.asl.map_comments import told_items


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("statebag: at most 36 items", (36, None)),
        ("Reviewers. statebag: at most 1 item", (1, None)),
        ("statebag:at most 10,000 items of 1,500 bytes", (10_000, 1_500)),
        ("statebag: at most 4,096 bytes", None),
        ("at most 36 items", None),
        ("statebag: at most many items", None),
        (36, None),
        (None, None),
    ],
)
def test_what_is_told(comment, told):
    assert told_items({"Comment": comment}) == told


def test_a_map_without_a_comment():
    assert told_items({}) is None
