"""A state as an object of a class: what is made, what is refused, and that nothing is lost."""

import dataclasses
import datetime as dt
import functools
import json
import uuid
from decimal import Decimal
from typing import Any

import msgspec
import pytest

import statebag
from statebag import ConfigurationError, InvalidState, Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.values import Values
from statebag.values.state_record import annotated_record, check_state_type
from tests.values.orders import (
    CLASSES,
    STATE,
    Color,
    Line,
    Order,
    OrderDict,
    same,
    text,
    through,
)

pydantic = pytest.importorskip("pydantic")
typing_extensions = pytest.importorskip("typing_extensions")


@pytest.mark.parametrize("kind", CLASSES)
def test_a_function_that_changes_nothing_changes_nothing(client, kind):
    def same(order, context):
        assert type(order) is kind
        assert order.lines[1].item == "배"
        assert order.at == dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
        assert type(order.lines[0].price) is float
        return order

    # The defaults of the state's own fields come last: a Choice may read them.
    assert text(through(client, same, state=kind)) == text({**STATE, "note": "", "tags": []})


@pytest.mark.parametrize("kind", CLASSES)
def test_what_is_changed_is_changed_and_the_rest_stays(client, kind):
    @client.step(state=kind)
    def change(order, context):
        order.lines[0].price = 3
        order.lines.reverse()
        order.note = "새"
        order.tags.append("a")
        order.first.item = "귤"
        order.at = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
        return order

    after = client.open(change(STATE, None))
    assert after == {
        **STATE,
        "lines": [STATE["lines"][1], {**STATE["lines"][0], "price": 3}],
        "note": "새",
        "tags": ["a"],
        "first": {"item": "귤", "grade": STATE["first"]["grade"], "price": 0.0},
        "at": "2027-01-01T00:00:00Z",
    }
    assert list(after)[:6] == list(STATE)


def test_an_object_in_place_of_another_keeps_the_unknown_members_of_its_place(client):
    @client.step(state=Order)
    def change(order, context):
        return dataclasses.replace(order, first=Line("귤"), note="x")

    after = client.open(change(STATE, None))
    first = {**STATE["first"], "item": "귤", "price": 0.0}
    assert after == {**STATE, "note": "x", "first": first, "tags": []}


def test_an_object_that_the_function_makes_in_an_array_has_its_own_fields(client):
    @client.step(state=Order)
    def change(order, context):
        order.lines[0] = Line("감", 7)
        return order

    assert client.open(change(STATE, None))["lines"][0] == {"item": "감", "price": 7}


@pytest.mark.parametrize("kind", CLASSES)
def test_a_field_that_is_set_to_its_default_is_written(client, kind):
    @client.step(state=kind)
    def change(order, context):
        order.note = ""
        order.lines[1].item = "귤"
        return order

    given = {"execution_id": "m/r", "lines": [{"item": "a"}, {"item": "b", "n": 1}]}
    after = client.open(change(given, None))
    assert after["note"] == ""
    # The first item did not change, and gets no default.
    assert after["lines"] == [{"item": "a"}, {"item": "귤", "n": 1, "price": 0.0}]


def test_a_delta_of_objects(client):
    @client.step(state=Order, returns="delta")
    def change(order, context):
        return {"first": order.lines[0], "unknown": statebag.DELETE, "id": uuid.UUID(int=1)}

    after = client.open(change(STATE, None))
    assert after["first"] == STATE["lines"][0]
    assert "unknown" not in after
    assert after["id"] == "00000000-0000-0000-0000-000000000001"
    assert after["lines"] == STATE["lines"]


def test_a_typed_dict_is_checked_and_stays_a_dict(client):
    @client.step(state=OrderDict)
    def same(order, context):
        assert type(order) is dict
        assert order["unknown"] == STATE["unknown"]
        return {**order, "note": "x"}

    assert client.open(same(STATE, None)) == {**STATE, "note": "x"}
    with pytest.raises(InvalidState) as caught:
        same({"execution_id": "m/r", "lines": [1]}, None)
    assert caught.value.path == "$.lines[0]"


def annotated(order: Order, context: object) -> Order:
    order.note = order.lines[0].item
    return order


def annotated_later(order: "Later", context: object) -> "Later":
    return order


def with_a_dict(order: dict[str, Any], context: object) -> dict[str, Any]:
    return order


@dataclasses.dataclass
class Later:
    execution_id: str


def test_an_annotation_is_enough(client):
    assert through(client, annotated)["note"] == "사과"
    assert annotated_record(annotated_later) is Later
    assert annotated_record(with_a_dict) is None

    @functools.wraps(annotated)
    def parses_itself(event, context):
        assert type(event) is dict
        return event

    assert annotated_record(parses_itself) is None
    assert through(client, parses_itself) == STATE


def test_of_a_coroutine_function(client):
    import asyncio

    @client.step(state=Order)
    async def change(order, context):
        order.note = "x"
        return order

    assert client.open(asyncio.run(change(STATE, None)))["note"] == "x"


def test_names_in_json_may_differ(client):
    class Renamed(msgspec.Struct, rename="camel"):
        execution_id: str
        unit_price: int = 1

    class Aliased(pydantic.BaseModel):
        execution_id: str
        unit_price: int = pydantic.Field(1, alias="unitPrice")

    for kind in (Renamed, Aliased):
        given = {"executionId": "m/r", "execution_id": "m/r", "unitPrice": 2, "other": 1}

        def change(one, context):
            one.unit_price += 1
            return one

        after = client.open(client.step(state=kind)(change)(given, None))
        assert after == {**given, "unitPrice": 3}


def test_a_model_that_takes_other_members_may_delete_them(client):
    class Open(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        execution_id: str

    def change(one, context):
        del one.gone
        one.new = 1
        return one

    given = {"execution_id": "m/r", "gone": 1, "stays": [1]}
    after = client.open(client.step(state=Open)(change)(given, None))
    assert after == {"execution_id": "m/r", "stays": [1], "new": 1}


def test_values_that_json_does_not_have_are_written_as_msgspec_reads_them(client):
    @dataclasses.dataclass
    class Typed:
        execution_id: str
        color: Color
        price: Decimal
        data: bytes
        ids: set[str]
        pair: tuple[int, str] = (0, "")

    given = {"execution_id": "m/r", "color": "red", "price": 1.5, "data": "AAE=", "ids": ["b", "a"]}

    def change(one, context):
        assert (one.color, one.price, one.data) == (Color.RED, Decimal("1.5"), b"\x00\x01")
        one.price = Decimal("2.5")
        one.data = b"\x02"
        one.ids.add("c")
        one.pair = (1, "x")
        return one

    after = client.open(client.step(state=Typed)(change)(given, None))
    assert after == {
        **given,
        "price": 2.5,
        "data": "Ag==",
        "ids": ["a", "b", "c"],
        "pair": [1, "x"],
    }


def test_a_client_with_values_keeps_its_own_forms():
    @dataclasses.dataclass
    class Point:
        x: int

    @dataclasses.dataclass
    class Typed:
        execution_id: str
        at: dt.datetime
        point: Any
        pair: Any

    client = Statebag(
        MemoryStore(), values=Values(Point), policy=Policy(control=("$.execution_id",))
    )
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    state = {"execution_id": "m/r", "at": now, "point": Point(1), "pair": (1, b"x"), "more": {b"k"}}
    bag = client.seal(state, scope="m/r")
    after = client.open(client.step(state=Typed)(same)(bag, None))
    assert after == state


def test_deep_and_large_values_pass(client):
    deep: Any = 1
    for _ in range(400):
        deep = [deep]

    @dataclasses.dataclass
    class Typed:
        execution_id: str
        deep: Any

    given = {"execution_id": "m/r", "deep": deep, "other": deep}
    after = client.open(client.step(state=Typed)(same)(given, None))
    assert json.dumps(after) == json.dumps(given)


@pytest.mark.parametrize("kind", [dict, int, "Order", dict[str, int], Color, None.__class__])
def test_what_is_no_such_class_is_refused_when_it_is_decorated(kind):
    with pytest.raises(ConfigurationError, match="state must be a TypedDict"):
        check_state_type(kind)
    with pytest.raises(ConfigurationError):
        statebag.step(state=kind)(same)
