"""Sources and places in bags: what overlaps counts again, and what is below a place is one."""

from statebag.lint.sources import (
    ANY,
    COMPUTED,
    REST,
    InBag,
    Source,
    SourcePart,
    SourceUses,
    is_special,
    times_of,
    unbounded,
    united,
)


def test_parts_that_do_not_overlap_count_once():
    assert times_of([("a",), ("b",), ("c", "d")]) == 1
    assert times_of([()]) == 1
    assert times_of([("a",), ("a",)]) == 2
    assert times_of([(), ("a",), ("a", "b"), ("c",)]) == 3
    assert SourceUses([("a",), ("a", 0)]).times == 2


def test_what_is_below_a_place_in_a_bag():
    above = InBag(above=2, of="f")
    assert not above.is_bag
    assert above.below("x").above == 1
    bag = above.below("x").below("y")
    assert bag.is_bag
    inside = bag.below("z").below(0)
    assert (inside.inside, inside.of) == (("z", 0), "f")
    part = SourcePart(Source("s", 10), ("x",), (above,)).below("y")
    assert part.path == ("x", "y")
    assert part.holds_bags
    assert part.bags == (above.below("y"),)


def test_places_are_in_one_order_each_once_and_not_without_end():
    places = [InBag((str(n),), of="f") for n in range(20)]
    found = united([*places, *reversed(places)])
    assert found == united(reversed(places))
    assert len(found) == len(set(found)) == 8


def test_a_part_whose_bytes_count_elsewhere():
    part = SourcePart(Source("s", 10), ("a",), (InBag(),))
    assert unbounded(part) == SourcePart(Source("s", 0), ("a",), (InBag(),))


def test_keys_that_name_no_member():
    assert all(map(is_special, (ANY, COMPUTED, REST)))
    assert not is_special("a")
    assert not is_special(0)
