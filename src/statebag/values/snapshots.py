"""Take snapshots of values of any class, to find out later whether a value changed in place."""

from __future__ import annotations

import copyreg
from collections import deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import BuiltinFunctionType, FunctionType
from typing import Any
from uuid import UUID

from statebag.format.unopened import NotRead

__all__ = ["IMMUTABLE", "is_immutable", "same_json", "snapshot"]

_BY_VALUE: frozenset[type] = frozenset({str, int, bool, type(None), bytes, UUID})
# Equal values of these may differ in what is written: 0.0 and -0.0, 1.0 and 1.00, two time zones.
_BY_TEXT: frozenset[type] = frozenset({float, Decimal, datetime, date, time, timedelta})
IMMUTABLE: frozenset[type] = _BY_VALUE | _BY_TEXT
"""Types whose values cannot change in place; subclasses may."""


def is_immutable(value: object) -> bool:
    """Return whether a value is known not to change in place."""
    return type(value) in IMMUTABLE or isinstance(value, Enum)


def snapshot(value: Any) -> Any:
    """Return a snapshot, which equals a later one of the same value only if nothing in it changed.

    A value that cannot be inspected (a lock, a value that holds itself) has snapshots that are
    equal to no other one.

    Args:
        value: Any value.
    """
    try:
        return _snapshot(value)
    except RecursionError:
        return object()


def _snapshot(value: Any) -> Any:
    kind = type(value)
    if kind in _BY_VALUE or isinstance(value, Enum | type | FunctionType | BuiltinFunctionType):
        return kind, value
    if kind in _BY_TEXT:
        return kind, repr(value)
    if isinstance(value, NotRead):
        return kind, id(value)  # it cannot be compared, and the state holds it
    if isinstance(value, dict):
        return kind, [(_snapshot(name), _snapshot(one)) for name, one in value.items()]
    if isinstance(value, list | tuple | deque):
        return kind, [_snapshot(one) for one in value]
    if isinstance(value, set | frozenset):
        return kind, sorted((_snapshot(one) for one in value), key=repr)
    try:
        own = copyreg.dispatch_table.get(kind)
        reduced = value.__reduce_ex__(4) if own is None else own(value)
    except RecursionError:
        raise
    except Exception:  # noqa: BLE001  # of the user's own class
        return object()
    if isinstance(reduced, str):
        return kind, reduced
    made, arguments, *rest = reduced
    state, items, pairs = (*rest, None, None, None)[:3]
    return (
        kind,
        made,
        _snapshot(arguments),
        _snapshot(state),
        [_snapshot(one) for one in items or ()],
        [_snapshot(one) for one in pairs or ()],
    )


def same_json(one: Any, other: Any) -> bool:
    """Return whether two JSON values have the same JSON text, with members in the same order.

    Args:
        one: A JSON value, in which other values are allowed.
        other: Another one.
    """
    pending = [(one, other)]
    while pending:
        left, right = pending.pop()
        if left is right:
            continue
        if type(left) is not type(right):
            return False
        if isinstance(left, dict):
            if list(left) != list(right):
                return False
            pending.extend((its, right[name]) for name, its in left.items())
        elif isinstance(left, list):
            if len(left) != len(right):
                return False
            pending.extend(zip(left, right, strict=True))
        elif isinstance(left, NotRead):
            if left != right:
                return False
        elif _snapshot(left) != _snapshot(right):
            return False
    return True
