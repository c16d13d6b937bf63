"""Retry requests: after which failures, how long to wait, and when to stop."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from statebag.errors import BlobMissing, ConfigurationError, Conflict, StoreUnavailable
from statebag.store.bounded import DEADLINE, remaining_seconds
from statebag.store.contract import can_delete_if, is_conditional, is_ours
from statebag.store.identity import asks_for_nothing, identity_of, salt_of
from statebag.store.refusing import check_may_write
from statebag.telemetry import usage
from statebag.telemetry.steps import span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from statebag.store.contract import ObjectInfo, Store
    from statebag.store.identity import Identity

__all__ = ["RetryingStore", "deadline", "remaining_seconds"]

_Answer = TypeVar("_Answer")

# Tries of a store that was not reached. Chosen: their waits are 3 s in the mean, and 6 s at most.
_UNREACHED = 7
_LONGEST_SECONDS = 60.0  # of all tries without a deadline. Chosen: as `Policy.deadline_seconds`
_LEAST_SECONDS = 0.1  # chosen: in less, no request is made and answered


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Set a deadline for all requests of the code inside; an earlier one around it still counts.

    It limits each request with its body, the waits between attempts and the number of attempts. It
    is a context variable: a thread sees it if it runs in a copy of the context
    (`contextvars.copy_context().run`).
    """
    own = time.monotonic() + seconds
    outer = DEADLINE.get()
    token = DEADLINE.set(own if outer is None else min(own, outer))
    try:
        yield
    finally:
        DEADLINE.reset(token)


def _uniform(least: float, most: float) -> float:
    import random  # noqa: PLC0415  # slow to load, and no healthy request needs it

    return random.uniform(least, most)  # noqa: S311  # spreads clients, guards nothing


class RetryingStore:
    """A store that retries requests after failures that may be temporary.

    It retries only after `StoreUnavailable`: a missing or damaged object, a refusal or a wrong
    setting does not change. A busy store (one that throttles, or fails with a 5xx) is asked until
    the deadline; one that cannot be reached, 7 times. Before attempt n + 1 it waits a random time
    of at most `base_seconds * 2 ** (n - 1)` and at most `cap_seconds` ("full jitter", which spreads
    clients that failed together). It also counts requests and bytes for `statebag.telemetry.usage`;
    each failed attempt that is followed by another counts as a retry.

    Args:
        store: The inner store; if it is not this library's, its answers are checked.
        attempts: The largest number of attempts of one request; 0 for the rule above.
        share_of_reads: The part of the time until the deadline that the attempts of a read may
            take, so that some time is left to read elsewhere.
        base_seconds: The longest wait before the second attempt.
        cap_seconds: The longest wait before any attempt.
        sleep: Waits for a number of seconds.
        jitter: Returns a random number between its two arguments.

    Raises:
        ConfigurationError: `attempts` or a time is negative, or the store breaks the contract of a
            store.
    """

    def __init__(
        self,
        store: Store,
        *,
        attempts: int = 0,
        share_of_reads: float = 1.0,
        base_seconds: float = 0.1,
        cap_seconds: float = 2.0,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float, float], float] = _uniform,
    ) -> None:
        if attempts < 0 or base_seconds < 0 or cap_seconds < 0:
            raise ConfigurationError(
                f"attempts must be at least 0 and the waits at least 0 seconds, not {attempts} "
                f"attempts with waits of {base_seconds} to {cap_seconds} seconds",
            )
        if not is_ours(store):
            from statebag.store.checked import checked  # noqa: PLC0415  # most stores are ours

            store = checked(store)
        self._store = store
        self._identity: Identity | None = None
        self._attempts = attempts
        self._share_of_reads = share_of_reads
        self._base_seconds = base_seconds
        self._cap_seconds = cap_seconds
        self._sleep = sleep
        self._jitter = jitter

    @property
    def inner(self) -> Store:
        """The inner store."""
        return self._store

    @property
    def url(self) -> str:
        """The address of the inner store."""
        return self._store.url

    @property
    def identity(self) -> Identity:
        """The address of the inner store."""
        if self._identity is None:  # kept: it identifies a store that has no weak references
            self._identity = identity_of(self._store)
        return self._identity

    @property
    def salt(self) -> bytes:
        """The inner store's salt; empty if it does not encrypt."""
        return salt_of(self._store)

    @property
    def is_local(self) -> bool:
        """Whether a look-up in the inner store costs next to nothing."""
        return asks_for_nothing(self._store)

    def with_attempts(self, attempts: int) -> RetryingStore:
        """Return the same store and waits with another number of attempts.

        Raises:
            ConfigurationError: `attempts` is negative.
        """
        return RetryingStore(
            self._store,
            attempts=attempts,
            share_of_reads=self._share_of_reads,
            base_seconds=self._base_seconds,
            cap_seconds=self._cap_seconds,
            sleep=self._sleep,
            jitter=self._jitter,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave the identity out: in another process its number may mean another store."""
        return {**self.__dict__, "_identity": None}

    def __repr__(self) -> str:
        return f"RetryingStore({self._store!r}, attempts={self._attempts})"

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object. A repeated attempt whose answer was lost changes nothing.

        Raises:
            StatebagError: Writes are refused here (`refusing_writes`), or as for any store.
        """
        check_may_write()
        with span("statebag.store.put") as told:
            told.set(object=name, bytes=len(data))
            self._persist(lambda: self._store.put(name, data))
        usage.add(puts=1, bytes_put=len(data))

    def get(self, name: str) -> bytes:
        """Return all bytes of an object."""
        with span("statebag.store.get") as told:
            data = self._persist(lambda: self._store.get(name), share=self._share_of_reads)
            told.set(object=name, bytes=len(data))
        usage.add(gets=1, bytes_got=len(data))
        return data

    @property
    def is_conditional(self) -> bool:
        """Whether the inner store is a `ConditionalStore`."""
        return is_conditional(self._store)

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object and their version."""
        store: Any = self._store
        with span("statebag.store.get") as told:
            data, version = self._persist(lambda: store.get_version(name))
            told.set(object=name, bytes=len(data))
        usage.add(gets=1, bytes_got=len(data))
        return data, version

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object if its version is this one.

        An attempt whose answer was lost may have replaced the object. So after a lost answer it is
        not a conflict if the object already has the bytes to write.
        """
        store: Any = self._store
        is_repeated = False

        def replace() -> str:
            nonlocal is_repeated
            try:
                new: str = store.put_if(name, data, version)
            except Conflict:
                if is_repeated:
                    with suppress(BlobMissing):
                        present, its_version = store.get_version(name)
                        if present == data:
                            return str(its_version)
                raise
            except StoreUnavailable:
                is_repeated = True
                raise
            return new

        with span("statebag.store.put") as told:
            told.set(object=name, bytes=len(data))
            new = self._persist(replace)
        usage.add(puts=1, bytes_put=len(data))
        return new

    @property
    def can_delete_if(self) -> bool:
        """Whether the inner store has `delete_if`."""
        return can_delete_if(self._store)

    def delete_if(self, name: str, version: str) -> None:
        """Delete an object if its version is this one.

        An attempt whose answer was lost may have deleted it: then an object that is gone is not a
        conflict.
        """
        store: Any = self._store
        is_repeated = False

        def delete() -> None:
            nonlocal is_repeated
            try:
                store.delete_if(name, version)
            except Conflict:
                if not (is_repeated and self._store.head(name) is None):
                    raise
            except StoreUnavailable:
                is_repeated = True
                raise

        self._persist(delete)

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`; this counts as one request."""
        with span("statebag.store.get") as told:
            answers = self._persist(
                lambda: self._store.get_ranges(name, spans), share=self._share_of_reads
            )
            told.set(object=name, bytes=sum(map(len, answers)))
        usage.add(gets=1, bytes_got=sum(map(len, answers)))
        return answers

    def head(self, name: str) -> ObjectInfo | None:
        """Return the size and time of an object, or None."""
        return self._persist(lambda: self._store.head(name))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects at and below a prefix, by name, resuming a listing that broke off."""
        listing: Iterator[ObjectInfo] | None = None
        last: str | None = None

        def advance() -> ObjectInfo | None:
            nonlocal listing
            try:
                if listing is None:
                    listing = self._store.list(prefix)
                # After a restart, skip what the caller has; names come in order.
                return next((info for info in listing if last is None or info.name > last), None)
            except StoreUnavailable:
                listing = None  # an iterator that raised may look as if it were at its end
                raise

        while (info := self._persist(advance)) is not None:
            last = info.name
            yield info

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._persist(lambda: self._store.delete(name))

    def versions(self, name: str) -> Iterator[bytes]:
        """Return earlier versions of an object, if the store keeps any, without retries."""
        read = getattr(self._store, "versions", None)
        remaining = remaining_seconds()
        time_is_over = remaining is not None and remaining <= 0
        return iter(()) if read is None or time_is_over else read(name)

    def leftovers(self) -> Iterator[ObjectInfo]:
        """Return what killed writers left, if the store has such objects."""
        find = getattr(self._store, "leftovers", None)
        return iter(()) if find is None else self._persist(find)

    def discard(self, name: str) -> None:
        """Remove a file that `leftovers` named."""
        self._persist(lambda: self._store.discard(name))  # type: ignore[attr-defined]

    def _persist(self, request: Callable[[], _Answer], *, share: float = 1.0) -> _Answer:
        made, until = 0, None
        while True:
            remaining = remaining_seconds()
            if remaining is not None and remaining <= 0:
                raise StoreUnavailable(
                    f"the deadline passed before attempt {made + 1}",
                    hint="Give the work more time, or less to do",
                )
            made += 1
            try:
                return request()
            except StoreUnavailable as error:
                if until is None:
                    until = time.monotonic() + min(_LONGEST_SECONDS, remaining or inf) * share
                wait = self._wait_seconds(error, made, until)
                if wait is None:
                    raise self._exhausted(error, made) from error
            usage.add(retries=1)
            self._sleep(wait)

    def _wait_seconds(self, error: StoreUnavailable, made: int, until: float) -> float | None:
        """Return the seconds to wait after `made` attempts; None if there is no other attempt."""
        # The exponent is bounded: 2.0 ** 1024 overflows.
        longest = min(self._cap_seconds, self._base_seconds * 2.0 ** min(made - 1, 64))
        remaining = remaining_seconds()
        if self._attempts or not error.is_busy:
            if made >= (self._attempts or _UNREACHED):
                return None
            wait = self._jitter(0, longest)
            return None if remaining is not None and wait >= remaining else wait
        left = until - time.monotonic()
        if remaining is not None:
            left = min(left, remaining)
        # The remaining time is used to its end, with shorter waits before it.
        return None if left < _LEAST_SECONDS else self._jitter(0, min(longest, left))

    def _exhausted(self, error: StoreUnavailable, made: int) -> StoreUnavailable:
        message = f"{error.message}, after {made} attempt{'s' if made > 1 else ''}"
        if made < self._attempts or (not self._attempts and made != _UNREACHED):
            message += "; the deadline leaves no time for another"
        told = StoreUnavailable(
            message, path=error.path, object_name=error.object_name, hint=error.hint
        )
        told.is_busy = error.is_busy
        return told
