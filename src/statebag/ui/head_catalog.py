"""List the heads of the store that the page reads, and keep those that were looked at."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from statebag.errors import StatebagError
from statebag.process.forking import Workers
from statebag.ui.seen_head import SeenHead
from statebag.upkeep.head_objects import head_objects, state_of

if TYPE_CHECKING:
    from statebag.client import Statebag

__all__ = ["HeadCatalog"]

_READ = 200  # heads whose objects one answer reads. Chosen: some screens of them
_KEPT = 8  # heads whose versions stay in memory. Chosen, as for executions
_workers = Workers(16, "statebag-heads")  # requests side by side. Chosen, as `versions.head` does


class HeadCatalog:
    """Finds heads.

    Args:
        client: Reads the store.
    """

    def __init__(self, client: Statebag) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, SeenHead] = OrderedDict()

    def get(self, name: str) -> SeenHead:
        """Return a head by the name of its object; nothing is read.

        Raises:
            ConfigurationError: It is not such a name.
        """
        with self._lock:
            found = self._kept.get(name)
            if found is None:
                found = self._kept[name] = SeenHead(self._client, name)
            self._kept.move_to_end(name)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return found

    def rows(self, text: str = "") -> dict[str, Any]:
        """Return a row for each head, the newest write first.

        It lists the names of all heads' objects, and reads the object of each head that is shown.

        Args:
            text: Only heads with this text, in any case of letters, in the scope and name, or in
                the newest label. Only the labels of objects that one answer reads are searched.

        Returns:
            `heads`, and in `left_out` how many more there are.

        Raises:
            StatebagError: The store cannot be listed.
        """
        wanted = text.strip().casefold()
        found: list[dict[str, Any]] = []
        others: list[dict[str, Any]] = []  # whose labels may have the text
        superseded: dict[tuple[str, str], int] = defaultdict(int)
        for info, one in head_objects(self._client.store):
            superseded[one.scope, one.name] += one.kind == "version"
            if one.kind != "head":
                continue
            scope, name = unquote(one.scope), unquote(one.name)
            (found if wanted in f"{scope}/{name}".casefold() else others).append(
                {
                    "arn": info.name,
                    "key": (one.scope, one.name),
                    "scope": scope,
                    "name": name,
                    "written": info.modified.isoformat(),
                }
            )
        for some in (found, others):
            some.sort(key=lambda row: row["written"], reverse=True)
        read = found[:_READ]
        read += others[: _READ - len(read)]
        rows = _workers.each(self._read, read)
        heads = [
            {**row, "versions": 1 + superseded[key]}
            for place, row in enumerate(rows)
            if row is not None and (place < len(found) or wanted in row["label"].casefold())
            if (key := row.pop("key"))
        ]
        heads.sort(key=lambda row: row["written"], reverse=True)
        return {"heads": heads, "left_out": max(0, len(found) - _READ)}

    def forks(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of heads that were forked from the scope of a head: they may read it.

        Only heads that `rows` reads are found.

        Raises:
            StatebagError: The store cannot be listed.
        """
        head = self.get(name)
        rows = self.rows()["heads"]
        return [row for row in rows if head.scope in row["reads"] and row["arn"] != name]

    def _read(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """Return a row with what the head's object says; None if the head was deleted."""
        try:
            state = state_of(self._client.store, row["arn"])
        except StatebagError as error:  # that of one head does not hide the others
            return {**row, "label": "", "reads": [], "trouble": error.message}
        if state is None or state.newest is None:
            return None
        newest = state.newest
        about = {"label": newest.label, "written": newest.written, "number": newest.number}
        return {**row, **about, "reads": list(newest.reads)}
