"""Origins of the parts of a state: each part belongs to the value that it was made from."""

import dataclasses
import enum
import functools

import pytest

from statebag import InvalidState
from statebag.values.state_record import StateRecord
from tests.values.orders import (
    Line,
    Order,
    after,
    text,
    unchanged,
)

pydantic = pytest.importorskip("pydantic")


class Loose(pydantic.BaseModel):
    id: int
    count: int = 0
    ok: bool = False
    active: bool = True
    note: str | None = None
    other: str | None = None

    @pydantic.field_validator("note", mode="before")
    @classmethod
    def _nothing(cls, value):
        return None if value == "" else value


def test_values_that_python_shares_belong_to_their_fields():
    given = {"id": "5", "count": 4, "ok": "yes", "active": True, "note": "", "other": "x"}

    def change(one):
        one.count = one.id
        one.other = None

    assert text(after(Loose, given, change)) == text({**given, "count": 5, "other": None})

    class Many(pydantic.BaseModel):
        flags: list[bool]
        by_name: dict[str, int]

    given = {"flags": ["yes", True, "no"], "by_name": {"a": "1", "b": 1}}

    def turn(one):
        one.flags.reverse()
        one.by_name["c"] = one.by_name["a"]

    assert after(Many, given, turn) == {
        "flags": [False, True, True],
        "by_name": {"a": "1", "b": 1, "c": 1},
    }


def test_members_of_an_enum_belong_to_their_fields():
    class Hue(enum.Enum):
        RED = "red"

        @classmethod
        def _missing_(cls, value):
            return cls.RED if str(value).lower() == "red" else None

    @dataclasses.dataclass
    class Two:
        x: Hue
        y: Hue

    given = {"x": "RED", "y": "red"}
    assert after(Two, given, unchanged) == given
    assert after(Two, given, lambda one: setattr(one, "y", Hue.RED)) == given


def test_an_attribute_that_is_no_field_is_refused():
    @dataclasses.dataclass
    class Own:
        a: int

        def __post_init__(self):
            self.twice = self.a * 2

        @functools.cached_property
        def cached(self):
            return [self.a]

    assert after(Own, {"a": 1}, lambda one: one.cached and None) == {"a": 1}
    assert after(Own, {"a": 1}, lambda one: dataclasses.replace(one, a=2)) == {"a": 2}

    def change(one):
        one.twice = 5

    def add(one):
        new = Own(4)
        new.more = 1
        return new

    for wrong, name in ((change, "twice"), (add, "more")):
        with pytest.raises(InvalidState, match=f"attribute '{name}'") as caught:
            after(Own, {"a": 1}, wrong)
        assert caught.value.hint == "Declare it as a field."


def test_a_field_that_a_validator_made_of_other_members():
    class New(pydantic.BaseModel):
        new: int = 0
        other: int = 0

        @pydantic.model_validator(mode="before")
        @classmethod
        def _old(cls, members):
            return {"new": members["old"], **members} if "old" in members else members

    class Whole(pydantic.BaseModel):
        part: New

    given = {"part": {"old": 3}}
    assert after(Whole, given, unchanged) == given
    with pytest.raises(InvalidState, match="a validator computes it from other members") as caught:
        after(Whole, given, lambda one: setattr(one.part, "new", 5))
    assert "in the function" in caught.value.hint
    given = {"part": {"new": 3}}
    assert after(Whole, given, lambda one: setattr(one.part, "other", 5))["part"]["other"] == 5


def test_an_id_is_not_taken_for_another_objects():
    record = StateRecord(Order)
    order = record.made({"execution_id": "m/r", "lines": [{"item": "a", "sku": 1}]})
    order.lines.clear()
    order.lines.extend(Line(str(n)) for n in range(100))
    assert all("sku" not in one for one in record.written(order)["lines"])
