"""Values that this process has read, by their field's name: what patches start from.

Which one is found is a guess that costs nothing: the patch says what it starts from, and one
that saves too little is dropped. A field that still has the very text that was read is unchanged,
which is quicker to see than by a digest.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from statebag.format.names import is_scope_at_or_above, scope_of, scopes_from
from statebag.process.forking import fork_safe_lock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.format.paths import Path
    from statebag.format.stub import Entry
    from statebag.opening.verified import Verified

__all__ = ["Bases"]


_Key = tuple[str, str]


class Bases:
    """The latest value of each field and scope, with its text; bounded in bytes.

    Args:
        max_bytes: Of all texts together; one over half of it is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._items: OrderedDict[_Key, Verified] = OrderedDict()
        self._lock = fork_safe_lock()

    def add(self, path: Path, verified: Verified) -> bool:
        """Keep the value of the field at a path; whether it is kept."""
        scopes = {scope_of(pack) for pack in verified.packs}
        deepest = max(scopes, key=len, default="")
        if not all(is_scope_at_or_above(scope, deepest) for scope in scopes):
            return False
        size = _size(verified)
        if size > self._max_bytes // 2:
            return False
        key = (deepest, _name(path))
        with self._lock:
            old = self._items.pop(key, None)
            self._items[key] = verified
            self._bytes += size - (_size(old) if old else 0)
            while self._bytes > self._max_bytes:
                _, dropped = self._items.popitem(last=False)
                self._bytes -= _size(dropped)
        return True

    def forget_packs(self, packs: Iterable[str]) -> None:
        """Drop the values that were read from any of these packs."""
        gone = frozenset(packs)
        with self._lock:
            for key in [key for key, one in self._items.items() if not gone.isdisjoint(one.packs)]:
                self._bytes -= _size(self._items.pop(key))

    def find(self, scope: str, path: Path) -> Verified | None:
        """The latest stored value of such a field that is readable from `scope`."""
        for field in self._fields(scope, path):
            stored = field.base or field
            if stored.stub.in_store:
                return stored
        return None

    def pieces(self, scope: str, path: Path) -> tuple[tuple[Entry, ...], bytes]:
        """The pieces of the latest value in pieces of such a field, and the text they begin."""
        for field in self._fields(scope, path):
            stored = field.base or field
            if stored.pieces:
                return stored.pieces, stored.text
        return (), b""

    def same(self, scope: str, path: Path, text: bytes) -> Verified | None:
        """What was read of such a field, where it had this very text; no digest is needed."""
        for field in self._fields(scope, path):
            if field.text == text:
                return field
        return None

    def _fields(self, scope: str, path: Path) -> list[Verified]:
        name = _name(path)
        scopes = (*scopes_from(scope), "")
        with self._lock:
            return [self._items[one, name] for one in scopes if (one, name) in self._items]


def _size(verified: Verified) -> int:
    return len(verified.text) + (len(verified.base.text) if verified.base else 0)


def _name(path: Path) -> str:
    """The last part alone: a bag may stand anywhere in an event, its fields keep their names."""
    return str(path[-1]) if path else ""
