"""Cut large arrays and objects into chunks, and append to arrays without reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import BlobCorrupt, InvalidState, InvalidStub
from statebag.format import json_text
from statebag.format.codec import LARGEST_PATCHED, digests_of, make_patch, sha256_hex
from statebag.format.json_type import json_type
from statebag.format.paths import render_path
from statebag.format.stub import Entry, Patched
from statebag.format.unopened import Grown
from statebag.sealing.cut_value import Cut
from statebag.sealing.cutting import MOST_IN_STUB, Piece, cut, fold, grouped, sizes_of_pieces
from statebag.sealing.encoded import Encoded
from statebag.sealing.leaving import Single
from statebag.sealing.shredded import Shredded
from statebag.sealing.shreds import Shred, shreds_of
from statebag.sealing.unchanged import Around, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statebag.format.paths import Path
    from statebag.format.stub import Carried, Extent, Kind, Stored
    from statebag.opening.known import Known
    from statebag.policy import Policy
    from statebag.sealing.cutting import Member

__all__ = ["Cutter", "Grown", "NeedsOpened"]

# Times the limit of inline bytes. Chosen: only repetitive text compresses better, and a longer
# text would be compressed for nothing.
_WORTH_CARRYING = 8
# Times the size of a value that an open of it as shreds may count against `max_open_bytes`. Chosen:
# it reads the shreds and gives the value, and as much again is for the rest of the state.
_TIMES_SHREDS_TAKE = 4
# The delta of a value in shreds takes half of the limit of inline bytes at most. Chosen: it stays
# in the bag whatever else is stored.
_SHARE_OF_SHREDS = 2
# Times `piece_bytes` that shreds have where the delta of smaller ones is longer. Chosen: a value
# that is not cut at all is written whole at each change.
_TIMES_LARGER = (1, 2, 4)
_MOST_IN_TAIL = 3  # chunks. Chosen: docs/design/0004, "New values and new chunks are first inline"


class NeedsOpened(Exception):  # noqa: N818  # a request to the caller, not a failure
    """A value must leave together with unopened values inside it, so these must be read first."""

    def __init__(self, path: Path) -> None:
        super().__init__(render_path(path))
        self.path = path


class Cutter:
    """Cut the values that leave in one seal.

    Args:
        policy: Limits and thresholds.
        scope: The encoded scope that a pack would be written to.
        known: The stored values that stubs may refer to.
    """

    def __init__(self, policy: Policy, scope: str, known: Known) -> None:
        self.policy = policy
        self.scope = scope
        self.known = known

    def single(self, value: Any, text: bytes, path: Path) -> Single:
        """Return a value as one blob that is not stored yet."""
        kind: Kind | None = None
        if isinstance(value, dict | list):
            kind = "object" if isinstance(value, dict) else "array"
        return self.encoded(value, text, path, kind, len(value) if kind else 0)

    def encoded(self, value: Any, text: bytes, path: Path, kind: Kind | None, count: int) -> Single:
        """Return a text as one blob that is not stored yet; `value` is its source."""
        encoded = Encoded(text, self.policy.compression_level)
        return Single(path, value, encoded, self.scope, kind, count)

    def in_pieces(
        self,
        single: Single,
        *,
        carried: bool,
        before: tuple[Sequence[Entry], bytes] = ((), b""),
        look: Callable[[Sequence[Piece]], None] | None = None,
        tail_before: Stored | Carried | None = None,
    ) -> Single | Cut | Shredded:
        """Return a large array or object in chunks, and a long string in shreds.

        Args:
            single: The value, as one blob that is not stored yet.
            carried: Whether new bytes may stay inline for now.
            before: The chunks of the field's earlier value, and the text that begins with them.
            look: Called with all chunks; its errors pass through.
            tail_before: The earlier value's tail, if its text is not at hand.
        """
        kind = single.kind
        if single.size <= self.policy.piece_bytes:
            return single
        if kind is None:
            return self._shredded(single, before[0], carried=carried, look=look) or single
        pieces, items = self._as_before(single, *before, tail_before)
        more, tail = self._cut(items, kind, single.path)
        pieces += more
        if not pieces or (len(pieces) == 1 and tail is None):
            return single
        is_new = all(piece.blob is None for piece in pieces)
        if carried and is_new and self._fits_carried(single):
            return single
        if (
            max(*[piece.size for piece in pieces], 0, 0 if tail is None else tail.size)
            > self._large
        ):
            shredded = self._shredded(single, (), carried=carried, look=look)
            if shredded is not None:
                return shredded
        if look is not None:
            look(pieces)
        return self._whole(
            single.path, single.source, kind, single.count, single.size, pieces, tail, grouped,
            carried=carried,
        )  # fmt: skip

    @property
    def _large(self) -> int:
        """Bytes of a text that is worth shreds: more than a chunk has, unless it is of one item."""
        return 2 * sizes_of_pieces(self.policy.piece_bytes)[1]

    def _shredded(
        self,
        single: Single,
        before: Sequence[Entry],
        *,
        carried: bool,
        look: Callable[[Sequence[Piece]], None] | None,
    ) -> Shredded | None:
        """Return a value as shreds, if the policy and its delta allow it.

        A reader needs memory for the shreds in addition to the value.
        """
        policy = self.policy
        allowed = policy.forms >= Patched.generation and policy.carry_bytes > 0
        largest = min(LARGEST_PATCHED, policy.max_open_bytes // _TIMES_SHREDS_TAKE)
        if not allowed or not self._large < single.size <= largest:
            return None
        for times in _TIMES_LARGER:
            texts = shreds_of(single.text, single.kind, times * policy.piece_bytes, before)
            if not texts:
                return None
            found = self._in_shreds(single, texts, carried=carried, look=look)
            if found is None or len(found.patch) <= self._most_of_shreds:
                return found
        return None

    @property
    def _most_of_shreds(self) -> int:
        """Bytes of the delta of a value in shreds."""
        return (
            self.policy.carry_bytes // _SHARE_OF_SHREDS // 4 * 3
        )  # as base64, it takes a third more

    def _in_shreds(
        self,
        single: Single,
        shreds: list[Shred],
        *,
        carried: bool,
        look: Callable[[Sequence[Piece]], None] | None,
    ) -> Shredded | None:
        """Return a value as these shreds; None if inline is better."""
        texts = [one.text for one in shreds]
        digests = [one.sha256 or sha256_hex(one.text) for one in shreds]
        blobs = self.known.blobs(self.scope, digests)
        # A text that repeats itself may be short once it is compressed, however long it is.
        limit = self.policy.carry_bytes
        if carried and not any(blobs) and single.carried_bytes <= limit:
            return None
        pieces = [
            Piece(one.text, one.count, digest, blob)
            for one, digest, blob in zip(shreds, digests, blobs, strict=True)
        ]
        if look is not None:
            look(pieces)
        base = json_text.join_texts(texts, "array")
        patch = make_patch(single.text, base, self._most_of_shreds)
        if patch is None:
            return None
        count = sum([one.count for one in shreds])
        whole = self._whole(
            single.path, single.source, "array", count, len(base), pieces, None, grouped,
            carried=False,
        )  # fmt: skip
        plain = msgspec.structs.replace(single, base=None, patch=b"", base_read=None)
        return Shredded(single.path, single.source, plain, whole, patch)

    def _as_before(
        self,
        single: Single,
        entries: Sequence[Entry],
        earlier: bytes,
        tail: Stored | Carried | None = None,
    ) -> tuple[list[Piece], list[bytes]]:
        """Return the chunks that a value still begins with, and the items that come after them.

        The content of a chunk decides where it ends, so cutting the whole value would give the same
        chunks. Appending without reading leaves short chunks; these are cut again together.
        """
        kind, text = single.kind, single.text
        assert kind is not None  # asked by who calls
        start, stop = text[:1], text[-1:]
        if entries and not earlier:
            return self._around(single, entries, tail)
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
            pieces.append(Piece(start + inside + stop, entry.count, digest))
            done = end + 1
        pieces = self._where_they_lie(pieces)
        rest = text[done:] if done < len(text) else stop
        try:
            items = json_text.split_items(start + rest, kind)
        except BlobCorrupt:
            items = []
        if sum(piece.count for piece in pieces) + len(items) == single.count:
            return pieces, items
        # Only an enemy's chunks end within an item, or are not what their entry says.
        return [], _items(text, kind, single.count, single.path)

    def _around(
        self, single: Single, entries: Sequence[Entry], tail: Stored | Carried | None
    ) -> tuple[list[Piece], list[bytes]]:
        """Do the same for chunks of a text that is not at hand, by their digests.

        Those at the end of the value are found too, also before the same tail, and the items
        between are cut.
        """
        kind, text, count = single.kind, single.text, single.count
        assert kind is not None  # asked by who calls
        around = Around(text[:1], text[-1:], b",")
        sizes = sizes_of_pieces(self.policy.piece_bytes)
        same = unchanged(text, entries, around, sizes, tail)
        middle = text[same.start : same.stop]
        pieces, after = self._where_they_lie(same.first), self._where_they_lie(same.last)
        try:
            items = json_text.split_items(text[:1] + middle + text[-1:], kind) if middle else []
            ending: list[bytes] = []
            if same.tail is not None:
                ending = json_text.split_items(text[:1] + text[same.tail :], kind)
        except BlobCorrupt:
            return [], _items(text, kind, count, single.path)
        if sum([one.count for one in (*pieces, *after)]) + len(items) + len(ending) != count:
            return [], _items(text, kind, count, single.path)
        if not after:
            return pieces, items
        runs, rest = cut(items, self.policy.piece_bytes)
        runs += [rest] if rest else []
        texts = json_text.join_each(runs, kind)
        new = [
            Piece(one, len(run), digest)
            for one, run, digest in zip(texts, runs, digests_of(texts), strict=True)
        ]
        return [*pieces, *self._where_they_lie(new), *after], ending

    def _where_they_lie(self, pieces: list[Piece]) -> list[Piece]:
        """Return chunks, each with its blob if that is known."""
        blobs = self.known.blobs(self.scope, [piece.sha256 for piece in pieces])
        return [
            piece if blob is None else msgspec.structs.replace(piece, blob=blob)
            for piece, blob in zip(pieces, blobs, strict=True)
        ]

    def _fits_carried(self, single: Single) -> bool:
        limit = self.policy.carry_bytes
        return single.size <= _WORTH_CARRYING * limit and single.carried_bytes <= limit

    def _whole(
        self,
        path: Path,
        source: Any,
        kind: Kind,
        count: int,
        size: int,
        pieces: Sequence[Member],
        tail: Single | None,
        grouping: Callable[[tuple[Member, ...]], tuple[Member, ...]],
        *,
        carried: bool,
        inherited: tuple[Extent, ...] = (),
    ) -> Cut:
        """Return the part of a value in chunks; new chunks at its end may stay inline for now."""
        members = tuple(pieces)
        newest = self._newest(members, tail) if carried else ()
        last = None
        if newest:
            members = members[: -len(newest)]
            texts = [piece.text for piece in newest]
            in_tail = sum([piece.count for piece in newest])
            if tail is not None:
                texts.append(tail.text)
                in_tail += tail.count
            last, text = tail, json_text.join_texts(texts, kind)
            tail = self.encoded(None, text, path, kind, in_tail)
            if self.known.may_hold(tail.size):
                blob = self.known.blob(self.scope, tail.encoded.sha256)
                if blob is not None:  # a writer that did not read them stored them together
                    tail, newest, last = msgspec.structs.replace(tail, blob=blob), (), None
        # A node alone is not worth a pack: what was stored already is listed by the next one.
        is_short = grouping is fold and len(members) <= 3 * MOST_IN_STUB
        waits = is_short and all(member.blob is not None for member in members)
        return Cut(
            path, source, kind, count, size, members, members if waits else grouping(members),
            tail, self.scope, grouping, newest=newest, last=last, inherited=inherited,
        )  # fmt: skip

    def _newest(self, members: tuple[Member, ...], tail: Single | None) -> tuple[Piece, ...]:
        """Return the new chunks, after stored ones, that stay inline while they are few.

        Most seals then write nothing.
        """
        known = len(members)
        while known and members[known - 1].blob is None:
            known -= 1
        newest = [member for member in members[known:] if isinstance(member, Piece)]
        size = sum([len(piece.text) for piece in newest]) + (0 if tail is None else tail.size)
        fits = known and size <= _MOST_IN_TAIL * self.policy.piece_bytes
        return tuple(newest) if fits else ()

    def grown(self, grown: Grown, path: Path) -> Single | Cut | Shredded:
        """Return the part of an array with more items; its stored items are not read."""
        stub = grown.before.stub
        if stub.base is not None:
            raise NeedsOpened(path)  # its items are known only once the patch is applied
        if stub.kind != "array":
            raise InvalidState(
                f"the value to append to must be a list, not {json_type(grown.before)}",
                path=render_path(path),
            )
        entries = list(stub.entries)
        items: list[bytes] = []
        tail = stub.simple
        if tail is not None and tail.blob is None:
            items = _items(tail.text({}, (), b""), "array", tail.count, path)
        elif tail is not None and tail.blob is not None:  # it becomes a chunk as it is
            entries.append(Entry(tail.blob, tail.count, tail.size))
        elif not entries:
            raise NeedsOpened(path)  # it has neither: only its own form knows its items
        items.extend([json_text.encode(item) for item in grown.items])
        pieces, rest = self._cut(items, "array", path)
        count = stub.count + len(grown.items)
        if not entries:  # all of it is at hand
            text = json_text.join_items(items, "array")
            return self.in_pieces(self.encoded(grown, text, path, "array", count), carried=True)
        known = sum(entry.size - 2 for entry in entries) + sum(piece.size - 2 for piece in pieces)
        runs = len(entries) + len(pieces) + (rest is not None)
        size = 2 + known + (rest.size - 2 if rest else 0) + runs - 1
        return self._whole(
            path, grown, "array", count, size, [*entries, *pieces], rest, fold,
            carried=True, inherited=stub.reads,
        )  # fmt: skip

    def _cut(self, items: list[bytes], kind: Kind, path: Path) -> tuple[list[Piece], Single | None]:
        runs, last = cut(items, self.policy.piece_bytes)
        texts = json_text.join_each(runs, kind)
        digests = digests_of(texts)
        blobs = self.known.blobs(self.scope, digests)
        pieces = [
            Piece(text, len(run), digest, blob)
            for text, run, digest, blob in zip(texts, runs, digests, blobs, strict=True)
        ]
        if not last:
            return pieces, None
        tail = self.encoded(None, json_text.join_items(last, kind), path, kind, len(last))
        blob = self.known.blob(self.scope, tail.encoded.sha256)
        return pieces, tail if blob is None else msgspec.structs.replace(tail, blob=blob)


def _items(text: bytes, kind: Kind, count: int, path: Path) -> list[bytes]:
    """Return the texts of the items, after comparing their number with the stub."""
    try:
        items = json_text.split_items(text, kind)
    except BlobCorrupt as error:
        error.path = render_path(path)
        raise
    if len(items) != count:
        raise InvalidStub(
            f"the value has {len(items)} items, but its stub says {count}", path=render_path(path)
        )
    return items
