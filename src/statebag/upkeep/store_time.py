"""The time by a store's own clock, so that a wrong clock here deletes nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from statebag.errors import BlobMissing, ConfigurationError
from statebag.upkeep.objects import GC_FOLDER

if TYPE_CHECKING:
    from datetime import datetime

    from statebag.store.contract import Store

__all__ = ["store_time"]

# One name for all, so that a process that is killed leaves no more than one object.
_NOW = f"{GC_FOLDER}/now"
# Another process may ask and delete at the same time. Chosen: that happens seldom.
_TURNS = 5


def store_time(store: Store) -> datetime:
    """Return the time that the store gives to an object that is written now.

    Raises:
        ConfigurationError: The store does not find what was just written.
    """
    for _ in range(_TURNS):
        store.put(_NOW, b"{}")
        info = store.head(_NOW)
        with suppress(BlobMissing):
            store.delete(_NOW)
        if info is not None:
            return info.modified
    raise ConfigurationError(
        "the store does not find an object right after it was written",
        hint="Run `statebag doctor`: a collector needs read after write.",
    )
