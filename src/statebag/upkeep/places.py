"""Record the accounts and regions whose collectors use a store.

A scope is `<state machine>/<execution name>`, without account and region. If two of them share a
prefix, one scope may belong to two executions, and Step Functions in one place knows only one of
them. So each collector records the places that it asks. While the store has records of other
places, it does not trust the end of an execution.
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
    """A source of ends that says which places it asks, and when an execution began."""

    @property
    def arn_prefixes(self) -> tuple[str, ...]:
        """`arn:aws:states:<region>:<account>` of each place that is asked."""
        ...

    def started(self, scope: str) -> datetime | None:
        """Return when the execution of a scope began, the earliest of several; None if unknown."""
        ...


def leave_word(store: Store, prefixes: Iterable[str]) -> None:
    """Record that executions of these places write to the store; each pass renews the record."""
    for prefix in prefixes:
        store.put(f"{_FOLDER}/{quote(prefix, safe='')}", b"{}")


def places_not_asked(
    store: Store, prefixes: Iterable[str], now: datetime, *lasts: timedelta
) -> list[str]:
    """Return the recorded places of other collectors that these prefixes do not name.

    Args:
        store: The store.
        prefixes: The ARN prefixes of the places that are asked.
        now: The current time, by the store's clock.
        lasts: How long a record is valid after its last renewal.
    """
    own = set(prefixes)
    longest = sum(one.total_seconds() for one in lasts)  # as a time it may be beyond the calendar
    found = []
    for info in store.list(_FOLDER):
        prefix = unquote(info.name.removeprefix(f"{_FOLDER}/"))
        if prefix not in own and (now - info.modified).total_seconds() <= longest:
            found.append(prefix)
    return found
