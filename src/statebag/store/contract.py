"""What a store must do, and nothing about how.

A store holds immutable objects under names relative to its root. Every backend raises the
library's own errors, so that nothing above this room knows which backend it talks to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

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

    Names are relative paths that passed `statebag.format.names.check_name`; a backend may
    rely on it, and confines them to its root all the same.

    Errors, for every method:
        StoreUnavailable: no answer, a timeout, a 5xx, a 429, a broken body: try again.
        NotPermitted: the store refused the request (401, 403), or the name leaves the root.
        BlobMissing: the object is not there (`get`, `get_ranges`).
        ConfigurationError: the root itself is not there or cannot be used at all.
    """

    @property
    def url(self) -> str:
        """The root's address without credentials, for caches and messages."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object: after the return it is durable and visible, or nothing is.

        An object of the same name is replaced as a whole; a reader sees the old or the new
        bytes, never a mixture.
        """
        ...

    def get(self, name: str) -> bytes:
        """Return all bytes of an object."""
        ...

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of `(offset, length)` spans of one object, in the order of `spans`.

        Each answer has exactly the length asked for. A span that reaches past the end of the
        object raises `BlobCorrupt`: the object is shorter than what a stub says of it.
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
    """What a store can do besides: replace an object only if it still is what was read.

    A named pointer to the newest of several objects needs it, and nothing else: a store without
    it is whole. To delete such a pointer in a store without `ConditionalDeletes`, replace it first
    by bytes that say so.

    Errors, besides those of `Store`:
        Conflict: The object is another one by now, or is gone.
    """

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object, and the version that they are: any text."""
        ...

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object if its present version is this one; return the new version.

        With None, only if there is no such object. Of several writers that read the same version,
        one succeeds.
        """
        ...


def is_conditional(store: Store) -> bool:
    """Whether a store is a `ConditionalStore`; of a wrapper, whether what it wraps is."""
    said = getattr(store, "is_conditional", None)
    return said if isinstance(said, bool) else isinstance(store, ConditionalStore)


@runtime_checkable
class ConditionalDeletes(Protocol):
    """What a conditional store may do besides: delete an object only if it still is what was read.

    Errors, besides those of `Store`:
        Conflict: The object is another one by now, or is gone.
    """

    def delete_if(self, name: str, version: str) -> None:
        """Delete an object if its present version is this one, as `get_version` gave it."""
        ...


def can_delete_if(store: Store) -> bool:
    """Whether a store has `delete_if`; of a wrapper, whether what it wraps does."""
    said = getattr(store, "can_delete_if", None)
    return said if isinstance(said, bool) else isinstance(store, ConditionalDeletes)


def is_ours(store: Store) -> bool:
    """Whether a store can be relied on because this library wrote it; see `store.checked`.

    By the module of the class itself: a class derived from one of ours is someone else's.
    """
    return type(store).__module__.partition(".")[0] == "statebag"
