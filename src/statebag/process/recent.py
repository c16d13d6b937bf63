"""A bounded dict that forgets its least recently used entries first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Recent"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Recent(msgspec.Struct, Generic[_Key, _Value], eq=False):
    """Values by key, the least recently used first. Not thread-safe: its owner holds a lock.

    Attributes:
        bound: The largest size of all entries together.
        largest: The largest size of an entry; None stands for the bound.
        size: The size of all entries together, for the owner to read.
        left: Called with the key and value of each entry that is forgotten for want of room.
    """

    bound: int
    largest: int | None = None
    size: int = 0
    left: Callable[[_Key, _Value], None] | None = None
    _items: OrderedDict[_Key, tuple[_Value, int]] = msgspec.field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._items)

    def values(self) -> list[_Value]:
        """Return the values, the least recently used first, without using them."""
        return [value for value, _ in self._items.values()]

    def get(self, key: _Key) -> _Value | None:
        """Return the value of a key and use it; None if it is not held."""
        found = self._items.get(key)
        if found is None:
            return None
        self._items.move_to_end(key)
        return found[0]

    def get_each(self, keys: Iterable[_Key]) -> list[_Value | None]:
        """Return the values of several keys and use them."""
        return [self.get(key) for key in keys]

    def first(self, keys: Iterable[_Key]) -> _Value | None:
        """Return the value of the first key that is held, and use it; None if none is."""
        return next((self.get(key) for key in keys if key in self._items), None)

    def peek(self, key: _Key) -> _Value | None:
        """Return the value of a key without using it; None if it is not held."""
        found = self._items.get(key)
        return None if found is None else found[0]

    def put(self, key: _Key, value: _Value, size: int = 1) -> bool:
        """Hold a value for a key, instead of an earlier one; return whether it is held.

        A value that is too large is not held, but the earlier value is forgotten.
        """
        self.pop(key)
        if size > (self.bound if self.largest is None else self.largest):
            return False
        self._items[key] = (value, size)
        self.size += size
        while self.size > self.bound:
            oldest, (forgotten, its_size) = self._items.popitem(last=False)
            self.size -= its_size
            if self.left is not None:
                self.left(oldest, forgotten)
        return key in self._items

    def put_each(self, items: Iterable[tuple[_Key, _Value, int]]) -> None:
        """Hold values for several keys, each with its size."""
        for item in items:
            self.put(*item)

    def pop(self, key: _Key) -> _Value | None:
        """Forget a key; return the value that it had, None if it was not held."""
        found = self._items.pop(key, None)
        if found is None:
            return None
        self.size -= found[1]
        return found[0]

    def drop(self, is_gone: Callable[[_Value], bool]) -> None:
        """Forget every entry whose value is gone."""
        for key in [key for key, (value, _) in self._items.items() if is_gone(value)]:
            self.pop(key)

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()
        self.size = 0
