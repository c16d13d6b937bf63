"""A typed state, member by member: what was changed is written at its place, and nothing else."""

import dataclasses
import datetime as dt
from collections import deque
from typing import NamedTuple, NotRequired, TypedDict

import msgspec
import pytest

from statebag import ConfigurationError, InvalidState, Policy, Statebag, Unopened
from statebag.store.memory import MemoryStore
from statebag.values import Values
from statebag.values.state_record import StateRecord
from tests.values.orders import STATE, Line, LineModel, Order, after, same, text, unchanged

pydantic = pytest.importorskip("pydantic")
typing_extensions = pytest.importorskip("typing_extensions")


def test_dates_and_floats_move_in_an_array_with_their_text():
    @dataclasses.dataclass
    class Times:
        at: list[dt.datetime]
        x: list[float]

    given = {"at": ["2026-11-28T00:00:00Z", "2026-11-28t09:00:00+09:00"], "x": [1, 2.5, 3]}

    def change(one):
        one.at.reverse()
        one.x = [x for x in one.x if x > 1]

    assert text(after(Times, given, change)) == text({"at": given["at"][::-1], "x": [2.5, 3]})


class Row(msgspec.Struct, array_like=True):
    x: int
    line: Line | None = None
    y: int = 7


class Rows(msgspec.Struct):
    rows: list[Row]


def test_a_struct_that_is_an_array():
    given = {"rows": [[1, {"item": "a", "sku": 1}], [2, None, 3, "later"], [4]]}
    assert after(Rows, given, unchanged) == given

    def change(one):
        one.rows[0].line.item = "b"
        one.rows[1].x = 5
        one.rows.append(Row(9))

    assert after(Rows, given, change) == {
        "rows": [
            [1, {"item": "b", "sku": 1, "price": 0.0}, 7],
            [5, None, 3, "later"],
            [4],
            [9, None, 7],
        ]
    }


def test_values_that_change_in_place():
    class Queue(pydantic.BaseModel):
        numbers: deque[int]
        lines: deque[LineModel]
        names: set[str]
        pairs: tuple[LineModel, ...] = ()

    given = {
        "numbers": ["1", 2],
        "lines": [{"item": "a", "sku": 1}],
        "names": ["b", "a"],
        "pairs": [{"item": "p", "sku": 2}],
    }
    assert text(after(Queue, given, unchanged)) == text(given)

    def change(one):
        one.numbers.append(3)
        one.lines.append(LineModel(item="b"))
        one.names.add("c")
        one.pairs[0].item = "q"

    assert after(Queue, given, change) == {
        "numbers": ["1", 2, 3],
        "lines": [{"item": "a", "sku": 1}, {"item": "b", "price": 0.0}],
        "names": ["a", "b", "c"],
        "pairs": [{"item": "q", "sku": 2, "price": 0.0}],
    }


def test_a_value_without_a_json_form_stays_if_it_did_not_change():
    class Site(pydantic.BaseModel):
        url: pydantic.HttpUrl
        secret: pydantic.SecretStr

    given = {"url": "https://example.com", "secret": "s"}
    assert after(Site, given, unchanged) == given
    with pytest.raises(TypeError):
        after(Site, given, lambda one: setattr(one, "secret", pydantic.SecretStr("t")))


def test_a_changed_set_of_objects_is_refused():
    @dataclasses.dataclass(frozen=True)
    class Point:
        x: int

    @dataclasses.dataclass
    class Points:
        points: set[Point]

    given = {"points": [{"x": 1, "unknown": 1}]}
    assert after(Points, given, unchanged) == given
    for change in (
        lambda one: one.points.add(Point(2)),
        lambda one: setattr(one, "points", {*one.points, Point(2)}),
    ):
        with pytest.raises(InvalidState, match="would be lost") as caught:
            after(Points, given, change)
        assert "Use a list" in caught.value.hint


@dataclasses.dataclass
class Meta:
    count: int = 0
    by_name: dict[str, int] = dataclasses.field(default_factory=lambda: {"a": 1})


@dataclasses.dataclass
class Item:
    n: int
    meta: Meta = dataclasses.field(default_factory=Meta)
    text: str = ""


@dataclasses.dataclass
class Items:
    item: Item


def test_a_default_is_written_only_if_something_changed():
    given = {"item": {"n": 1}}
    assert after(Items, given, unchanged) == given
    expected = {"item": {"n": 1, "meta": {"count": 0, "by_name": {"a": 1, "b": 2}}, "text": ""}}
    assert after(Items, given, lambda one: one.item.meta.by_name.update(b=2)) == expected
    expected["item"]["meta"] = {"count": 7, "by_name": {"a": 1}}
    assert after(Items, given, lambda one: setattr(one.item.meta, "count", 7)) == expected
    given = {"item": {"n": 1, "meta": {}}}
    assert after(Items, given, unchanged) == given


def test_a_field_that_was_not_opened_may_be_replaced():
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0, field_limit=1_000))
    given = {"item": {"n": 1, "meta": {"count": 1, "by_name": {}}, "text": "x" * 200_000}}
    given["execution_id"] = "m/r"
    bag = client.seal(given, scope="m/r")

    @client.step(state=Items, only=["$.item.n", "$.execution_id"])
    def change(one, context):
        assert isinstance(one.item.text, Unopened)
        one.item.text = "new"
        return one

    assert client.open(change(bag, None)) == {**given, "item": {**given["item"], "text": "new"}}


def test_a_field_that_the_constructor_does_not_take():
    @dataclasses.dataclass
    class Sum:
        a: int
        total: int = dataclasses.field(init=False, default=0)

    given = {"a": 1, "total": 9, "x": 1}
    assert after(Sum, given, unchanged) == given

    def change(one):
        one.total += 1

    assert after(Sum, given, change) == {**given, "total": 10}
    assert after(Sum, {"a": 1}, change) == {"a": 1, "total": 1}


class Card(msgspec.Struct, tag=True):
    x: int


class Cash(msgspec.Struct, tag=True):
    x: int


class Paid(msgspec.Struct):
    by: Card | Cash | None = None
    more: list[Card | Cash] = []
    one: Card | None = None


def test_a_struct_is_written_with_its_tag():
    given = {"by": {"x": 1, "type": "Card", "card": 1}, "more": [], "one": {"x": 1, "u": 2}}

    def change(paid):
        paid.more.append(Card(3))
        paid.more.append(paid.one)
        paid.by = Cash(2)

    expected = {
        "by": {"type": "Cash", "x": 2},
        "more": [{"type": "Card", "x": 3}, {"type": "Card", "x": 1, "u": 2}],
        "one": {"x": 1, "u": 2},
    }
    written = after(Paid, given, change)
    assert written == expected
    assert StateRecord(Paid).made(written).by == Cash(2)
    assert after(Paid, given, unchanged) == given
    assert after(Paid, given, lambda one: setattr(one, "by", Card(5)))["by"] == {
        "x": 5,
        "type": "Card",
        "card": 1,
    }


def test_a_member_is_written_where_it_was_read():
    class Named(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(populate_by_name=True)
        a: int = pydantic.Field(0, validation_alias=pydantic.AliasChoices("aa", "bb"))
        c: int = pydantic.Field(0, alias="cc")

    def change(one):
        one.a += 1
        one.c += 1

    for given in (
        {"bb": 1, "x": 2, "c": 3},
        {"a": 1, "cc": 3},
        {"aa": 1, "bb": 7, "cc": 1, "c": 8},
    ):
        written = after(Named, given, change)
        before, now = Named.model_validate(given), Named.model_validate(written)
        assert (now.a, now.c) == (before.a + 1, before.c + 1)
        assert list(written) == list(given)
    assert after(Named, {}, change) == {"aa": 1, "cc": 1}


def test_a_field_that_is_read_from_inside_a_member_is_refused():
    class Inside(pydantic.BaseModel):
        a: int = pydantic.Field(validation_alias=pydantic.AliasPath("in", "a"))

    with pytest.raises(ConfigurationError, match="inside another member"):
        StateRecord(Inside).made({"in": {"a": 1}})


def test_an_object_in_place_of_another_in_a_dict():
    @dataclasses.dataclass
    class Named:
        lines: dict[str, Line]

    given = {"lines": {"a": {"item": "x", "sku": 1}, "b": {"item": "y", "sku": 2}}}

    def change(one):
        one.lines = {"b": Line("z"), "c": Line("w"), "a": one.lines["a"]}

    assert after(Named, given, change) == {
        "lines": {
            "b": {"item": "z", "sku": 2, "price": 0.0},
            "c": {"item": "w", "price": 0.0},
            "a": {"item": "x", "sku": 1},
        }
    }


class Part(TypedDict):
    a: int
    b: NotRequired[float]


class PartOfModel(typing_extensions.TypedDict):  # as pydantic asks for below Python 3.12
    a: int
    b: typing_extensions.NotRequired[float]


@pytest.mark.parametrize("kind", ["dataclass", "model"])
def test_a_typed_dict_inside_keeps_the_members_that_it_does_not_have(kind):
    if kind == "dataclass":
        made = dataclasses.make_dataclass("Whole", [("part", Part)])
    else:
        made = pydantic.create_model("Whole", part=PartOfModel)
    given = {"part": {"z": 1, "a": 1, "b": 2, "y": [2]}}
    assert text(after(made, given, unchanged)) == text(given)

    def change(one):
        del one.part["b"]
        one.part["a"] = 5

    assert after(made, given, change) == {"part": {"z": 1, "a": 5, "y": [2]}}

    def replace(one):
        one.part = {**one.part, "a": 6}

    assert after(made, given, replace) == {"part": {"z": 1, "a": 6, "b": 2, "y": [2]}}


def test_keys_of_another_type():
    class Keyed(pydantic.BaseModel):
        lines: dict[int, LineModel]

    given = {"lines": {"01": {"item": "a", "sku": 1}, "2": {"item": "b"}}}
    assert after(Keyed, given, unchanged) == given

    def change(one):
        one.lines[1].item = "c"
        one.lines[3] = LineModel(item="d")

    assert after(Keyed, given, change)["lines"] == {
        "01": {"item": "c", "sku": 1, "price": 0.0},
        "2": {"item": "b"},
        "3": {"item": "d", "price": 0.0},
    }


def test_a_root_model():
    class Root(pydantic.RootModel[list[LineModel]]):
        pass

    class Whole(pydantic.BaseModel):
        lines: Root

    given = {"lines": [{"item": "a", "sku": 1}]}
    assert after(Whole, given, unchanged) == given

    def change(one):
        one.lines.root[0].item = "b"
        one.lines.root.append(LineModel(item="c"))

    assert after(Whole, given, change)["lines"] == [
        {"item": "b", "sku": 1, "price": 0.0},
        {"item": "c", "price": 0.0},
    ]


def test_a_named_tuple_and_a_field_that_is_unset():
    class Pair(NamedTuple):
        x: float
        line: Line

    class Whole(msgspec.Struct):
        pair: Pair
        note: str | msgspec.UnsetType = msgspec.UNSET
        gone: str | msgspec.UnsetType = msgspec.UNSET

    given = {"pair": [1, {"item": "a", "sku": 1}], "gone": "x"}
    assert text(after(Whole, given, unchanged)) == text(given)

    def change(one):
        one.pair.line.item = "b"
        one.gone = msgspec.UNSET

    assert after(Whole, given, change) == {"pair": [1, {"item": "b", "sku": 1, "price": 0.0}]}


def test_objects_of_a_client_with_values():
    @dataclasses.dataclass
    class Whole:
        execution_id: str
        line: Line
        lines: list[Line]
        pair: tuple[Line, float]

    client = Statebag(
        MemoryStore(), values=Values(Line), policy=Policy(control=("$.execution_id",))
    )
    one = {"item": "a", "sku": 1}
    given = {"execution_id": "m/r", "line": one, "lines": [one], "pair": [one, 1]}
    assert client.open(client.step(state=Whole)(same)(given, None)) == given

    def change(whole, context):
        whole.line = Line("b")
        whole.lines.append(Line("c"))
        whole.pair[0].item = "d"
        return whole

    # At the place of an object it is one; a new item is a value of the client's.
    assert client.open(client.step(state=Whole)(change)(given, None)) == {
        "execution_id": "m/r",
        "line": {"item": "b", "sku": 1, "price": 0.0},
        "lines": [one, Line("c")],
        "pair": [{"item": "d", "sku": 1, "price": 0.0}, 1],
    }


def test_a_delta_has_the_unknown_members_of_its_places():
    def change(order):
        return {"first": Line("b"), "at": order.at, "new": Line("c")}

    assert after(Order, STATE, change) == {
        "first": {**STATE["first"], "item": "b", "price": 0.0},
        "at": STATE["at"],
        "new": {"item": "c", "price": 0.0},
    }


def test_a_value_that_holds_itself_is_a_typed_error(client):
    def change(order, context):
        own = []
        own.append(own)
        order.tags = own
        return order

    with pytest.raises(InvalidState, match="hold themselves"):
        client.step(state=Order)(change)(STATE, None)


def test_bytes_of_a_model_are_written_as_it_reads_them():
    class Data(pydantic.BaseModel):
        plain: bytes
        coded: pydantic.Base64Bytes
        many: list[bytes]

    given = {"plain": "사과", "coded": "AAE=", "many": ["a"]}
    assert after(Data, given, unchanged) == given

    def change(one):
        one.plain = "귤".encode()
        one.coded = b"\xfb\xff"

    assert after(Data, given, change) == {**given, "plain": "귤", "coded": "+/8="}

    def change_all(one):
        one.plain = b"\xff"

    for wrong in (
        change_all,
        lambda one: one.many.append(b"b"),
    ):
        with pytest.raises(InvalidState, match="type bytes in a pydantic model") as caught:
            after(Data, given, wrong)
        assert "UTF-8" in caught.value.hint
