"""Ask other places for the bytes of an object, once the store has failed.

They are asked in this order: the store again (bytes damaged in transit arrive intact the second
time), the replicas, and earlier versions of the object, if the store keeps them. The caller checks
the bytes; this module does not trust any place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.telemetry.log_warnings import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from os import PathLike

    from statebag.store.contract import Store

__all__ = ["NOT_READ", "PASSING", "Recovery", "Versioned"]

NOT_READ = (BlobMissing, BlobCorrupt, StoreUnavailable)
"""Errors of a read after which other copies are tried; a refusal is final."""

_NOT_HERE = (*NOT_READ, NotPermitted, ConfigurationError)
"""Why another place gives nothing; the next one is asked."""

PASSING = "the store itself, read again"


@runtime_checkable
class Versioned(Protocol):
    """A store that may keep earlier versions of objects that were replaced or deleted."""

    def versions(self, name: str) -> Iterator[bytes]:
        """Yield all bytes of each version that is kept, the newest first.

        Raises:
            StoreUnavailable: The store did not answer.
        """
        ...


class Recovery:
    """Other places for the objects of one store.

    Args:
        store: The store that is written to.
        replicas: Stores that are only read, or their addresses.
        attempts: The attempts of each request to a replica.
        through: Wraps a replica in the same way as the store.
    """

    def __init__(
        self,
        store: Store,
        replicas: Sequence[str | PathLike[str] | Store] = (),
        attempts: int = 1,
        through: Callable[[Store], Store] = lambda store: store,
    ) -> None:
        self._through = through
        self._store = store
        self._given = replicas
        self._attempts = attempts
        self._made: list[Store] | None = None

    def _replicas(self) -> list[Store]:
        """Return the replicas, which are made when the first read fails."""
        if self._made is None:
            made = list(self._usable())
            if None in made:  # it may be usable the next time
                return [store for store in made if store is not None]
            self._made = [store for store in made if store is not None]
        return self._made

    def _usable(self) -> Iterator[Store | None]:
        from statebag.store.address import store_of  # noqa: PLC0415 (slow; only for a failed read)
        from statebag.store.retrying import RetryingStore  # noqa: PLC0415 (slow; only for a failed read)

        for place, one in enumerate(self._given, 1):
            try:
                store = store_of(one)
            except ConfigurationError as error:  # the others may still have it whole
                # Not by its address, which may be wrong in that it holds a password.
                warn("PlaceNotUsed", "replica %d cannot be used: %s", place, error.code)
            except StoreUnavailable as error:
                warn("PlaceNotUsed", "replica %d cannot be used now: %s", place, error.code)
                yield None
            else:
                yield RetryingStore(self._through(store), attempts=self._attempts)

    def spans(
        self, name: str, offset: int, length: int, error: StatebagError
    ) -> Iterator[tuple[str, bytes]]:
        """Yield each place's bytes of a span of an object, with the place's name for a log.

        Args:
            name: The object.
            offset: The span's offset.
            length: The span's length.
            error: The error of the read. The store is asked again only if its bytes were damaged,
                and for earlier versions only if it answered.
        """
        span = [(offset, length)]
        if isinstance(error, BlobCorrupt):
            yield from self._tried(PASSING, lambda: self._store.get_ranges(name, span)[0])
        for replica in self._replicas():
            read = replica.get_ranges
            yield from self._tried(replica.url, lambda read=read: read(name, span)[0])  # type: ignore[misc]
        if isinstance(error, StoreUnavailable):
            return
        for data in self._versions(name):
            yield f"an earlier version in {self._store.url}", data[offset : offset + length]

    def wholes(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Yield each place's bytes of a whole object, except the current ones of the store."""
        for replica in self._replicas():
            read = replica.get
            yield from self._tried(replica.url, lambda read=read: read(name))  # type: ignore[misc]
        for data in self._versions(name):
            yield f"an earlier version in {self._store.url}", data

    def _versions(self, name: str) -> Iterator[bytes]:
        if not isinstance(self._store, Versioned):
            return
        try:
            yield from self._store.versions(name)
        except _NOT_HERE as error:
            warn("PlaceNotUsed", "versions of %s could not be read: %s", name, error.code)

    def _tried(self, place: str, read: Callable[[], bytes]) -> Iterator[tuple[str, bytes]]:
        try:
            data = read()
        except _NOT_HERE as error:
            warn("PlaceNotUsed", "no intact copy in %s: %s", place, error.code)
            return
        yield place, data
