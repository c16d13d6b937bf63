"""Stored values that this process has read, by their field's name: what patches start from.

Which one is found is a guess that costs nothing: the patch says what it starts from, and one
that saves too little is dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from statebag.format.names import is_scope_at_or_above, scope_of
from statebag.sealing.known import packs_of

if TYPE_CHECKING:
    from statebag.format.paths import Path
    from statebag.format.stub import Pieces, Stored

__all__ = ["Bases"]


class Bases:
    """The latest stored value of each field and scope, with its text; bounded in bytes.

    Args:
        max_bytes: Of all texts together; one over half of it is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._items: OrderedDict[tuple[str, str], tuple[Stored | Pieces, bytes]] = OrderedDict()
        self._lock = Lock()

    def add(self, path: Path, stub: Stored | Pieces, text: bytes) -> None:
        """A value that was read and verified."""
        scopes = {scope_of(pack) for pack in packs_of(stub)}
        deepest = max(scopes, key=len, default="")
        if not all(is_scope_at_or_above(scope, deepest) for scope in scopes) or not scopes:
            return
        if len(text) > self._max_bytes // 2:
            return
        with self._lock:
            _, old = self._items.pop((deepest, _name(path)), (None, b""))
            self._items[deepest, _name(path)] = (stub, text)
            self._bytes += len(text) - len(old)
            while self._bytes > self._max_bytes:
                _, (_, dropped) = self._items.popitem(last=False)
                self._bytes -= len(dropped)

    def find(self, scope: str, path: Path) -> tuple[Stored | Pieces, bytes] | None:
        """The latest value of such a field that is readable from `scope`."""
        with self._lock:
            while scope:
                found = self._items.get((scope, _name(path)))
                if found is not None:
                    return found
                scope = scope_of(scope)
        return None


def _name(path: Path) -> str:
    """The last part alone: a bag may stand anywhere in an event, its fields keep their names."""
    return str(path[-1]) if path else ""
