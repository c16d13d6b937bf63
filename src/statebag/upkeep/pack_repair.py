"""Repair a damaged or missing pack from a copy that its name proves.

A pack's name is the digest of its bytes, so a copy need not be trusted: the right bytes match the
name. Writing them again is one plain PUT, which is harmless if it was not needed.
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

__all__ = ["find_whole", "repair_pack", "repair_packs"]


def _nothing(_: str) -> bytes | None:
    return None


def repair_pack(
    store: Store,
    recovery: Recovery,
    name: str,
    remembered: Callable[[str], bytes | None] = _nothing,
) -> str | None:
    """Write a pack again if the store does not have it intact.

    Args:
        store: The store to write to.
        recovery: Where copies may be.
        name: The name of the pack.
        remembered: Returns a pack's bytes, proved by its name, if this process has them.

    Returns:
        Where the bytes came from; None if the pack was intact.

    Raises:
        BlobMissing: No place has the object.
        BlobCorrupt: No place has an intact copy.
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


def repair_packs(
    fetcher: Callable[[], Fetcher],
    read: Callable[[Fetcher], None],
    repair_one: Callable[[str], str | None],
) -> dict[str, str | None]:
    """Repair every pack that a state is read from, until all of it is readable.

    Args:
        fetcher: Makes a fetcher without a cache.
        read: Reads the state through it.
        repair_one: Repairs one pack, as `repair_pack`.

    Returns:
        Each pack's name, with the place that its bytes came from; None if it was intact.

    Raises:
        BlobMissing, BlobCorrupt: No place has an intact copy of a pack. All other packs were
            repaired before.
    """
    repaired: dict[str, str | None] = {}
    while True:
        reading = fetcher()
        failed: BlobMissing | BlobCorrupt | None = None
        try:
            read(reading)
        except (BlobMissing, BlobCorrupt) as error:
            failed = error
        found = sorted(reading.packs - repaired.keys())
        for name in found:
            try:
                repaired[name] = repair_one(name)
            except (BlobMissing, BlobCorrupt) as error:
                failed = error
        if failed is None:
            return repaired
        if not any(name in repaired for name in found):
            raise failed
        # An index that is whole again may lead to further packs.


def find_whole(recovery: Recovery, name: str, *, present: bool) -> tuple[str, bytes]:
    """Return the first copy elsewhere whose bytes match the name.

    Raises:
        BlobMissing: There is no copy, and the object itself was not `present`.
        BlobCorrupt: No copy matches.
    """
    for place, data in recovery.wholes(name):
        present = True
        if fits_its_name(name, data):
            return place, data
    kind = BlobCorrupt if present else BlobMissing
    raise kind(
        "neither the store nor a replica has the bytes that the pack's name is a digest of",
        object_name=name,
        hint="Name a store that has a copy in STATEBAG_REPLICAS, or restore the object.",
    )
