"""Conversion of a state to an object: what does not fit is a typed error with its path."""

import dataclasses

import pytest

from statebag import ConfigurationError, InvalidState, Policy, Statebag, Unopened
from statebag.store.memory import MemoryStore
from tests.values.orders import (
    STATE,
    LineModel,
    Order,
    OrderDict,
    OrderModel,
    OrderStruct,
    same,
    text,
)

pydantic = pytest.importorskip("pydantic")


@pytest.mark.parametrize(
    ("kind", "state", "path", "said"),
    [
        (Order, {"execution_id": "m/r"}, "$.lines", "it is missing"),
        (Order, {"execution_id": "m/r", "lines": 7}, "$.lines", "it must be array, not int"),
        (
            Order,
            {"execution_id": "m/r", "lines": [{"item": "a"}, {"item": None}]},
            "$.lines[1].item",
            "it must be str, not null",
        ),
        (
            Order,
            {"execution_id": "m/r", "lines": [], "at": "SECRET"},
            "$.at",
            "its value is not one of the type",
        ),
        (OrderStruct, {"execution_id": "m/r"}, "$.lines", "it is missing"),
        (OrderDict, {"execution_id": "m/r"}, "$.lines", "it is missing"),
        (OrderModel, {"execution_id": "m/r"}, "$.lines", "missing"),
        (
            OrderModel,
            {"execution_id": "m/r", "lines": [{"item": 5}]},
            "$.lines[0].item",
            "string type",
        ),
        (OrderModel, {"execution_id": "m/r", "lines": [], "at": "SECRET"}, "$.at", "datetime"),
    ],
)
def test_a_state_that_does_not_fit_is_a_typed_error_with_its_path(client, kind, state, path, said):
    with pytest.raises(InvalidState) as caught:
        client.step(state=kind)(same)(state, None)
    error = caught.value
    assert error.path == path
    assert said in error.message
    assert kind.__name__ in error.message
    assert "state=" in error.hint
    assert "SECRET" not in str(error)


@pytest.mark.parametrize("kind", [Order, OrderStruct, OrderDict])
def test_what_was_not_opened_stays_so(kind):
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0, field_limit=1_000))
    large = {**STATE, "lines": [{"item": "x" * 100, "sku": n} for n in range(500)]}
    bag = client.seal(large, scope="machine/run-1")

    @client.step(state=kind, only=["$.first", "$.execution_id"])
    def change(order, context):
        lines = order["lines"] if kind is OrderDict else order.lines
        assert isinstance(lines, Unopened)
        with pytest.raises(InvalidState, match="not opened") as caught:
            lines[0]
        assert caught.value.path == "$.lines"
        return order

    from statebag.telemetry import usage

    statebag_bag = change(bag, None)
    with usage.measured() as used:
        change(bag, None)
    assert used.puts == 0
    defaults = {} if kind is OrderDict else {"note": "", "tags": []}
    assert text(client.open(statebag_bag)) == text({**large, **defaults})


def test_a_model_needs_its_fields_and_says_which():
    client = Statebag(MemoryStore(), policy=Policy(carry_bytes=0, field_limit=1_000))
    large = {**STATE, "lines": [{"item": "x" * 100} for _ in range(500)]}
    bag = client.seal(large, scope="machine/run-1")

    class Part(pydantic.BaseModel):
        first: LineModel

    @client.step(state=OrderModel, only=["$.first", "$.execution_id"])
    def whole(order, context):
        return order

    with pytest.raises(InvalidState) as caught:
        whole(bag, None)
    assert caught.value.path == "$.lines"
    assert "only=" in caught.value.hint

    @client.step(state=Part, only=["$.first", "$.execution_id"])
    def part(order, context):
        order.first.item = "귤"
        return order

    after = client.open(part(bag, None))
    assert after == {**large, "first": {**STATE["first"], "item": "귤", "price": 0.0}}


def test_a_type_that_json_has_no_form_for_is_a_clear_error(client):
    @dataclasses.dataclass
    class Odd:
        execution_id: str
        lock: "dict[int | str | bytes, set | list]"

    with pytest.raises((ConfigurationError, InvalidState)) as caught:
        client.step(state=Odd)(same)({"execution_id": "m/r", "lock": {}}, None)
    assert caught.value.hint
