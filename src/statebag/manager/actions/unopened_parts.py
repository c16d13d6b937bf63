"""Open all placeholders in a value, or replace a large value with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.format.codec import compress, sha256_hex
from statebag.format.stub import KEY, Carried
from statebag.format.unopened import Grown, Unopened

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.format.form import Kind

__all__ = ["as_one", "with_all_opened"]


def with_all_opened(value: Any, read: Callable[[list[Unopened]], list[Any]]) -> Any:
    """Return a copy of a value with everything in it opened.

    Args:
        value: The value. One without placeholders is returned as it is.
        read: Opens all placeholders in one read, in their order.
    """
    found: list[Unopened] = []
    _collect(value, found)
    return _filled(value, iter(read(found))) if found else value


def as_one(text: bytes, count: int, kind: Kind = "object") -> Unopened:
    """Return a placeholder for a value that a seal offloads whole, inline or in the store.

    Args:
        text: The JSON text of the value.
        count: The number of its members or items.
        kind: Its kind in JSON.
    """
    stub = Carried(sha256_hex(text), len(text), compress(text), kind, count)
    return Unopened({KEY: stub.to_wire()}, stub, is_own=True)


def _collect(value: Any, found: list[Unopened]) -> None:
    if isinstance(value, Unopened):
        found.append(value)
    elif isinstance(value, Grown):
        found.append(value.before)
        _collect(value.items, found)
    elif isinstance(value, dict):
        for member in value.values():
            _collect(member, found)
    elif isinstance(value, list):
        for member in value:
            _collect(member, found)


def _filled(value: Any, opened: Any) -> Any:
    """Return a copy with the opened values in their places, in the order of `_collect`."""
    if isinstance(value, Unopened):
        return next(opened)
    if isinstance(value, Grown):
        return [*next(opened), *_filled(value.items, opened)]
    if isinstance(value, dict):
        return {key: _filled(member, opened) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, opened) for member in value]
    return value
