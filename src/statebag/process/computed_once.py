"""A property that is computed once, without a lock.

`functools.cached_property` of Python 3.11 holds a lock for the whole class while it computes. A
process that is forked then hangs in the child, where nobody releases it. Here two threads may
compute the same value twice; both get the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["computed_once"]

_Value = TypeVar("_Value")


class computed_once(Generic[_Value]):  # noqa: N801  # used as a decorator, as property is
    """The value of a method without arguments, kept in the object's `__dict__` under its name."""

    def __init__(self, compute: Callable[[Any], _Value]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> _Value:
        """The value; found by the object itself once it is there, as this has no `__set__`."""
        value = self._compute(instance)
        instance.__dict__[self._name] = value
        return value
