"""A store in this process's memory, for tests and trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from threading import Lock
from typing import Any, ClassVar

import msgspec

from statebag.errors import BlobMissing, ConfigurationError
from statebag.process.forking import fork_safe_lock
from statebag.store.confinement import check_spans, confined_parts, too_short
from statebag.store.content_version import content_version, delete_if_unchanged, put_if_unchanged
from statebag.store.contract import ObjectInfo

__all__ = ["MemoryStore"]


class _Held(msgspec.Struct, frozen=True):
    data: bytes
    modified: datetime


class MemoryStore:
    """A thread-safe store in a dictionary, which is lost when the process ends.

    `MemoryStore()` is a new, empty store with its own URL. `MemoryStore.named(name)` returns the
    same store for a name throughout the process.
    """

    _named: ClassVar[dict[str, MemoryStore]] = {}
    _registry_lock: ClassVar[Lock] = fork_safe_lock()
    _numbers: ClassVar[Iterator[int]] = count(1)

    def __init__(self) -> None:
        # The '#' keeps it apart from every name that an address can spell.
        self._url = f"memory://#{next(self._numbers)}"
        self._objects: dict[str, _Held] = {}
        self._lock = fork_safe_lock()
        self._changing = fork_safe_lock()

    @classmethod
    def named(cls, name: str) -> MemoryStore:
        """Return the store at `memory://name`, which the first call creates for the process."""
        with cls._registry_lock:
            store = cls._named.get(name)
            if store is None:
                store = cls()
                store._url = f"memory://{name}"
                cls._named[name] = store
            return store

    @property
    def url(self) -> str:
        """`memory://name`."""
        return self._url

    @property
    def identity(self) -> tuple[str, ...]:
        """The URL, which is unique to a store."""
        return ("memory", self._url)

    is_local = True
    """A look-up costs next to nothing."""

    def __repr__(self) -> str:
        return f"MemoryStore({self._url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the name; the objects stay in their process.

        Raises:
            ConfigurationError: The store has no name, so no other process can find it.
        """
        name = self._url.removeprefix("memory://")
        if self._named.get(name) is not self:
            raise ConfigurationError(
                "a MemoryStore without a name cannot be pickled: only this process has its objects",
                hint="Use a folder or an object store; MemoryStore.named(...) is pickled by its "
                "name, and is empty in a new process.",
            )
        return MemoryStore.named, (name,)

    def put(self, name: str, data: bytes) -> None:
        """Store a copy of the bytes under a name."""
        confined_parts(name)
        held = _Held(bytes(data), datetime.now(UTC))
        with self._lock:
            self._objects[name] = held

    def get(self, name: str) -> bytes:
        """Return all bytes of an object; raise BlobMissing if there is none."""
        return self._held(name).data

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object, and their version."""
        data = self.get(name)
        return data, content_version(data)

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object if its current version is this one; with None, if it does not exist.

        Raises:
            Conflict: The version is another one.
        """
        with self._changing:
            return put_if_unchanged(self, name, data, version)

    def delete_if(self, name: str, version: str) -> None:
        """Delete an object if its current version is this one.

        Raises:
            Conflict: The object has changed since, or is gone.
        """
        with self._changing:
            delete_if_unchanged(self, name, version)

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`; raise BlobCorrupt past the end."""
        check_spans(name, spans)
        data = self._held(name).data
        for offset, length in spans:
            if length and offset + length > len(data):
                raise too_short(name, offset, length)
        return [data[offset : offset + length] for offset, length in spans]

    def head(self, name: str) -> ObjectInfo | None:
        """Return the size and time of an object, or None."""
        confined_parts(name)
        with self._lock:
            held = self._objects.get(name)
        return None if held is None else ObjectInfo(name, len(held.data), held.modified)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Iterate the objects that are at and below a prefix at the time of the call, by name."""
        if prefix:
            confined_parts(prefix)
        with self._lock:
            found = [
                ObjectInfo(name, len(held.data), held.modified)
                for name, held in self._objects.items()
                if not prefix or name == prefix or name.startswith(prefix + "/")
            ]
        return iter(sorted(found, key=lambda info: info.name))

    def delete(self, name: str) -> None:
        """Delete an object."""
        confined_parts(name)
        with self._lock:
            self._objects.pop(name, None)

    def _held(self, name: str) -> _Held:
        confined_parts(name)
        with self._lock:
            held = self._objects.get(name)
        if held is None:
            raise BlobMissing("the store does not have the object", object_name=name)
        return held
