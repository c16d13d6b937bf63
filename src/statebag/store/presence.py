"""When a store was last seen to hold an object: what a seal may rely on without asking again."""

from __future__ import annotations

from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from statebag.process.forking import fork_safe_lock
from statebag.process.recent import Recent

if TYPE_CHECKING:
    from threading import Lock

__all__ = ["Presence"]

_MAX_OBJECTS = 65_536  # chosen: at about 300 bytes each they take 20 MB
_LOST = -inf  # the time of an object that was missed: never fresh


class Presence:
    """The times at which objects were written to a store, read from it, or found in it.

    An object that was seen may be gone by now: whoever relies on it decides how old a sighting
    may be. Thread-safe; bounded, so a sighting may be forgotten.
    """

    def __init__(self, max_objects: int = _MAX_OBJECTS, lock: Lock | None = None) -> None:
        self._seen: Recent[str, float] = Recent(max_objects)
        self._lock = lock or fork_safe_lock()

    def saw(self, name: str) -> None:
        """The store took, gave or found the object just now."""
        with self._lock:
            self._seen.put(name, monotonic())

    def missed(self, name: str) -> None:
        """The store did not give the object, or not whole: it must be written to be relied on."""
        with self._lock:
            self._seen.put(name, _LOST)

    def is_lost(self, name: str) -> bool:
        """Whether the object was missed since it was last seen."""
        with self._lock:
            return self._seen.peek(name) == _LOST

    def is_fresh(self, name: str, seconds: float) -> bool:
        """Whether the object was seen at most so many seconds ago."""
        with self._lock:
            at = self._seen.peek(name)
        return at is not None and monotonic() - at <= seconds
