import datetime as dt
import json
import math
import uuid
import zoneinfo
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from statebag.errors import InvalidState
from statebag.values import Values

GOLDEN = Path(__file__).with_name("values1.json")

SAMPLES = {
    "bytes": b"\x00\xff",
    "empty": b"",
    "bytearray": bytearray(b"ab"),
    "tuple": (1, (2.5, None), []),
    "set": {3, "a", (1, b"x")},
    "frozenset": frozenset({frozenset({1}), frozenset()}),
    "infinite": [math.inf, -math.inf],
    "naive": dt.datetime(2026, 11, 28, 12, 30, 0, 123456),  # noqa: DTZ001
    "utc": dt.datetime(2026, 11, 28, tzinfo=dt.UTC),
    "offset": dt.datetime(1890, 1, 1, tzinfo=dt.timezone(dt.timedelta(minutes=53, seconds=28))),
    "named": dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-5), "EST")),
    "zone": dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    "fold": dt.datetime(2026, 10, 25, 2, 30, fold=1),  # noqa: DTZ001
    "date": dt.date(1, 1, 1),
    "time": dt.time(23, 59, 59, 999999, tzinfo=dt.UTC),
    "time_in_zone": dt.time(1, 2, fold=1, tzinfo=ZoneInfo("Asia/Kolkata")),
    "timedelta": dt.timedelta(days=-1, microseconds=1),
    "decimal": [Decimal("1.10"), Decimal("-0"), Decimal("1E+400"), Decimal("Infinity")],
    "uuid": uuid.UUID(int=5),
    "keys": {1: "a", None: "b", (1, 2): "c", b"k": "d", 1.5: "e", "f": {True: 1}},
    "looks_like": {"__typed__": "bytes", "value": "AA=="},
    "looks_like_dict": {"__typed__": "dict", "value": [[1, 2]]},
    "looks_odd": {"__typed__": {"__typed__": []}, "more": ({"__typed__": None},)},
}


def exact(value):
    """What equality does not tell apart: types, zones, folds, the digits of numbers."""
    if isinstance(value, dict):
        return [(exact(key), exact(one)) for key, one in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [exact(one) for one in value]
    if isinstance(value, set | frozenset):
        return type(value), sorted((exact(one) for one in value), key=repr)
    fold = getattr(value, "fold", None)
    zone = getattr(value, "tzinfo", None)
    return type(value), repr(value), fold, str(zone)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_value_comes_back_as_it_was(name):
    values = Values()
    written = values.encode({"v": SAMPLES[name]})
    carried = json.loads(json.dumps(written, allow_nan=False))
    assert carried == written
    assert exact(values.decode(carried)) == exact({"v": SAMPLES[name]})


def test_not_a_number_comes_back():
    values = Values()
    written = values.encode([math.nan, Decimal("NaN"), Decimal("sNaN5")])
    number, decimal, signalling = values.decode(json.loads(json.dumps(written, allow_nan=False)))
    assert math.isnan(number)
    assert (str(decimal), str(signalling)) == ("NaN", "sNaN5")


def test_the_form_stays_what_it_is():
    """What is stored today is read for ever."""
    stored = json.loads(GOLDEN.read_text("utf-8"))
    assert exact(Values().decode(stored)) == exact(SAMPLES)
    assert Values().encode(SAMPLES) == stored


def test_a_set_is_written_in_one_order():
    written = [
        Values().encode({"v": set(order)})
        for order in (["a", "b", "c", 1, 2], [2, 1, "c", "b", "a"])
    ]
    assert json.dumps(written[0]) == json.dumps(written[1])


class OwnZone(dt.tzinfo):
    def utcoffset(self, moment):
        return dt.timedelta(0)

    def dst(self, moment):
        return None

    def tzname(self, moment):
        return "own"


HOSTILE = [
    ("bytes", "not base64"),
    ("bytes", "AA==\n"),
    ("bytes", "é"),
    ("bytes", 5),
    ("tuple", 5),
    ("set", [[1]]),
    ("set", "ab" * 0 or None),
    ("float", "1.5"),
    ("float", []),
    ("datetime", "yesterday"),
    ("datetime", ["2026-01-01T00:00:00", 0, "../../etc/passwd"]),
    ("datetime", ["2026-01-01T00:00:00", 0, "/etc/localtime"]),
    ("datetime", ["2026-01-01T00:00:00", 0, "No/Such_Zone"]),
    ("datetime", ["2026-01-01T00:00:00", 7]),
    ("datetime", ["2026-01-01T00:00:00", 0, "", "name"]),
    ("datetime", []),
    ("time", 12),
    ("timedelta", [1]),
    ("timedelta", [10**12, 0, 0]),
    ("decimal", "one"),
    ("decimal", []),
    ("uuid", "x"),
    ("dict", [[1, 2, 3]]),
    ("dict", [[[], 2]]),
    ("dict", 4),
]


@pytest.mark.parametrize(("name", "payload"), HOSTILE)
def test_a_forged_value_is_an_error_that_says_where_and_not_what(name, payload):
    with pytest.raises(InvalidState) as caught:
        Values().decode({"a": [{"__typed__": name, "value": payload}]})
    assert caught.value.path == "$.a[0]"
    assert caught.value.__cause__ is None
    assert "passwd" not in str(caught.value)


def zone_of_a_file(key):
    with (Path(tzpath()) / "Europe/Berlin").open("rb") as file:
        return ZoneInfo.from_file(file, key=key)


def tzpath():
    for folder in (*zoneinfo.TZPATH, *_of_package()):
        if (Path(folder) / "Europe/Berlin").exists():
            return folder
    pytest.skip("no time zone database in files")


def _of_package():
    try:
        import tzdata  # not on every machine
    except ImportError:
        return []
    return [Path(tzdata.__file__).parent / "zoneinfo"]


@pytest.mark.parametrize("zone", [OwnZone, "my.zone", "Asia/Tokyo", "No/Zone", None])
def test_a_zone_that_would_not_come_back_is_refused(zone):
    zone = zone() if zone is OwnZone else zone_of_a_file(zone)
    with pytest.raises(InvalidState, match="has a time zone of type") as caught:
        Values().encode({"at": dt.datetime(2026, 1, 1, tzinfo=zone)})
    assert caught.value.path == "$.at"
    assert "time zone database" in caught.value.hint
