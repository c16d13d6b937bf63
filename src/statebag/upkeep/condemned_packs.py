"""The mark that names the packs of a scope which a collector will delete after the grace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from statebag.errors import BlobMissing, StatebagError
from statebag.format import json_text
from statebag.upkeep.objects import GC_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from statebag.store.contract import Store

__all__ = ["CONDEMNED", "CondemnedPacks", "condemned_name", "read_condemned", "write_condemned"]

CONDEMNED = f"{GC_FOLDER}/packs"
"""The folder of these marks."""

_VERSION = 1  # of the JSON of a mark (docs/design/0030)


class CondemnedPacks(msgspec.Struct, frozen=True):
    """A mark.

    Attributes:
        packs: The names of the packs.
        made: When it was written, by the store's clock.
    """

    packs: frozenset[str]
    made: datetime


def condemned_name(root: str) -> str:
    """Return the name of the mark of a root scope."""
    return f"{CONDEMNED}/{root}.json"


def read_condemned(store: Store, root: str) -> tuple[CondemnedPacks | None, str]:
    """Return the mark of a root scope, and its name; None if there is none.

    A mark that cannot be read counts as missing: it is written again, and its time begins again.
    """
    name = condemned_name(root)
    try:
        body = json_text.decode(store.get(name), name)
        info = store.head(name)
        packs = frozenset(body["packs"])
        known = body["v"] == _VERSION and all(isinstance(one, str) for one in packs)
    except BlobMissing:
        return None, name
    except (StatebagError, KeyError, TypeError) as error:
        if isinstance(error, StatebagError) and error.code != "blob_corrupt":
            raise
        return None, name
    if info is None or not known:
        return None, name
    return CondemnedPacks(packs, info.modified), name


def write_condemned(store: Store, root: str, packs: Iterable[str]) -> None:
    """Write the mark of a root scope; without packs, delete it."""
    names = sorted(packs)
    name = condemned_name(root)
    if names:
        store.put(name, json_text.encode({"v": _VERSION, "packs": names}))
    elif store.head(name) is not None:
        store.delete(name)
