"""Write a handler's answer as the AWS Lambda runtime for Python does.

A function without the decorator may return a tuple, a Decimal, an Enum or an integer as a key, and
the runtime writes it as JSON. So a decorated function may return these too. If the runtime's own
encoder is loaded in this process, it writes each such value. Otherwise the rules of awslambdaric
4.2 apply, which are those of simplejson.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any, NamedTuple, final

from statebag.format.unopened import unread_in

__all__ = ["AS_THE_RUNTIME", "RuntimeWriter", "holds_unread"]

_MARSHALLER = "awslambdaric.lambda_runtime_marshaller"


@final
class RuntimeWriter:
    """A `default` of `Statebag.seal` that writes values as the Lambda runtime does."""

    def __call__(self, value: Any) -> Any:
        """Return the JSON value that the runtime writes, one level of arrays and objects at a time.

        Raises:
            TypeError: The runtime does not write values of this type.
        """
        if isinstance(value, tuple | dict | list) or (hasattr(value, "_asdict")):
            return self._container(value)
        to_json = _runtime_encoder()
        if to_json is None:
            return _leaf(value)
        try:
            return json.loads(to_json(value))
        except (ValueError, RecursionError):
            raise TypeError(type(value).__qualname__) from None

    def of_key(self, key: Any) -> str:
        """Return the member name that the runtime writes for a key.

        Raises:
            TypeError: The runtime does not write keys of this type.
        """
        to_json = _runtime_encoder()
        if to_json is None:
            return _name(key)
        try:
            (name,) = json.loads(to_json({key: 0}))
        except ValueError:
            raise TypeError(type(key).__qualname__) from None
        return str(name)

    def _container(self, value: Any) -> Any:
        to_json = _runtime_encoder()
        as_object = to_json is None or to_json(_named_tuple()).startswith("{")
        members = getattr(value, "_asdict", None)
        if as_object and callable(members):
            return dict(members())
        if isinstance(value, tuple):
            return list(value)
        if isinstance(value, dict | list):
            return value
        raise TypeError(type(value).__qualname__)


@cache
def _named_tuple() -> Any:
    """Return a value that shows whether the runtime writes a named tuple as an object or array."""

    class Pair(NamedTuple):  # made with the first such value: it takes as long as a module
        one: int

    return Pair(1)


AS_THE_RUNTIME = RuntimeWriter()
"""The one writer that a process needs."""


def _runtime_encoder() -> Any:
    """Return the function of the runtime that encodes answers; None outside a Lambda."""
    return getattr(sys.modules.get(_MARSHALLER), "to_json", None)


def _leaf(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise TypeError("bytes") from None
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    decimal = sys.modules.get("decimal")  # if it is not loaded, this is not a Decimal
    if decimal is not None and isinstance(value, decimal.Decimal):
        if value.is_nan():
            return float("nan")
        try:
            return json.loads(str(value))
        except ValueError:  # more digits than an integer may have
            raise TypeError("Decimal") from None
    raise TypeError(type(value).__qualname__)


def _name(key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, bytes):
        try:
            return key.decode()
        except UnicodeDecodeError:
            raise TypeError("bytes") from None
    if key is None or isinstance(key, int | float):
        return json.dumps(key)
    raise TypeError(type(key).__qualname__)


def holds_unread(value: Any) -> bool:
    """Return whether a handler's answer contains a value that was not opened."""
    seen: set[int] = set()
    pending = [value]
    while pending:
        one = pending.pop()
        if unread_in(one) is not None:
            return True
        if isinstance(one, dict | list | tuple) and id(one) not in seen:
            seen.add(id(one))
            pending.extend(one.values() if isinstance(one, dict) else one)
    return False
