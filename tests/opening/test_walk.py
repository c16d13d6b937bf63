import pytest

from statebag import InvalidState, InvalidStub, LimitExceeded
from statebag.format.stub import KEY, Blob, Rest, Stored
from statebag.format.stub_parsing import parse_stub
from statebag.format.unopened import Unopened
from statebag.opening.walk import Selection, plain_copy, walk

AT = f"m/run/{'0' * 32}.pack"


def stub(n=0):
    return {KEY: Stored(Blob(f"{n:064x}", 9, AT, 8 + n, 9)).to_wire()}


def rest(beside, **siblings):
    whole = Stored(Blob("f" * 64, 9, AT, 8, 9), "object", 1)
    return {KEY: Rest(whole, tuple(beside), {}).to_wire(), **siblings}


def paths(bag, only=None, **arguments):
    selected = None if only is None else [tuple(path) for path in only]
    return [site.path for site in walk(bag, Selection(selected), **arguments).sites]


def test_stubs_are_found_at_any_depth_in_the_order_of_their_places():
    bag = {"b": stub(), "a": [1, {"x": stub(1)}, [stub(2)]], "c": {"d": stub(3)}}
    assert paths(bag) == [("b",), ("a", 1, "x"), ("a", 2, 0), ("c", "d")]
    assert paths(stub()) == [()]


def test_the_copy_shares_nothing_and_keeps_the_order_of_keys():
    bag = {"z": [1, [2]], "a": {"k": None}, "stub": stub(), "m": True}
    found = walk(bag, Selection(None))
    (copy,) = found.root
    assert list(copy) == list(bag)
    assert copy == {**bag, "stub": None}
    assert copy["z"] is not bag["z"]
    assert copy["z"][1] is not bag["z"][1]
    assert copy["a"] is not bag["a"]


def test_what_is_not_selected_is_not_opened():
    bag = {"a": stub(), "b": {"c": stub(1), "d": stub(2)}, "e": [stub(3), stub(4)]}
    assert paths(bag, []) == []
    assert paths(bag, [()]) == paths(bag)
    assert paths(bag, [("b",)]) == [("b", "c"), ("b", "d")]
    assert paths(bag, [("b", "c")]) == [("b", "c")]
    assert paths(bag, [("e", 1)]) == [("e", 1)]
    assert paths(bag, [("a", "deep", 7)]) == [("a",)]
    assert paths(bag, [("no such",)]) == []
    found = walk(bag, Selection([("a",)]))
    assert found.unopened == 4
    unopened = found.root[0]["b"]["c"]
    assert isinstance(unopened, Unopened)
    assert unopened.stub == parse_stub(stub(1), "$")


def test_a_rest_is_opened_for_what_is_behind_it():
    inner = rest(["big"], big=stub(1), phase="one")
    bag = {"current_state": inner, "x": stub(2)}
    assert paths(bag, []) == []
    assert paths(bag, [("current_state", "small")]) == [("current_state",)]
    assert paths(bag, [("current_state", "big")]) == [("current_state",), ("current_state", "big")]
    assert paths(bag, [("x",)]) == [("x",)]
    # The root's own small fields are what an open is for.
    assert paths(rest(["big"], big=stub(1)), []) == [()]


def test_escaped_data_is_opaque():
    inside = {KEY: {"v": 99}, "x": [stub()]}
    bag = {"a": {KEY: {"v": 1, "escaped": inside}}}
    found = walk(bag, Selection([]))
    assert found.root[0] == {"a": inside}
    assert found.sites == []
    assert found.root[0]["a"]["x"] is not inside["x"]


def test_in_a_state_only_unopened_values_are_stubs():
    wire = rest(["big"], big=stub(1))
    unopened = Unopened(wire, parse_stub(wire, "$"))
    data = {KEY: {"v": 99}, "x": [stub()]}
    state = {"data": data, "list": [unopened]}
    with pytest.raises(InvalidStub):
        walk({"data": {KEY: {"v": 1}}}, Selection(None))
    found = walk(state, Selection(None), is_state=True)
    assert [site.path for site in found.sites] == [("list", 0), ("list", 0, "big")]
    assert found.root[0]["data"] == data


def test_a_value_that_stands_deeper_is_told_so():
    assert paths([stub()], below=("a", "b")) == [("a", "b", 0)]
    deep = [0]
    for _ in range(498):
        deep = [deep]
    walk(deep, Selection(None), below=("a",))
    with pytest.raises(LimitExceeded):
        walk(deep, Selection(None), below=("a", "b"))


@pytest.mark.parametrize("value", [(1,), {1}, b"x", object])
def test_what_is_no_json_is_named_with_its_place(value):
    with pytest.raises(InvalidState) as caught:
        walk({"a": [0, value]}, Selection(None))
    assert caught.value.path == "$.a[1]"
    with pytest.raises(InvalidState):
        walk(value, Selection(None))
    with pytest.raises(InvalidState) as caught:
        walk({"a": {1: 2}}, Selection(None))
    assert caught.value.path == "$.a"


def test_a_plain_copy_shares_nothing():
    value = {"a": [{"b": [1]}], "c": "x"}
    copy = plain_copy(value)
    assert copy == value
    copy["a"][0]["b"].append(2)
    assert value == {"a": [{"b": [1]}], "c": "x"}


def nested(levels, kind):
    value = 1
    for _ in range(levels):
        value = {"in": value, "also": [2]} if kind == "object" else [value]
    return value


@pytest.mark.parametrize("kind", ["object", "array"])
def test_a_bag_may_nest_as_deep_as_a_state_and_no_deeper(kind):
    """An object's levels here hold an array too, so that the innermost is one level deeper."""
    more = kind == "object"
    deep = nested(500 - more, kind)
    assert walk(deep, Selection(None)).root == [deep]
    with pytest.raises(LimitExceeded):
        walk(nested(501 - more, kind), Selection(None))
    with pytest.raises(LimitExceeded):  # where nothing but the object itself is too deep
        walk({"in": nested(499, "array")}, Selection(None), below=(0,))
    with pytest.raises(LimitExceeded):
        walk({}, Selection(None), below=(0,) * 500)
    assert walk({}, Selection(None), below=(0,) * 499).root == [{}]


@pytest.mark.parametrize("kind", ["object", "array"])
def test_escaped_data_nests_no_deeper_either(kind):
    more = kind == "object"
    deep = nested(500 - more, kind)
    assert plain_copy(deep) == deep
    with pytest.raises(LimitExceeded):
        plain_copy(nested(501 - more, kind))


def test_in_a_state_what_looks_derived_is_data():
    full = {KEY: {"v": 1, "derived": ["scheduling_summary"], "x": 1}}
    state = {"scheduling_metadata": full, "scheduling_summary": {"total_batches": 3}}
    assert walk(state, Selection(None), is_state=True).root == [state]
    without = {"scheduling_metadata": full}
    assert walk(without, Selection(None), is_state=True).root == [without]


def test_a_field_that_is_marked_as_derived_is_doubted_and_stays():
    marked = {KEY: {**stub()[KEY], "derived": ["scheduling_summary"]}}
    bag = {"scheduling_metadata": marked, "scheduling_summary": {"total_batches": 3}, "a": [1]}
    found = walk(bag, Selection([]))
    (state,) = found.root
    assert list(state) == list(bag)
    assert "derived" not in state["scheduling_metadata"].wire[KEY]
    (doubt,) = found.doubts
    assert doubt.container[doubt.key] is state
    assert (doubt.path, doubt.derivation.name) == ((), "scheduling_summary")
    assert marked[KEY]["derived"] == ["scheduling_summary"]
    own = {"scheduling_metadata": stub(), "scheduling_summary": {"total_batches": 3}}
    assert walk(own, Selection(None)).doubts == []


def test_a_rest_that_is_not_opened_keeps_what_it_marks():
    summary = {"total_batches": 3, "priority": 1}
    wire = rest([], scheduling_summary=summary)
    wire[KEY]["derived"] = ["scheduling_summary"]
    found = walk({"in": wire, "a": 1}, Selection([("a",)]))
    assert found.root[0]["in"].wire == wire
    assert found.doubts == []
    found = walk({"in": wire, "a": 1}, Selection([("in", "x")]))
    (doubt,) = found.doubts
    (site,) = found.sites
    assert site.doubts == [doubt]
    assert site.siblings == {"scheduling_summary": summary}
