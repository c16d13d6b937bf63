"""Write each type of value in a form, and read it back."""

from __future__ import annotations

import binascii
import math
import re
from base64 import b64encode
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

__all__ = ["BUILT_IN", "DICT", "Form", "NotKeptError"]

DICT = "dict"
"""The name of the form of a dict that a JSON object would not restore exactly."""

# A key of the time zone database: no dots, so that it stays in the database's folders.
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,3}")
_DELTA_PARTS = 3  # of `timedelta`: days, seconds, microseconds


class NotKeptError(TypeError):
    """A value has something that would not come back.

    Args:
        what: What it has, as an object of "has", without quoting a value.
        hint: What to do.
    """

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class Form(msgspec.Struct, frozen=True):
    """The form in which the values of one exact type are written.

    Attributes:
        name: The name of the type in the stored text.
        kind: The type.
        encode: Returns a JSON value, or one that holds further values of any type. It raises
            TypeError for a value that could not be restored.
        decode: Returns the original value. Any error means that the text is not of this form.
        sorts: Whether the items are unordered, and are sorted by their texts.
        proven: Whether each value is rebuilt as a test when it is sealed, since its class may
            refuse it later.
        exact: Whether the rebuilt value must be written in the same form.
    """

    name: str
    kind: type
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    sorts: bool = False
    proven: bool = False
    exact: bool = True


def _bytes(text: str) -> bytes:
    return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)


def _text_of(data: bytes | bytearray) -> str:
    return b64encode(data).decode("ascii")


def _float(text: str) -> float:
    number = float(text)
    if math.isfinite(number):
        raise ValueError("a finite float has a JSON form")
    return number


def _with_zone(moment: datetime | time) -> str | list[Any]:
    """Return the ISO 8601 text, and the parts that it lacks: the fold and the zone's name."""
    zone, text = moment.tzinfo, moment.isoformat()
    if zone is None or type(zone) is timezone:
        name = None if zone is None else zone.tzname(None)
        if zone is None or name == timezone(zone.utcoffset(None)).tzname(None):
            return [text, moment.fold] if moment.fold else text
        return [text, moment.fold, "", name]
    if type(zone) is ZoneInfo and zone.key is not None and _is_found(moment, zone.key):
        return [moment.replace(tzinfo=None).isoformat(), moment.fold, zone.key]
    raise NotKeptError(
        f"a time zone of type {type(zone).__qualname__}",
        "A time zone must be a datetime.timezone, or a zoneinfo.ZoneInfo of this machine's "
        "time zone database.",
    )


def _is_found(moment: datetime | time, key: str) -> bool:
    """Return whether the time zone database has this zone, with the same offset."""
    try:
        return moment.replace(tzinfo=_zone(key)).utcoffset() == moment.utcoffset()
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False


def _zone(key: str) -> tzinfo:
    if not _ZONE.fullmatch(key):
        raise ValueError("not a key of the time zone database")
    return ZoneInfo(key)


def _of_zone(kind: type[datetime | time]) -> Callable[[Any], Any]:
    def decode(payload: Any) -> Any:
        if type(payload) is str:
            return kind.fromisoformat(payload)
        text, fold, *rest = payload
        moment = kind.fromisoformat(text).replace(fold=fold)
        if not rest:
            return moment
        key, *names = rest
        if not names:
            return moment.replace(tzinfo=_zone(key))
        (name,) = names
        offset = moment.utcoffset()
        if offset is None:
            raise ValueError("a name without an offset")
        return moment.replace(tzinfo=timezone(offset, name))

    return decode


def _delta(parts: list[int]) -> timedelta:
    if len(parts) != _DELTA_PARTS:
        raise ValueError("not days, seconds and microseconds")
    return timedelta(*parts)


def _dict(pairs: list[list[Any]]) -> dict[Any, Any]:
    return {key: value for key, value in pairs}  # noqa: C416  # each must be a pair


BUILT_IN: tuple[Form, ...] = (
    Form("bytes", bytes, _text_of, _bytes),
    Form("bytearray", bytearray, _text_of, lambda text: bytearray(_bytes(text))),
    Form("tuple", tuple, list, tuple),
    Form("set", set, list, set, sorts=True),
    Form("frozenset", frozenset, list, frozenset, sorts=True),
    Form("float", float, repr, _float),
    Form("datetime", datetime, _with_zone, _of_zone(datetime)),
    Form("date", date, date.isoformat, date.fromisoformat),
    Form("time", time, _with_zone, _of_zone(time)),
    Form("timedelta", timedelta, lambda one: [one.days, one.seconds, one.microseconds], _delta),
    Form("decimal", Decimal, str, Decimal),
    Form("uuid", UUID, str, UUID),
    Form(DICT, dict, lambda one: [[key, one[key]] for key in one], _dict),
)
"""Forms that need no registration."""
