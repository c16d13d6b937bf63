"""Write and read the mark that names a scope's packs that a collector will delete after the grace.

Once they are deleted, the mark names them for another grace. So a writer that saw a pack before it
was deleted learns that it is gone.
"""

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

__all__ = [
    "CONDEMNED",
    "CondemnedPacks",
    "condemned_name",
    "marked_roots",
    "read_condemned",
    "write_condemned",
]

CONDEMNED = f"{GC_FOLDER}/packs"
"""The folder of these marks."""

_VERSION = 1  # of the JSON of a mark (docs/design/0030)


class CondemnedPacks(msgspec.Struct, frozen=True):
    """A mark.

    Attributes:
        packs: The names of the packs.
        gone: Packs that were deleted when the mark was written.
        made: When it was written, by the store's clock.
    """

    packs: frozenset[str]
    made: datetime
    gone: frozenset[str] = frozenset()


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
        packs, gone = frozenset(body["packs"]), frozenset(body.get("gone", ()))
        known = body["v"] == _VERSION and all(isinstance(one, str) for one in packs | gone)
    except BlobMissing:
        return None, name
    except (StatebagError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, StatebagError) and error.code != "blob_corrupt":
            raise
        return None, name
    if info is None or not known:
        return None, name
    return CondemnedPacks(packs, info.modified, gone), name


def marked_roots(store: Store) -> set[str]:
    """Return the root scopes that have a mark."""
    names = [info.name for info in store.list(CONDEMNED)]
    marks = [one for one in names if one.endswith(".json")]
    return {one.removeprefix(f"{CONDEMNED}/").removesuffix(".json") for one in marks}


def write_condemned(
    store: Store, root: str, packs: Iterable[str], gone: Iterable[str] = ()
) -> None:
    """Write the mark of a root scope; without packs, delete it."""
    body = {"v": _VERSION, "packs": sorted(packs), "gone": sorted(gone)}
    name = condemned_name(root)
    if body["packs"] or body["gone"]:
        store.put(name, json_text.encode(body))
    elif store.head(name) is not None:
        store.delete(name)
