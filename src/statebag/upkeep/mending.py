"""Making a damaged or missing pack whole again from a copy that proves itself.

A pack's name is the digest of its bytes, so a copy needs no trust: the right bytes are those
that the name says. Writing them again is one plain PUT, harmless where it was not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import BlobCorrupt, BlobMissing
from statebag.upkeep.objects import fits_its_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.opening.fetch import Fetcher
    from statebag.store.contract import Store
    from statebag.store.recovery import Recovery

__all__ = ["find_whole", "mend", "mend_all"]


def _nothing(_: str) -> bytes | None:
    return None


def mend(
    store: Store,
    recovery: Recovery,
    name: str,
    remembered: Callable[[str], bytes | None] = _nothing,
) -> str | None:
    """Write a pack back where the store has it not whole.

    Args:
        store: The store to write to.
        recovery: Where copies may be.
        name: The pack's.
        remembered: Gives a pack's bytes, proved by its name, where this process has them.

    Returns:
        Where the bytes came from; None where the pack was whole.

    Raises:
        BlobMissing: No place has the object.
        BlobCorrupt: No place has it whole.
        StoreUnavailable, NotPermitted: From the store.
    """
    try:
        if fits_its_name(name, store.get(name)):
            return None
        present = True
    except BlobCorrupt:  # an encrypted store tells by itself
        present = True
    except BlobMissing:
        present = False
    known = remembered(name)
    place, data = (
        find_whole(recovery, name, present=present)
        if known is None
        else ("what this process has in memory", known)
    )
    store.put(name, data)
    return place


def mend_all(
    fetcher: Callable[[], Fetcher],
    read: Callable[[Fetcher], None],
    mend_one: Callable[[str], str | None],
) -> dict[str, str | None]:
    """Make every pack whole that a state is read from, until all of it is readable.

    Args:
        fetcher: Makes what reads, without a cache.
        read: Reads the state through it.
        mend_one: `mend` of one pack.

    Returns:
        Each pack's name, with where its bytes were taken from; None where it was whole.

    Raises:
        BlobMissing, BlobCorrupt: No place has a pack whole; all others were mended before.
    """
    mended: dict[str, str | None] = {}
    while True:
        reading = fetcher()
        failed: BlobMissing | BlobCorrupt | None = None
        try:
            read(reading)
        except (BlobMissing, BlobCorrupt) as error:
            failed = error
        found = sorted(reading.packs - mended.keys())
        for name in found:
            try:
                mended[name] = mend_one(name)
            except (BlobMissing, BlobCorrupt) as error:
                failed = error
        if failed is None:
            return mended
        if not any(name in mended for name in found):
            raise failed
        # An index that is whole again may lead to further packs.


def find_whole(recovery: Recovery, name: str, *, present: bool) -> tuple[str, bytes]:
    """The first copy elsewhere whose bytes fit the name.

    Raises:
        BlobMissing: There is no copy, nor was the object itself `present`.
        BlobCorrupt: There is none that fits.
    """
    for place, data in recovery.wholes(name):
        present = True
        if fits_its_name(name, data):
            return place, data
    kind = BlobCorrupt if present else BlobMissing
    raise kind(
        "neither the store nor a replica has the bytes that the pack's name says",
        object_name=name,
        hint="Name a store that has a copy in STATEBAG_REPLICAS, or restore the object.",
    )
