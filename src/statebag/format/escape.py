"""Escaping: user data that looks like one of our own forms, wrapped so that it stays data.

That is an object with the reserved key, and one that looks like a pointer of wire version 0
(which readers of both versions would follow). Only the outermost such object is wrapped: what
is inside a wrapper is opaque.
"""

from __future__ import annotations

from typing import Any

from statebag.format.stub import KEY, Escaped
from statebag.manager.legacy.pointer_format import as_pointer

__all__ = ["escape", "is_lookalike", "may_need_escape"]

_MARKS = (b'"' + KEY.encode() + b'"', b's3_path"', b'"compressed"')  # one of two keys ends so


def may_need_escape(text: bytes) -> bool:
    """Whether a value's JSON text has any of the words that such an object has."""
    return any(mark in text for mark in _MARKS)


def is_lookalike(value: dict[str, Any]) -> bool:
    """Whether a reader of either wire version would take the object itself for one of ours."""
    return KEY in value or as_pointer(value) is not None


def escape(value: Any, *, pointers: bool = True) -> Any:
    """The value with every outermost lookalike wrapped in a stub; the original is not changed.

    Args:
        value: A JSON value.
        pointers: Whether what looks like a pointer of wire version 0 is wrapped as well.
    """
    root: list[Any] = [value]
    pending: list[tuple[Any, Any]] = [(root, 0)]
    while pending:
        container, key = pending.pop()
        one = container[key]
        if isinstance(one, dict):
            if KEY in one or (pointers and as_pointer(one) is not None):
                container[key] = {KEY: Escaped(one).to_wire()}
                continue
            container[key] = copy = dict(one)
            pending.extend((copy, name) for name, member in one.items() if _holds(member))
        elif isinstance(one, list):
            container[key] = items = list(one)
            pending.extend((items, i) for i, member in enumerate(one) if _holds(member))
    return root[0]


def _holds(value: Any) -> bool:
    return isinstance(value, dict | list)
