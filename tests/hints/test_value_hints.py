"""The hints about values beyond JSON: each is tried as those of the core."""

import dataclasses
import datetime as dt
import zoneinfo

import pytest

from statebag import Statebag
from statebag.store.memory import MemoryStore
from statebag.values import Values
from tests.hints.trial import Trial, check_trial
from tests.values.kinds import Color, Money, Point, money_of, money_parts


def sealed(state, *kinds, values=True, **more):
    return Statebag(MemoryStore(), values=Values(*kinds) if values else None).seal(state, **more)


def opened(bag, *kinds, values=True):
    return Statebag(MemoryStore(), values=Values(*kinds) if values else None).open(bag)


def deep(levels):
    value = ()
    for _ in range(levels):
        value = (value,)
    return value


class Zone(dt.tzinfo):
    def utcoffset(self, _moment):
        return dt.timedelta(0)

    def dst(self, _moment):
        return None

    def tzname(self, _moment):
        return "own"


def moment(zone):
    return dt.datetime(2026, 1, 1, tzinfo=zone)


@dataclasses.dataclass
class OldPoint:
    x: int
    old: int


@dataclasses.dataclass
class NewPoint:
    x: int
    new: int = 0
    old: int | None = None


def changed(kind):
    values = Values()
    values.register(OldPoint, "point")
    bag = Statebag(MemoryStore(), values=values).seal(OldPoint(1, 2))
    reader = Values()
    reader.register(kind, "point")
    return Statebag(MemoryStore(), values=reader).open(bag)


def twice(name=None):
    values = Values(Point)
    values.register(Color, name or "Point")


def again(*kinds):
    values = Values()
    for kind in kinds:
        values.register(kind, kind.__name__ + str(len(values.__reduce__()[1][0])))


TRIALS = (
    Trial(
        "Write default=str, or a function that returns a JSON value.",
        lambda _: sealed({1: 2}, values=False, default="str"),
        lambda _: sealed([1j], values=False, default=str),
    ),
    Trial(
        "Register its class with Values.register, or pass default= to seal.",
        lambda _: sealed(Point(1)),
        lambda _: (sealed(Point(1), Point), sealed(Point(1), default=str)),
    ),
    Trial(
        "{} lost.hint",
        lambda _: sealed(moment(Zone())),
        lambda _: (sealed(moment(dt.UTC)), sealed(moment(zoneinfo.ZoneInfo("UTC")))),
        "A time zone must be a datetime.timezone, or a zoneinfo.ZoneInfo of this machine's time "
        "zone database.",
    ),
    Trial(
        "Flatten the inner part.",
        lambda _: sealed(deep(600)),
        lambda _: sealed(deep(200)),
    ),
    Trial(
        "It was sealed by a client without values=; open it with such a client.",
        lambda _: opened(sealed({"__typed__": 1}, values=False)),
        lambda _: opened(sealed({"__typed__": 1}, values=False), values=False),
    ),
    Trial(
        "Register the class with Values.register under the name that sealed it.",
        lambda _: opened(sealed(Point(1), Point)),
        lambda _: opened(sealed(Point(1), Point), Point),
    ),
    Trial(
        "If its class changed, give new fields a default, and keep the old fields.",
        lambda _: changed(Point),
        lambda _: changed(NewPoint),
    ),
    Trial(
        "Pass the class, and its name as the second argument.",
        lambda _: Values().register(Point(1)),
        lambda _: Values().register(Point, "point"),
    ),
    Trial(
        "Pass another name as the second argument.",
        lambda _: twice(),
        lambda _: twice("Color"),
    ),
    Trial(
        "Register each class once.",
        lambda _: again(Point, Point),
        lambda _: again(Point, Color),
    ),
    Trial(
        "Pass both functions: encode= and decode=.",
        lambda _: Values().register(Money, encode=money_parts),
        lambda _: Values().register(Money, encode=money_parts, decode=money_of),
    ),
    Trial(
        "Pass encode= and decode=, which turn its values into JSON values and back.",
        lambda _: Values(Money),
        lambda _: Values().register(Money, encode=money_parts, decode=money_of),
    ),
)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.hint[:60])
def test_a_hint_is_given_and_helps(trial, tmp_path, monkeypatch):
    check_trial(trial, tmp_path, monkeypatch)
