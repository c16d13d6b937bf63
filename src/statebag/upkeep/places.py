"""Which accounts and regions use a store, as their collectors have left word in it.

A scope is `<state machine>/<execution name>`, without account and region. Where two of them share
a prefix, one name may stand for two executions, and what one Step Functions says of its own is not
true of the other. So each collector notes where it asked, and none believes an answer that an
end is known while there are places that it did not ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import quote, unquote

from statebag.upkeep.objects import GC_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from statebag.store.contract import Store

__all__ = ["AskedPlaces", "leave_word", "places_not_asked"]

_FOLDER = f"{GC_FOLDER}/executions"


@runtime_checkable
class AskedPlaces(Protocol):
    """What knows of which places it tells the ends of executions, and when one began."""

    @property
    def arn_prefixes(self) -> tuple[str, ...]:
        """`arn:aws:states:<region>:<account>` of each place that is asked."""
        ...

    def started(self, scope: str) -> datetime | None:
        """When the execution of a scope began, the earliest of several; None if not known."""
        ...


def leave_word(store: Store, prefixes: Iterable[str]) -> None:
    """Note that executions of these places write to the store; each pass renews it."""
    for prefix in prefixes:
        store.put(f"{_FOLDER}/{quote(prefix, safe='')}", b"{}")


def places_not_asked(
    store: Store, prefixes: Iterable[str], now: datetime, *lasts: timedelta
) -> list[str]:
    """The places that other collectors have noted, and that these prefixes do not name.

    Args:
        store: The store.
        prefixes: Of the places that are asked.
        now: The present, by the store's clock.
        lasts: A note that was not renewed for all of these is of a collector that is gone.
    """
    own = set(prefixes)
    longest = sum(one.total_seconds() for one in lasts)  # as a time it may be beyond the calendar
    found = []
    for info in store.list(_FOLDER):
        prefix = unquote(info.name.removeprefix(f"{_FOLDER}/"))
        if prefix not in own and (now - info.modified).total_seconds() <= longest:
            found.append(prefix)
    return found
