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

_NOW = f"{GC_FOLDER}/now"


def store_time(store: Store) -> datetime:
    """Return the time that the store gives to an object that is written now.

    Raises:
        ConfigurationError: The store does not find what was just written.
    """
    store.put(_NOW, b"{}")
    info = store.head(_NOW)
    with suppress(BlobMissing):
        store.delete(_NOW)
    if info is None:
        raise ConfigurationError(
            "the store does not find an object right after it was written",
            hint="Run `statebag doctor`: a collector needs read after write.",
        )
    return info.modified
