"""Snapshots: what changed in place differs, what did not change is equal."""

import dataclasses
import datetime as dt
import enum
import re
import threading
from collections import deque
from decimal import Decimal
from ipaddress import ip_address
from typing import Any

import msgspec
import pytest

from statebag.format.stub import KEY
from statebag.values.snapshots import is_immutable, same_json, snapshot


class Level(enum.IntEnum):
    ONE = 1


class Names(enum.Enum):
    BOTH = ["a"]  # noqa: RUF012  # the value of a member may be a list


@dataclasses.dataclass
class Point:
    x: Any = 0


class Pair(msgspec.Struct):
    x: Any = 0


def changed(value, change):
    """Whether two snapshots differ, of which the later one is taken after a change."""
    before = snapshot(value)
    assert before == snapshot(value)
    change(value)
    return before != snapshot(value)


@pytest.mark.parametrize(
    ("value", "change"),
    [
        ({"a": [1]}, lambda its: its["a"].append(2)),
        ({"a": 1, "b": 2}, lambda its: its.update(a=its.pop("a"))),
        (deque([1]), lambda its: its.append(2)),
        ({1, 2}, lambda its: its.remove(1)),
        (bytearray(b"a"), lambda its: its.extend(b"b")),
        (Point([1]), lambda its: its.x.append(2)),
        (Pair([1]), lambda its: its.x.append(2)),
        (([Point()],), lambda its: setattr(its[0][0], "x", 1)),
        ([1], lambda its: its.__setitem__(0, True)),
        ([0.0], lambda its: its.__setitem__(0, -0.0)),
        ([1], lambda its: its.__setitem__(0, Level.ONE)),
        ([Decimal(1)], lambda its: its.__setitem__(0, Decimal("1.0"))),
        (
            [dt.datetime(2026, 1, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=9)))],
            lambda its: its.__setitem__(0, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        ),
    ],
)
def test_a_change_in_place_is_seen(value, change):
    assert changed(value, change)


@pytest.mark.parametrize(
    "value", [ip_address("::1"), re.compile("a"), float("nan"), frozenset({"a", 1}), Names, len]
)
def test_what_did_not_change_is_equal(value):
    assert snapshot(value) == snapshot(value)


def test_what_cannot_be_looked_into_equals_nothing():
    lock = threading.Lock()
    assert snapshot(lock) != snapshot(lock)
    own: list[Any] = []
    own.append(own)
    assert snapshot(own) != snapshot(own)


def test_what_is_immutable():
    assert all(
        is_immutable(one) for one in (None, 1, "a", b"", 1.5, Level.ONE, dt.UTC.utcoffset(None))
    )
    assert not any(is_immutable(one) for one in ([], (), deque(), bytearray(), Point()))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        ([1], [1.0], False),
        ([1], [True], False),
        ([0.0], [-0.0], False),
        ([1], [1, 2], False),
        ({KEY: 1}, {KEY: 1}, True),
        ([Point(1)], [Point(1)], True),
        ([Point(1)], [Point(2)], False),
    ],
)
def test_values_with_the_same_json_text(one, other, is_same):
    assert same_json(one, other) is is_same


def test_of_deep_values():
    def deep() -> Any:
        value: Any = 1
        for _ in range(5_000):
            value = [value]
        return value

    assert same_json(deep(), deep())
