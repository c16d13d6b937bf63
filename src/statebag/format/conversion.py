"""Convert the values of a state that JSON does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, InvalidState
from statebag.format.json_check import check_json
from statebag.format.json_text import MAX_DEPTH
from statebag.format.unopened import OPAQUE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["JSON_SCALARS", "check_default", "converted"]

JSON_SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None)})
"""The exact types of the values of JSON that hold no other value."""


def check_default(default: object) -> None:
    """Refuse a `default` that cannot be called.

    Raises:
        ConfigurationError: It is not a function.
    """
    if default is not None and not callable(default):
        raise ConfigurationError(
            f"default must be a function, not {type(default).__qualname__}",
            hint="Write default=str, or a function that returns a JSON value.",
        )


def converted(state: Any, default: Callable[[Any], Any]) -> Any:
    """Return a state with each value that JSON does not have replaced.

    The state is not changed. A container that occurs several times is converted once.

    A state that is a JSON value is returned as it is.

    Args:
        state: Any Python value. `Unopened` values in it stay.
        default: Called with a value that JSON does not have. It returns the value to write, which
            is converted in turn. If it raises TypeError or returns the value itself, the value
            stays, for `check_json` to refuse. If it has a method `of_key`, this is called with
            each key that is not a string.

    Raises:
        Exception: What `default` raises, except for TypeError.
    """
    try:
        check_json(state, OPAQUE)
    except InvalidState:
        pass
    else:
        return state
    of_key: Callable[[Any], Any] | None = getattr(default, "of_key", None)
    # With the originals, which keeps an id from being given to another object.
    seen: dict[int, tuple[Any, Any]] = {}
    root: list[Any] = [state]
    pending: list[tuple[Any, Any, int]] = [(root, 0, 0)]
    while pending:
        container, key, depth = pending.pop()
        one, depth = _replaced(container[key], default, depth)
        if id(one) in seen:
            container[key] = seen[id(one)][1]
            continue
        container[key] = one
        if depth > MAX_DEPTH:
            continue
        copy: Any
        if isinstance(one, dict):
            copy = dict(one) if of_key is None else {_text(name, of_key): one[name] for name in one}
            pending.extend((copy, name, depth + 1) for name, member in copy.items() if _has(member))
        elif isinstance(one, list):
            copy = list(one)
            pending.extend((copy, i, depth + 1) for i, member in enumerate(copy) if _has(member))
        else:
            continue
        seen[id(one)] = one, copy
        container[key] = copy
    return root[0]


def _has(value: Any) -> bool:
    return type(value) not in JSON_SCALARS


def _replaced(one: Any, default: Callable[[Any], Any], depth: int) -> tuple[Any, int]:
    """Return what stands for a value, and its depth; each replacement counts as a level."""
    while depth <= MAX_DEPTH:
        kind = type(one)
        if kind in JSON_SCALARS or kind in OPAQUE or kind is dict or kind is list:
            break
        if isinstance(one, list) or (isinstance(one, dict) and not hasattr(one, "_asdict")):
            break
        try:
            other = default(one)
        except TypeError:  # as for json.dumps: it does not know the type
            break
        if other is one:
            break
        one, depth = other, depth + 1
    return one, depth


def _text(key: Any, of_key: Callable[[Any], Any]) -> Any:
    if type(key) is str:
        return key
    try:
        return of_key(key)
    except TypeError:
        return key
