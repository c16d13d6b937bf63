"""Typical uses of the public API; only type-checked, never run."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, TypedDict, assert_type

import statebag
from statebag import DELETE, BagTooLarge, Policy, Statebag, StatebagError, Unopened
from statebag.values import Values


def seal_and_open(state: dict[str, Any]) -> dict[str, Any]:
    sb = Statebag("s3://bucket/prefix", policy=Policy(max_bag_bytes=64 * 1024, control=("a.b",)))
    bag = sb.seal(state, scope="machine/run", budget=20_000)
    bag = sb.append(bag, "state_history", [{"n": 1}], scope="machine/run")
    part = sb.open(bag, only=["$.state_history", ("a", 0)], scope="machine/run")
    value: Any = sb.get(bag, "$.state_history[0]")
    if isinstance(value, Unopened):
        assert_type(value.size, int)
        assert_type(value.count, int)
    opened: dict[str, Any] = sb.open(sb.seal(part, parent=bag, heal=True))
    return opened


def tell(error: StatebagError) -> str:
    assert_type(error.code, str)
    assert_type(error.retryable, bool)
    assert_type(error.path, str | None)
    assert_type(error.object_name, str | None)
    assert_type(error.hint, str | None)
    return error.message


def refuse(state: dict[str, Any]) -> str:
    try:
        Statebag().seal(state)
    except BagTooLarge as error:
        return tell(error)
    return ""


@statebag.step
def handler(state: dict[str, Any], context: object) -> dict[str, Any]:
    state["n"] = 1
    return state


@statebag.step(returns="delta", bag_path="$.state_data.bag", scope="$.id", only=["$.a"])
def delta(state: dict[str, Any], context: object, event: dict[str, Any]) -> dict[str, Any]:
    return {"result": event["input"], "old": DELETE, "text": state["text"]}


client = Statebag(policy=Policy())


@client.step
def another(state: dict[str, Any], context: object) -> dict[str, Any]:
    return state


def results(items: list[bytes]) -> Unopened:
    writer = client.array_writer("machine/run")
    for place, text in enumerate(items):
        writer.add(place, text)
    return writer.finish()


values = Values()


@values.register
class Amount(Enum):
    ONE = 1


typed_client = Statebag(values=values)


async def from_a_coroutine(state: dict[str, Any]) -> dict[str, Any]:
    bag = await typed_client.aseal(state, scope="machine/run", default=str)
    bag = await typed_client.aappend(bag, "$.log", [Amount.ONE], scope="machine/run")
    value: Any = await typed_client.aget(bag, "$.log[0]")
    opened: dict[str, Any] = await typed_client.aopen(bag, only=["$.log"])
    return {**opened, "first": value}


@statebag.step
async def async_handler(state: dict[str, Any], context: object) -> dict[str, Any]:
    return await from_a_coroutine(state)


@dataclass
class Order:
    execution_id: str
    lines: list[str]


class OrderDict(TypedDict):
    execution_id: str
    lines: list[str]


@statebag.step(state=Order)
def of_a_dataclass(order: Order, context: object) -> Order:
    assert_type(order.lines, list[str])
    order.lins = []  # type: ignore[attr-defined]
    return order


@client.step(state=OrderDict, returns="delta", only=["$.lines"])
def of_a_typed_dict(order: OrderDict, context: object) -> dict[str, Any]:
    order["lins"]  # type: ignore[typeddict-item]
    return {"lines": order["lines"]}


@statebag.step(state=Order)  # type: ignore[arg-type]
def of_another_type(order: OrderDict, context: object) -> OrderDict:
    return order


@statebag.step(state="Order")  # type: ignore[call-overload, untyped-decorator]
def of_a_name(order: Order, context: object) -> Order:
    return order


@statebag.step
def annotated(order: Order, context: object, event: dict[str, Any]) -> Order:
    return order


def call(event: dict[str, Any]) -> None:
    """A decorated function takes an event, and returns a bag."""
    bag: dict[str, Any] = of_a_dataclass(event, None)
    of_a_typed_dict(bag, context=None)
    of_a_dataclass(event)  # type: ignore[call-arg]
