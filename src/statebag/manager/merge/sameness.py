"""Compare two values of a state, even if one of them was not opened."""

from __future__ import annotations

from typing import Any

import msgspec

from statebag.errors import InvalidState
from statebag.format import json_check, json_text
from statebag.format.codec import sha256_hex
from statebag.format.unopened import Unopened, holds_unopened

__all__ = ["MISSING", "digest_of", "digest_of_given", "same"]


class _Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()
"""Stands for a key that an object does not have."""


_EXACT = frozenset({str, int, bool, type(None)})
"""Types of which two values are the same JSON exactly if they are equal and of one type."""


def same(one: Any, other: Any) -> bool | None:
    """Return whether two values are the same JSON; key order is ignored, 1, 1.0 and true differ.

    Returns:
        None if one of them must be opened to know.
    """
    if one is MISSING or other is MISSING:
        return one is other
    if type(one) in _EXACT and type(other) in _EXACT:
        return type(one) is type(other) and bool(one == other)
    if not holds_unopened(one) and not holds_unopened(other):
        return _canonical(one) == _canonical(other)
    if isinstance(one, Unopened) and isinstance(other, Unopened) and one.wire == other.wire:
        return True
    first, second = digest_of(one), digest_of(other)
    if first is not None and first == second:
        return True
    return None


def digest_of(value: Any) -> str | None:
    """Return the SHA-256 of a value's JSON text; None for `MISSING`, or if it must be opened."""
    if value is MISSING:
        return None
    if isinstance(value, Unopened):
        return value.stub.digest
    return None if holds_unopened(value) else sha256_hex(json_text.encode(value))


def digest_of_given(value: Any) -> str:
    """Return the SHA-256 of an unopened JSON value; the order of keys is ignored.

    Raises:
        InvalidState: It is not a JSON value, or nests too deep.
    """
    try:
        return sha256_hex(msgspec.json.encode(value, order="sorted", enc_hook=_wire))
    except RecursionError:
        raise json_text.no_room(InvalidState) from None
    except (TypeError, UnicodeEncodeError):
        json_check.check_json(value)
        raise


def _wire(value: Any) -> Any:
    if isinstance(value, Unopened):
        return value.wire
    raise TypeError


def _canonical(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, order="sorted")
    except RecursionError:
        raise json_text.no_room(InvalidState) from None
