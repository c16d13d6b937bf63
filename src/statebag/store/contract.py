"""Define the contract of a store.

A store holds immutable objects under names relative to its root. Every backend raises the
library's own errors, so that nothing above this room knows which backend it talks to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec

__all__ = [
    "ConditionalDeletes",
    "ConditionalStore",
    "ObjectInfo",
    "Store",
    "can_delete_if",
    "is_conditional",
    "is_ours",
]


class ObjectInfo(msgspec.Struct, frozen=True):
    """One stored object.

    Attributes:
        name: Its name relative to the store's root.
        size: Its length in bytes.
        modified: When it was last written, with a time zone.
    """

    name: str
    size: int
    modified: datetime


@runtime_checkable
class Store(Protocol):
    """Immutable objects by name.

        Names are relative paths that the layers above have checked. A backend confines them to its
        root
    all the same.

    Errors, for every method:
        StoreUnavailable: no answer, a timeout, a 5xx, a 429, a broken body: a retry can help.
        NotPermitted: the store refused the request (401, 403), or the name leaves the root.
        BlobMissing: the object does not exist (`get`, `get_ranges`).
        ConfigurationError: the root does not exist, or cannot be used at all.
    """

    @property
    def url(self) -> str:
        """The root's address without credentials, for caches and messages."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object, which is durable and visible on return.

        An object of the same name is replaced as a whole; a reader sees the old or the new
        bytes, never a mixture.
        """
        ...

    def get(self, name: str) -> bytes:
        """Return all bytes of an object."""
        ...

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of `(offset, length)` spans of one object, in the order of `spans`.

        Each answer has exactly the requested length. A span that reaches past the end of the object
        raises `BlobCorrupt`: the object is shorter than its stub says.
        """
        ...

    def head(self, name: str) -> ObjectInfo | None:
        """Return size and time of an object without reading it; None if it does not exist."""
        ...

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Iterate the objects whose name is `prefix` or is below it, by name."""
        ...

    def delete(self, name: str) -> None:
        """Delete an object; one that does not exist is not an error."""
        ...


@runtime_checkable
class ConditionalStore(Protocol):
    """A store that can also replace an object only if it has not changed.

    Only a head (docs/design/0030) needs it; a store without it is complete. To delete a head in a
    store without `ConditionalDeletes`, replace it first, so that no other writer can.

    Errors, in addition to those of `Store`:
        Conflict: The object was replaced in the meantime, or is gone.
    """

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object, and their version, which is any text."""
        ...

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object if its current version is this one; return the new version.

        With None, write it only if there is no such object. If several writers read the same
        version, one succeeds.
        """
        ...


def is_conditional(store: Store) -> bool:
    """Return whether a store, or the store inside a wrapper, is a `ConditionalStore`."""
    said = getattr(store, "is_conditional", None)
    return said if isinstance(said, bool) else isinstance(store, ConditionalStore)


@runtime_checkable
class ConditionalDeletes(Protocol):
    """A conditional store that can also delete an object only if it has not changed.

    Errors, in addition to those of `Store`:
        Conflict: The object has changed since, or is gone.
    """

    def delete_if(self, name: str, version: str) -> None:
        """Delete an object if its current version is this one, as `get_version` returned it."""
        ...


def can_delete_if(store: Store) -> bool:
    """Return whether a store has `delete_if`; for a wrapper, whether the store inside has it."""
    said = getattr(store, "can_delete_if", None)
    return said if isinstance(said, bool) else isinstance(store, ConditionalDeletes)


def is_ours(store: Store) -> bool:
    """Return whether a store is this library's, so that its answers need no check.

    The module of the class decides: a class derived from one of this library's is not.
    """
    return type(store).__module__.partition(".")[0] == "statebag"
