"""Classes that the tests register."""

import dataclasses
import enum
from typing import Any, NamedTuple


class Color(enum.Enum):
    RED = (1, 0, 0)
    GREEN = (0, 1, 0)


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Span(NamedTuple):
    start: int
    end: Any


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: Any = 0


@dataclasses.dataclass
class Order:
    items: list[Any]
    paid: bool = False
    total: int = dataclasses.field(init=False, default=0)
    __typed__: str = ""

    def __post_init__(self):
        self.total = len(self.items)
        if self.paid not in {True, False}:
            raise ValueError("paid")


class Money:
    """A class that only its own functions take apart."""

    def __init__(self, amount, currency):
        self.amount = amount
        self.currency = currency

    def __eq__(self, other):
        return type(other) is Money and vars(self) == vars(other)

    __hash__ = None


def money_parts(money):
    return [money.amount, money.currency]


def money_of(parts):
    return Money(*parts)
