"""Orders as objects of every kind of class, and the state that they are made of."""

import dataclasses
import datetime as dt
import enum
import json
from typing import Any, NotRequired, TypedDict

import msgspec
import pytest

from statebag.format.json_text import encode
from statebag.values.state_record import StateRecord

pydantic = pytest.importorskip("pydantic")
typing_extensions = pytest.importorskip("typing_extensions")


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Line:
    item: str
    price: float = 0.0


@dataclasses.dataclass
class Order:
    execution_id: str
    lines: list[Line]
    at: dt.datetime | None = None
    note: str = ""
    first: Line | None = None
    tags: list[str] = dataclasses.field(default_factory=list)


class OrderStruct(msgspec.Struct, rename={"execution_id": "execution_id"}):
    execution_id: str
    lines: list[Line]
    at: dt.datetime | None = None
    note: str = ""
    first: Line | None = None
    tags: list[str] = []  # a Struct copies it


class OrderDict(TypedDict):
    execution_id: str
    lines: list[dict[str, Any]]
    note: NotRequired[str]


class LineModel(pydantic.BaseModel):
    item: str
    price: float = 0.0


class OrderModel(pydantic.BaseModel):
    execution_id: str
    lines: list[LineModel]
    at: dt.datetime | None = None
    note: str = ""
    first: LineModel | None = None
    tags: list[str] = pydantic.Field(default_factory=list)


CLASSES = [Order, OrderStruct, OrderModel]
STATE = {
    "unknown": {"한국어": [1, 1.0, {"x": -0.0}]},
    "execution_id": "machine/run-1",
    "lines": [{"sku": "S-1", "item": "사과", "price": 1}, {"item": "배", "price": 2.5, "x": [1]}],
    "at": "2026-11-28T00:00:00Z",
    "first": {"item": "사과", "grade": 12345678901234567890123},
    "later": [2**70],
}


def same(state, context):
    return state


def text(value):
    return encode(value).decode()


def through(client, function, given=STATE, **options):
    """The state after a step with a function."""
    return client.open(client.step(**options)(function)(given, None))


def unchanged(one):
    """Change nothing."""


def after(kind, given, change, **options):
    """The JSON text of a state after a function changed its object, and the state's own."""
    record = StateRecord(kind, **options)
    before = text(given)
    one = record.made(given)
    answer = change(one)
    written = record.written(one if answer is None else answer)
    assert text(given) == before  # what was opened is never changed
    return json.loads(text(written))
