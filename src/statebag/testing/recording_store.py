"""A store that records its calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from statebag.process.forking import fork_safe_lock
from statebag.store.checked import checked
from statebag.store.contract import ObjectInfo, Store, is_conditional

__all__ = ["Call", "RecordingStore"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a store.

    Attributes:
        operation: The method's name, such as `put`.
        name: The object, or the prefix of a `list`.
        spans: The spans of a `get_ranges`; empty for other operations.
        size: The number of bytes of a `put` or `put_if`; 0 for other operations.
    """

    operation: str
    name: str
    spans: tuple[tuple[int, int], ...] = ()
    size: int = 0


class RecordingStore:
    """Record every call, even if it fails, and pass it on to a store. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = checked(store)
        self._calls: list[Call] = []
        self._lock = fork_safe_lock()

    @property
    def url(self) -> str:
        """The address of the inner store."""
        return self._store.url

    @property
    def calls(self) -> list[Call]:
        """Return a copy of all calls so far, in order."""
        with self._lock:
            return list(self._calls)

    def of(self, operation: str) -> list[Call]:
        """Return the calls of one operation."""
        return [call for call in self.calls if call.operation == operation]

    def forget(self) -> None:
        """Empty the record."""
        with self._lock:
            self._calls.clear()

    def put(self, name: str, data: bytes) -> None:
        """See `Store`."""
        self._record(Call("put", name, size=len(data)))
        self._store.put(name, data)

    def get(self, name: str) -> bytes:
        """See `Store`."""
        self._record(Call("get", name))
        return self._store.get(name)

    @property
    def is_conditional(self) -> bool:
        """Whether the inner store is a `ConditionalStore`."""
        return is_conditional(self._store)

    def get_version(self, name: str) -> tuple[bytes, str]:
        """See `ConditionalStore`."""
        store: Any = self._store
        self._record(Call("get_version", name))
        data, version = store.get_version(name)
        return data, version

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """See `ConditionalStore`."""
        store: Any = self._store
        self._record(Call("put_if", name, size=len(data)))
        new: str = store.put_if(name, data, version)
        return new

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """See `Store`."""
        self._record(Call("get_ranges", name, spans=tuple(spans)))
        return self._store.get_ranges(name, spans)

    def head(self, name: str) -> ObjectInfo | None:
        """See `Store`."""
        self._record(Call("head", name))
        return self._store.head(name)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `Store`; recorded at the call, not at the first step."""
        self._record(Call("list", prefix))
        return self._store.list(prefix)

    def delete(self, name: str) -> None:
        """See `Store`."""
        self._record(Call("delete", name))
        self._store.delete(name)

    def _record(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)
