"""Remember when a store was last seen to hold an object, so that a seal need not ask again."""

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
_UNSEEN = (0.0, 0)  # chosen: neither lost nor of any size


class Presence:
    """The times at which objects were written to a store, read from it, or found in it.

    An object that was seen may be gone by now, so the caller decides how old a sighting may be. The
    memory is thread-safe and bounded, so a sighting may be forgotten.
    """

    def __init__(self, max_objects: int = _MAX_OBJECTS, lock: Lock | None = None) -> None:
        self._seen: Recent[str, tuple[float, int]] = Recent(max_objects)
        self._lock = lock or fork_safe_lock()

    def saw(self, name: str, least_size: int = 0) -> None:
        """Note that the store just returned a part of the object, or found it.

        An object that was missed stays lost: another part of it may be damaged.

        Args:
            name: The object.
            least_size: The least number of bytes that it has. It never changes, so it stays that
                large.
        """
        with self._lock:
            at, before = self._seen.peek(name) or _UNSEEN
            if at != _LOST:
                self._seen.put(name, (monotonic(), max(before, least_size)))

    def wrote(self, name: str, size: int = 0) -> None:
        """Note that the store has the whole object, which was just written or repaired.

        Args:
            name: The object.
            size: Its bytes, if they are known.
        """
        with self._lock:
            self._seen.put(name, (monotonic(), size))

    def missed(self, name: str) -> None:
        """Note that the store did not return the whole object, so it must be written again."""
        with self._lock:
            _, before = self._seen.peek(name) or _UNSEEN
            self._seen.put(name, (_LOST, before))

    def least_size(self, name: str) -> int:
        """Return the bytes that the object must have; 0 if that is not known."""
        with self._lock:
            return (self._seen.peek(name) or _UNSEEN)[1]

    def is_lost(self, name: str) -> bool:
        """Return whether the object was missed since it was last written."""
        with self._lock:
            at, _ = self._seen.peek(name) or _UNSEEN
        return at == _LOST

    def is_fresh(self, name: str, seconds: float) -> bool:
        """Return whether the object was seen in the last `seconds`."""
        with self._lock:
            found = self._seen.peek(name)
        return found is not None and monotonic() - found[0] <= seconds
