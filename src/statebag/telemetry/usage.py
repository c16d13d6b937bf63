"""Count the requests, bytes and sizes of a piece of work.

A `Usage` is collected for the code inside `measured()`, in this thread and in the threads
that the library starts on its behalf. Counters never hold a value of a state.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import msgspec

from statebag.process.forking import fork_safe_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Usage", "add", "is_measured", "measured", "peak"]


class Usage(msgspec.Struct):
    """Counters of one piece of work; sizes in bytes, times in nanoseconds.

    Attributes:
        puts: Objects written.
        gets: Read requests; each read of a range counts.
        retries: Requests that were sent again after a temporary failure.
        bytes_put: Bytes of the objects written.
        bytes_got: Bytes of the bodies read.
        blobs_stored: Blobs that were put into a pack.
        blobs_carried: Inline blobs.
        bytes_carried: Their bytes, as base64.
        blobs_read: Blobs that were fetched and verified.
        healed_reads: Blobs that the store did not return intact and that were read again or
            elsewhere.
        legacy_pointers_read: Legacy pointers that were followed.
        legacy_pointers_left: Legacy pointers in a step's event that were not followed.
        never_compressed: Values given to `decompress_data` that were never compressed.
        branches_missing: Branches that a join left out, as their objects are gone.
        bag_texts_left: Strings with the text of a bag that an open left as they were.
        cache_hits: Blobs served by the process's cache.
        seals: Calls of `seal` and `append`.
        opens: Calls of `open`.
        plain_bytes: The largest state that was sealed or opened, as compact UTF-8 JSON text.
        bag_bytes: The largest bag that was sealed, as the policy counts it.
        seal_ns: Time spent in `seal` and `append`.
        open_ns: Time spent in `open`.
    """

    puts: int = 0
    gets: int = 0
    retries: int = 0
    bytes_put: int = 0
    bytes_got: int = 0
    blobs_stored: int = 0
    blobs_carried: int = 0
    bytes_carried: int = 0
    blobs_read: int = 0
    healed_reads: int = 0
    legacy_pointers_read: int = 0
    legacy_pointers_left: int = 0
    never_compressed: int = 0
    branches_missing: int = 0
    bag_texts_left: int = 0
    cache_hits: int = 0
    seals: int = 0
    opens: int = 0
    plain_bytes: int = 0
    bag_bytes: int = 0
    seal_ns: int = 0
    open_ns: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return all counters by name."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


_collecting: ContextVar[tuple[Usage, ...]] = ContextVar("statebag_usage", default=())
_lock = fork_safe_lock()


@contextmanager
def measured() -> Iterator[Usage]:
    """Collect the counters of the code inside; an enclosing block counts it too."""
    usage = Usage()
    token = _collecting.set((*_collecting.get(), usage))
    try:
        yield usage
    finally:
        _collecting.reset(token)


def is_measured() -> bool:
    """Return whether counters are being collected: some are expensive to compute."""
    return bool(_collecting.get())


def add(**amounts: int) -> None:
    """Add to counters of every enclosing `measured()` block."""
    collecting = _collecting.get()
    if collecting:
        with _lock:
            for usage in collecting:
                for name, amount in amounts.items():
                    setattr(usage, name, getattr(usage, name) + amount)


def peak(**amounts: int) -> None:
    """Raise counters of every enclosing `measured()` block to at least these amounts."""
    collecting = _collecting.get()
    if collecting:
        with _lock:
            for usage in collecting:
                for name, amount in amounts.items():
                    setattr(usage, name, max(getattr(usage, name), amount))
