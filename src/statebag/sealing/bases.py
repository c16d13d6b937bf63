"""Values that this process has read, by their field's name: what patches start from.

Which one is found is a guess that costs nothing: the patch says what it starts from, and one
that saves too little is dropped. A field that still has the very text that was read is unchanged,
which is quicker to see than by a digest.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from statebag.forking import fork_safe_lock
from statebag.format.names import is_scope_at_or_above, scope_of
from statebag.format.stub import Carried, Patched, Pieces, Stored
from statebag.sealing.known import packs_of

if TYPE_CHECKING:
    from statebag.format.paths import Path
    from statebag.format.stub import Entry

__all__ = ["Bases"]


_Key = tuple[str, str]


class _Field(msgspec.Struct, frozen=True):
    """What was read of one field.

    Attributes:
        base: What is stored; None for a value that travelled in the bag.
        base_text: Its text.
        stub: What stood in the bag: the base itself, or a patch of it, or the carried value.
        text: The field's text.
        pieces: Of a base in pieces: all that its index lists, in order.
    """

    base: Stored | Pieces | None
    base_text: bytes
    stub: Stored | Pieces | Patched | Carried
    text: bytes
    pieces: tuple[Entry, ...]

    @property
    def size(self) -> int:
        return len(self.text) + (len(self.base_text) if self.base_text is not self.text else 0)


class Bases:
    """The latest value of each field and scope, with its text; bounded in bytes.

    Args:
        max_bytes: Of all texts together; one over half of it is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._items: OrderedDict[_Key, _Field] = OrderedDict()
        self._lock = fork_safe_lock()

    def add(
        self,
        path: Path,
        base: Stored | Pieces | Carried,
        base_text: bytes,
        patched: Patched | None = None,
        text: bytes = b"",
        pieces: tuple[Entry, ...] = (),
    ) -> bool:
        """A value that was read and verified; whether it is kept.

        Args:
            path: Where it stands.
            base: What is stored or was carried.
            base_text: Its text.
            patched: For a patched value: its stub.
            text: For a patched value: its text.
            pieces: For a base in pieces: all that its index lists, in order.
        """
        scopes = {scope_of(pack) for pack in packs_of(base)}
        deepest = max(scopes, key=len, default="")
        if not all(is_scope_at_or_above(scope, deepest) for scope in scopes):
            return False
        if isinstance(base, Carried):
            field = _Field(None, base_text, base, base_text, ())
        else:
            field_text = text if patched else base_text
            field = _Field(base, base_text, patched or base, field_text, pieces)
        if field.size > self._max_bytes // 2:
            return False
        key = (deepest, _name(path))
        with self._lock:
            old = self._items.pop(key, None)
            self._items[key] = field
            self._bytes += field.size - (old.size if old else 0)
            while self._bytes > self._max_bytes:
                _, dropped = self._items.popitem(last=False)
                self._bytes -= dropped.size
        return True

    def find(self, scope: str, path: Path) -> tuple[Stored | Pieces, bytes] | None:
        """The latest stored value of such a field that is readable from `scope`."""
        for field in self._fields(scope, path):
            if field.base is not None:
                return field.base, field.base_text
        return None

    def pieces(self, scope: str, path: Path) -> tuple[tuple[Entry, ...], bytes]:
        """The pieces of the latest value in pieces of such a field, and the text they begin."""
        for field in self._fields(scope, path):
            if field.pieces:
                return field.pieces, field.base_text
        return (), b""

    def same(
        self, scope: str, path: Path, text: bytes
    ) -> Stored | Pieces | Patched | Carried | None:
        """What stood in the bag for such a field with this very text; no digest is needed."""
        for field in self._fields(scope, path):
            if field.text == text:
                return field.stub
        return None

    def _fields(self, scope: str, path: Path) -> list[_Field]:
        name = _name(path)
        scopes = [scope]
        while scope:
            scope = scope_of(scope)
            scopes.append(scope)
        with self._lock:
            return [self._items[one, name] for one in scopes if (one, name) in self._items]


def _name(path: Path) -> str:
    """The last part alone: a bag may stand anywhere in an event, its fields keep their names."""
    return str(path[-1]) if path else ""
