"""Fields that were derived from a value that left, beside its stub."""

import pytest

from statebag.format import derived
from statebag.format.derived import declare_derived, is_marked, with_derived, without_derived
from statebag.format.stub import KEY

STUB = {KEY: {"v": 1, "sha256": "0" * 64}}
SHORT = {"short": {"total": 3}}


@pytest.fixture
def declared():
    before = derived._sources.copy()
    declare_derived("short", source="long")
    yield
    derived._sources.clear()
    derived._sources.update(before)


def test_a_derived_field_is_taken_off_again_without_any_knowledge_of_its_writer():
    bag = {"a": 1, "long": STUB}
    marked = with_derived(bag, "long", SHORT)
    assert marked == {"a": 1, "long": {KEY: {**STUB[KEY], "derived": ["short"]}}, **SHORT}
    assert without_derived(marked) == (bag, SHORT)
    assert bag == {"a": 1, "long": STUB}


def test_in_a_state_that_left_with_all_its_fields_the_mark_is_on_the_whole():
    bag = {KEY: {"v": 1, "rest": True}, "status": "S"}
    marked = with_derived(bag, "long", SHORT)
    assert marked["short"] == SHORT["short"]
    assert without_derived(marked) == (bag, SHORT)


def test_what_stays_in_the_bag_needs_no_derived_field():
    bag = {"long": {"total": 3}}
    assert with_derived(bag, "long", SHORT) == bag
    assert with_derived({}, "long", SHORT) == {}


def test_a_field_of_ones_own_with_that_name_stays():
    bag = {"long": STUB, **SHORT}
    assert without_derived(bag) == (bag, {})
    for value in ("text", None, 1, [STUB]):
        assert without_derived(value) == (value, {})


def test_several_fields_of_several_stubs():
    bag = {"long": STUB, "other": STUB}
    marked = with_derived(with_derived(bag, "long", {"x": 1, "y": 2}), "other", {"z": 3})
    assert without_derived(marked) == (bag, {"x": 1, "y": 2, "z": 3})


def test_a_mark_without_its_field_is_taken_off_too():
    marked = with_derived({"long": STUB}, "long", SHORT)
    assert without_derived({"long": marked["long"]}) == ({"long": STUB}, {})


@pytest.mark.usefixtures("declared")
def test_a_stub_that_was_moved_takes_no_field_of_another_object_along():
    moved = with_derived({"long": STUB}, "long", SHORT)["long"]
    assert without_derived({"elsewhere": moved, **SHORT}) == ({"elsewhere": STUB, **SHORT}, {})
    assert without_derived({"long": moved, **SHORT}) == ({"long": STUB}, SHORT)


@pytest.mark.parametrize("mark", [None, 1, "short", {"short": 1}, ["short", 1], [[]], []])
def test_what_is_not_a_list_of_names_is_no_mark(mark):
    bag = {"long": {KEY: {**STUB[KEY], "derived": mark}}, **SHORT}
    assert not is_marked(bag["long"])
    assert without_derived(bag) == (bag, {})


@pytest.mark.parametrize("wire", [1, [], {}, {KEY: 1}, {KEY: []}, {KEY: "derived"}, {KEY: {}}])
def test_what_is_not_a_stub_with_a_mark(wire):
    assert not is_marked(wire)


def test_a_mark_takes_neither_its_own_stub_nor_the_objects():
    rest = {KEY: {"v": 1, "derived": [KEY, "a"]}, "a": 1, "b": 2}
    assert without_derived(rest) == ({KEY: {"v": 1}, "b": 2}, {"a": 1})
    own = {"long": {KEY: {"v": 1, "derived": ["long"]}}}
    assert without_derived(own) == ({"long": {KEY: {"v": 1}}}, {})
