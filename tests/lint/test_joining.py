"""Values that exclude each other, and values that are put together."""

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.lint.joining import each_of, either, joined, merged
from statebag.lint.shape import BoundedText, Members, follow, holds_bags, size
from statebag.lint.sources import ANY, REST, InBag, Source, SourcePart

BAG = SourcePart(Source("bag", 90_000), (), (InBag(of="bag"),))
ONE = SourcePart(Source("one", 1_000))
TWO = SourcePart(Source("two", 3_000))


def test_two_ways_are_as_large_as_the_larger():
    assert joined(None, ONE, "x", widen=0) == ONE
    assert joined(ONE, ONE, "x", widen=0) == ONE
    assert size(joined(ONE, TWO, "x", widen=0)) == 3_000


def test_what_is_the_same_in_both_is_counted_once():
    left, right = Members({"a": TWO, "b": ONE}), Members({"a": TWO, "b": BoundedText(9)})
    assert joined(left, right, "x", widen=0).get("a") is TWO
    assert size(joined(left, right, "x", widen=0)) <= size(left) + 20


def test_what_still_grows_is_as_large_as_the_limit():
    assert size(joined(ONE, TWO, "x", widen=1)) == PAYLOAD_LIMIT
    assert size(joined(TWO, ONE, "x", widen=1)) == 3_000
    assert size(joined(TWO, ONE, "x", widen=2)) == PAYLOAD_LIMIT


def test_a_bag_on_one_way_is_one_on_both():
    assert holds_bags(joined(Members({"a": BAG}), Members({"a": ONE}), "x", widen=0))
    assert holds_bags(joined(Members({"a": BAG}), Members({"b": ONE}), "x", widen=0))
    assert holds_bags(either([ONE, BAG]))
    assert not holds_bags(either([ONE, TWO]))


def test_items_of_an_array_have_one_shape():
    assert size(each_of(ONE, "results", 5_000)) == 5_000
    many = each_of(Members({"a": BAG}), "results", 5_000)
    assert follow(many, (ANY, "a")).bags == BAG.bags


def test_merged_objects_keep_what_only_one_of_them_has():
    made = merged([Members({"a": ONE}), Members({"a": TWO, "b": ONE})])
    assert made.get("a") == TWO
    assert made.get("b") == ONE
    over = merged([Members({"a": ONE}), BAG])
    assert holds_bags(over.get("a"))
    assert over.get(REST) is BAG
    assert merged([]) == BoundedText(2)
