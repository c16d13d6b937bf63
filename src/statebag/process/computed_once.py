"""A property that is computed once, without a lock.

`functools.cached_property` of Python 3.11 holds a lock for the whole class while it computes. If a
process forks while the lock is held, the child hangs, because nothing releases it. Here two threads
may compute the value twice; both get the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["computed_once"]

_Value = TypeVar("_Value")


class computed_once(Generic[_Value]):  # noqa: N801  # used as a decorator, as property is
    """A decorator that keeps the value of a method in the object's `__dict__`, under its name."""

    def __init__(self, compute: Callable[[Any], _Value]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> _Value:
        """Return the value; later, attribute lookup finds it in the object's `__dict__`."""
        value = self._compute(instance)
        instance.__dict__[self._name] = value
        return value
