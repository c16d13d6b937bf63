"""Fields that were derived from a value that left, beside its stub."""

import pytest

from statebag import InvalidStub
from statebag.format import derived
from statebag.format.derived import (
    Derivation,
    declare_derived,
    is_marked,
    marked_fields,
    parse_beside,
    set_aside,
    with_derived,
    without_marks,
)
from statebag.format.stub import KEY

STUB = {KEY: {"v": 1, "sha256": "0" * 64}}
SHORT = {"short": {"total": 3}}


def total(value):
    """As two releases wrote it."""
    if not isinstance(value, dict):
        return []
    return [{"total": value.get("total")}, {"total": value.get("total"), "since": 1}]


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    monkeypatch.setattr(derived, "_declared", {})
    declare_derived("short", "long", total)


def names(bag):
    return [one.name for one in marked_fields(bag)]


def test_a_derived_field_is_marked_and_can_be_set_aside():
    bag = {"a": 1, "long": STUB}
    marked = with_derived(bag, "long", SHORT)
    assert marked == {"a": 1, "long": {KEY: {**STUB[KEY], "derived": ["short"]}}, **SHORT}
    assert marked_fields(marked) == [Derivation("short", "long", total)]
    assert set_aside(marked) == (bag, SHORT)
    assert without_marks(marked) == {**bag, **SHORT}
    assert bag == {"a": 1, "long": STUB}


def test_in_a_state_that_left_with_all_its_fields_the_mark_is_on_the_whole():
    bag = {KEY: {"v": 1, "rest": True}, "status": "S"}
    marked = with_derived(bag, "long", SHORT)
    assert marked["short"] == SHORT["short"]
    assert set_aside(marked) == (bag, SHORT)


def test_what_stays_in_the_bag_needs_no_derived_field():
    bag = {"long": {"total": 3}}
    assert with_derived(bag, "long", SHORT) == bag
    assert with_derived({}, "long", SHORT) == {}
    # Nothing may stand beside a stub of another form than rest.
    data = {KEY: {"v": 1, "escaped": {KEY: 1, "long": {}}}}
    assert with_derived(data, "long", SHORT) == data


def test_without_a_mark_it_is_a_field_of_the_state():
    bag = {"long": STUB, **SHORT}
    assert set_aside(bag) == (bag, {})
    for value in ("text", None, 1, [STUB]):
        assert set_aside(value) == (value, {})


def test_only_what_is_declared_can_be_derived():
    marked = with_derived({"long": STUB}, "long", {"x": 1, **SHORT})
    assert names(marked) == ["short"]
    assert set_aside(marked) == ({"long": STUB, "x": 1}, SHORT)
    assert set_aside(with_derived({"long": STUB}, "long", {"x": 1})) == ({"long": STUB, "x": 1}, {})


def test_a_mark_without_its_field_is_taken_off_too():
    marked = with_derived({"long": STUB}, "long", SHORT)
    assert set_aside({"long": marked["long"]}) == ({"long": STUB}, {})


def test_a_mark_counts_beside_the_source_alone():
    moved = with_derived({"long": STUB}, "long", SHORT)["long"]
    assert set_aside({"elsewhere": moved, **SHORT}) == ({"elsewhere": moved, **SHORT}, {})
    assert set_aside({"long": moved, **SHORT}) == ({"long": STUB}, SHORT)


def test_what_a_rest_names_as_its_own_is_not_derived():
    body = {"v": 1, "rest": True, "beside": ["short"], "derived": ["short"]}
    assert names({KEY: body, **SHORT}) == []
    assert names({KEY: {**body, "beside": []}, **SHORT}) == ["short"]
    assert names({KEY: {**body, "beside": 1}, **SHORT}) == ["short"]
    marked = with_derived({"long": STUB}, "long", SHORT)
    assert names({KEY: {"v": 1, "rest": True, "beside": ["short"]}, **marked}) == []


def test_a_source_with_fields_of_its_own_beside_it_keeps_them():
    rest = {KEY: {"v": 1, "rest": True, "beside": []}, "control": 7}
    marked = with_derived({"long": rest}, "long", SHORT)
    assert marked["long"]["control"] == 7
    assert set_aside(marked) == ({"long": rest}, SHORT)
    nested = {"in": with_derived({**rest, "long": STUB}, "long", SHORT)}
    assert without_marks(nested) == nested
    # What the source marks beside itself is its own.
    inner = {KEY: {"v": 1, "rest": True, "derived": ["short"]}, **SHORT}
    assert without_marks({"long": inner}) == {"long": inner}


@pytest.mark.parametrize("mark", [None, 1, "short", {"short": 1}, ["short", 1], [[]], []])
def test_what_is_not_a_list_of_names_is_no_mark(mark):
    bag = {"long": {KEY: {**STUB[KEY], "derived": mark}}, **SHORT}
    assert not is_marked(bag["long"])
    assert set_aside(bag) == (bag, {})


@pytest.mark.parametrize("wire", [1, [], {}, {KEY: 1}, {KEY: []}, {KEY: "derived"}, {KEY: {}}])
def test_what_is_not_a_stub_with_a_mark(wire):
    assert not is_marked(wire)


def test_a_mark_takes_neither_its_own_stub_nor_the_objects():
    declare_derived("long", "long", total)
    declare_derived(KEY, "long", total)
    own = {"long": {KEY: {"v": 1, "derived": ["long", KEY]}}}
    assert set_aside(own)[1] == {}
    assert list(set_aside(own)[0]) == ["long"]
    rest = {KEY: {"v": 1, "derived": [KEY]}, "b": 2}
    assert set_aside(rest) == ({KEY: {"v": 1}, "b": 2}, {})


@pytest.mark.parametrize(
    ("value", "source", "expected"),
    [
        ({"total": 3}, {"total": 3, "x": 1}, True),
        ({"total": 3.0}, {"total": 3}, True),
        ({"total": 1e300}, {"total": 10**300}, True),
        ({"total": 10**400}, {"total": 1e308}, False),
        ({"total": -(10**400)}, {"total": -1e308}, False),
        ({"total": [1, {"a": None}]}, {"total": [1, {"a": None}]}, True),
        ({"total": [1, {"a": 0}]}, {"total": [1, {"a": None}]}, False),
        ({"total": [1]}, {"total": [1, 2]}, False),
        ({"total": 2**53 + 1}, {"total": 2**53}, False),
        ({"total": 4}, {"total": 3}, False),
        ({"total": True}, {"total": 1}, False),
        ({"total": "3"}, {"total": 3}, False),
        ({}, {"total": 3}, False),
        ({"total": 3, "more": 1}, {"total": 3}, False),
        ({"total": 3, "since": 1}, {"total": 3}, True),
        ({"total": None}, {}, True),
        ([], {"total": 3}, False),
        (None, {"total": 3}, False),
        (None, [], False),
        ({"total": None}, [], False),
    ],
)
def test_only_what_is_derived_from_the_source_is_derived(value, source, expected):
    assert Derivation("short", "long", total).gives(value, source) is expected


def test_a_stub_that_takes_no_fields_may_have_a_derived_one_beside_it():
    body = {"v": 1, "escaped": {"long": 1}}
    marked = {KEY: {**body, "derived": ["short"]}, **SHORT}
    stub, siblings = parse_beside(marked, "$")
    assert stub.is_data
    assert siblings == SHORT
    with pytest.raises(InvalidStub):
        parse_beside({**marked, "other": 1}, "$")
    with pytest.raises(InvalidStub):
        parse_beside({KEY: body, **SHORT}, "$")
