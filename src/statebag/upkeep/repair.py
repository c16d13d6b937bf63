"""`repair`: restore damaged and missing objects from copies that are verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from statebag.errors import BlobCorrupt, BlobMissing
from statebag.store.checked import checked
from statebag.upkeep.pack_repair import find_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.store.contract import Store
    from statebag.store.recovery import Recovery
    from statebag.upkeep.fsck import FsckReport

__all__ = ["Repair", "repair"]


class Repair(msgspec.Struct):
    """The result of a repair.

    Attributes:
        repaired: Each object that was repaired (in a dry run: would be), and where its bytes
            came from.
        lost: Objects of which no place has an intact copy.
    """

    repaired: dict[str, str] = msgspec.field(default_factory=dict)
    lost: list[str] = msgspec.field(default_factory=list)


def repair(
    store: Store,
    recovery: Recovery,
    report: FsckReport,
    *,
    dry_run: bool = False,
    on_object: Callable[[str], None] | None = None,
) -> Repair:
    """Repair the objects that a check found damaged or missing.

    Args:
        store: The store to write to.
        recovery: Where copies may be.
        report: What `fsck` found.
        dry_run: Whether to look for copies only.
        on_object: Called with the name of each object when it is done.

    Raises:
        StoreUnavailable, NotPermitted: The store did not accept a copy. Objects that were already
            repaired stay repaired, and a second run continues.
    """
    store = checked(store)
    done = Repair()
    for name in sorted({fault.name for fault in report.faults if fault.kind != "unreadable"}):
        try:
            place, data = find_whole(recovery, name, present=False)
        except (BlobMissing, BlobCorrupt):
            done.lost.append(name)
        else:
            if not dry_run:
                store.put(name, data)
            done.repaired[name] = place
        if on_object is not None:
            on_object(name)
    return done
