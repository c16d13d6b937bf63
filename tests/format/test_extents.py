"""Which extents of packs are read with one request."""

from statebag.format.blobs import Extent
from statebag.format.extents import WORTH_READING_OVER, joined


def test_close_extents_are_one_and_far_ones_are_not():
    near = Extent("p", 10 + WORTH_READING_OVER, 5)
    assert joined([near, Extent("p", 0, 10)]) == [Extent("p", 0, near.offset + 5)]
    far = Extent("p", 11 + WORTH_READING_OVER, 5)
    assert joined([far, Extent("p", 0, 10)]) == [Extent("p", 0, 10), far]


def test_extents_of_two_packs_stay_apart_and_overlaps_add_nothing():
    one, two = Extent("a", 0, 10), Extent("b", 0, 10)
    assert joined([two, one, Extent("a", 2, 3)]) == [one, two]
    assert joined([]) == []
