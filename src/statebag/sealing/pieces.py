"""Large arrays and objects as pieces: cut where the content decides, and grown unread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import BlobCorrupt, InvalidState, InvalidStub
from statebag.format import json_text
from statebag.format.codec import decompress, sha256_hex
from statebag.format.paths import render_path
from statebag.format.stub import Carried, Entry, Kind, Patched, Pieces, Stored
from statebag.sealing.cutting import cut, sizes_of_pieces
from statebag.sealing.grouping import fold, grouped
from statebag.sealing.parts import Cut, Member, Piece, Single

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statebag.format.paths import Path
    from statebag.format.unopened import Unopened
    from statebag.opening.known import Known
    from statebag.policy import Policy

__all__ = ["Cutter", "Grown", "NeedsOpened"]

_WORTH_CARRYING = 8  # times the limit of carried bytes: about what may compress to it
_MOST_IN_TAIL = 3  # pieces


class Grown(msgspec.Struct, frozen=True):
    """An array that was not opened, and items to add at its end."""

    before: Unopened
    items: list[Any]


class NeedsOpened(Exception):  # noqa: N818  # a request to the caller, not a failure
    """A value must leave together with unopened values inside it, so these must be read first."""

    def __init__(self, path: Path) -> None:
        super().__init__(render_path(path))
        self.path = path


class Cutter:
    """Cuts what leaves in one seal.

    Args:
        policy: Limits and thresholds.
        scope: The encoded scope that a pack would be written to.
        known: What may be referred to again.
    """

    def __init__(self, policy: Policy, scope: str, known: Known) -> None:
        self.policy = policy
        self.scope = scope
        self.known = known

    def single(self, value: Any, text: bytes, path: Path) -> Single:
        """A value as one blob that is not stored yet."""
        kind: Kind | None = None
        if isinstance(value, dict | list):
            kind = "object" if isinstance(value, dict) else "array"
        count = len(value) if kind else 0
        return Single(path, value, text, self.scope, self.policy.compression_level, kind, count)

    def in_pieces(
        self,
        single: Single,
        *,
        carried: bool,
        before: tuple[Sequence[Entry], bytes] = ((), b""),
    ) -> Single | Cut:
        """A large array or object cut into pieces; another value as it is.

        Args:
            single: The value, as one blob that is not stored yet.
            carried: Whether what is new may travel in the bag for now.
            before: The pieces of an earlier value of it, and the text that they begin.
        """
        kind = single.kind
        if kind is None or single.size <= self.policy.piece_bytes:
            return single
        pieces, items = self._as_before(single, *before)
        more, tail = self._cut(items, kind, single.path)
        pieces += more
        if not pieces or (len(pieces) == 1 and tail is None):
            return single
        is_new = all(piece.blob is None for piece in pieces)
        if carried and is_new and self._fits_carried(single):
            return single
        members: list[Member] = [*pieces]
        whole = Cut(
            single.path, single.source, kind, single.count, single.size, members, tail,
            self.scope, grouped,
        )  # fmt: skip
        if carried:
            self._carry_newest(whole)
        whole.arrange()
        return whole

    def _as_before(
        self, single: Single, entries: Sequence[Entry], earlier: bytes
    ) -> tuple[list[Piece], list[bytes]]:
        """The pieces that a value still begins with, and the items that come after them.

        Where a piece ends is decided by what is in it, so cutting all of it would give the same
        ones. Short ones, as appending unread leaves them, are cut anew together.
        """
        kind, text = single.kind, single.text
        assert kind is not None  # asked by whoever calls
        start, stop = text[:1], text[-1:]
        least, largest = sizes_of_pieces(self.policy.piece_bytes)
        pieces: list[Piece] = []
        done = 1
        for entry in entries if earlier.startswith(start) else ():
            inside = earlier[done : done + entry.size - 2]
            end = done + len(inside)
            ends_alike = end == len(text) - 1 or text.startswith(b",", end)
            if not (
                least <= len(inside) + 1 <= largest and ends_alike and text.startswith(inside, done)
            ):
                break
            digest = entry.blob.sha256
            known = self.known.blob(self.scope, digest)
            pieces.append(Piece(start + inside + stop, entry.count, digest, known))
            done = end + 1
        rest = text[done:] if done < len(text) else stop
        try:
            items = json_text.split_items(start + rest, kind)
        except BlobCorrupt:
            items = []
        if sum(piece.count for piece in pieces) + len(items) == single.count:
            return pieces, items
        # Only an enemy's pieces end within an item, or are not what their entry says.
        return [], _items(text, kind, single.count, single.path)

    def _fits_carried(self, single: Single) -> bool:
        limit = self.policy.carry_bytes
        return single.size <= _WORTH_CARRYING * limit and single.carried_bytes <= limit

    def _carry_newest(self, whole: Cut) -> None:
        """New pieces at the end travel with the tail for a while: most seals then write nothing."""
        known = len(whole.top)
        while known and isinstance(last := whole.top[known - 1], Piece) and last.blob is None:
            known -= 1
        newest = whole.top[known:]
        if not newest or not known or isinstance(whole.tail, Stored):
            return
        texts = [piece.text for piece in newest if isinstance(piece, Piece)]
        count = sum(piece.count for piece in newest if isinstance(piece, Piece))
        if whole.tail is not None:
            texts.append(whole.tail.text)
            count += whole.tail.count
        if sum(map(len, texts)) > _MOST_IN_TAIL * self.policy.piece_bytes:
            return
        text = json_text.join_texts(texts, whole.kind)
        tail = self.single(None, text, whole.path)
        tail.kind, tail.count = whole.kind, count
        whole.newest, whole.last = newest, whole.tail
        whole.top, whole.tail = whole.top[:known], tail

    def grown(self, grown: Grown, path: Path) -> Single | Cut:
        """An array that gets longer without being read: what lies in the store stays there."""
        stub = grown.before.stub
        if isinstance(stub, Patched):
            raise NeedsOpened(path)  # its items are known only once the patch is applied
        if not isinstance(stub, Stored | Carried | Pieces) or stub.kind != "array":
            raise InvalidState("only an array can be appended to", path=render_path(path))
        entries: list[Entry] = []
        items: list[bytes] = []
        tail: Stored | Carried | None
        if isinstance(stub, Pieces):
            entries, tail = list(stub.entries), stub.tail
        else:
            tail = stub
        if isinstance(tail, Carried):
            text = decompress(tail.frame, size=tail.size, sha256=tail.sha256, where=None)
            items = _items(text, "array", tail.count, path)
        elif tail is not None:  # lies in the store: it becomes a piece as it is
            entries.append(Entry(tail.blob, tail.count, tail.size))
        items.extend(json_text.encode(item) for item in grown.items)
        pieces, rest = self._cut(items, "array", path)
        count = stub.count + len(grown.items)
        if not entries:  # all of it is at hand
            text = json_text.join_items(items, "array")
            single = self.single(None, text, path)
            single.source, single.kind, single.count = grown, "array", count
            return self.in_pieces(single, carried=True)
        known = sum(entry.size - 2 for entry in entries) + sum(piece.size - 2 for piece in pieces)
        runs = len(entries) + len(pieces) + (rest is not None)
        size = 2 + known + (rest.size - 2 if rest else 0) + runs - 1
        members: list[Member] = [*entries, *pieces]
        whole = Cut(path, grown, "array", count, size, members, rest, self.scope, fold)
        whole.inherited = stub.reads if isinstance(stub, Pieces) else ()
        self._carry_newest(whole)
        whole.arrange()
        return whole

    def _cut(self, items: list[bytes], kind: Kind, path: Path) -> tuple[list[Piece], Single | None]:
        runs, last = cut(items, self.policy.piece_bytes)
        pieces = []
        for run in runs:
            text = json_text.join_items(run, kind)
            digest = sha256_hex(text)
            pieces.append(Piece(text, len(run), digest, self.known.blob(self.scope, digest)))
        if not last:
            return pieces, None
        text = json_text.join_items(last, kind)
        tail = Single(path, None, text, self.scope, self.policy.compression_level, kind, len(last))
        tail.blob = self.known.blob(self.scope, tail.sha256)
        return pieces, tail


def _items(text: bytes, kind: Kind, count: int, path: Path) -> list[bytes]:
    """The texts of the items, compared with what a stub says of them where they were not opened."""
    try:
        items = json_text.split_items(text, kind)
    except BlobCorrupt as error:
        error.path = render_path(path)
        raise
    if len(items) != count:
        raise InvalidStub("a stub does not say what its value is", path=render_path(path))
    return items
