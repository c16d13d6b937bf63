"""Define the part of a large array or object that leaves in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from statebag.format.stub import Blob, Entry, Extent, Kind, Pieces, Stored
from statebag.format.unopened import unread_in
from statebag.sealing.cutting import (
    MOST_IN_STUB,
    Member,
    Piece,
    fold,
    pieces_of,
    stored_nodes,
    without_blobs,
)
from statebag.sealing.encoded import Encoded
from statebag.sealing.leaving import Leaving, Single, name_to_be
from statebag.sealing.moving import with_read
from statebag.sealing.parts import Unread, stub_wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.opening.known import Known
    from statebag.sealing.compaction import Move
    from statebag.sealing.layout import Placing

__all__ = ["Cut"]


class Cut(Leaving, frozen=True):
    """A large array or object that leaves in chunks.

    Attributes:
        kind: `array` or `object`.
        count: Items or members.
        size: Bytes of the value's text.
        members: Chunks, and entries that are stored, in order.
        top: The members as the stub lists them: some below index nodes.
        tail: The newest items, as a separate part.
        scope: The encoded scope of the new pack.
        grouping: Makes `top` of `members`.
        stored_tail: The tail of a value that was not read.
        newest: Chunks that stay inline with the tail until it is stored.
        last: The tail once they are stored.
        inherited: The prefetch list for entries that were not read.
        relies_on: The packs that were read for an unchanged value.
    """

    kind: Kind
    count: int
    size: int
    members: tuple[Member, ...]
    top: tuple[Member, ...]
    tail: Single | None
    scope: str
    grouping: Callable[[tuple[Member, ...]], tuple[Member, ...]]
    stored_tail: Stored | None = None
    newest: tuple[Member, ...] = ()
    last: Single | None = None
    inherited: tuple[Extent, ...] = ()
    relies_on: frozenset[str] = frozenset()

    @property
    def pieces(self) -> tuple[Member, ...]:
        """The members that the stub lists."""
        return self.top

    @property
    def opened_bytes(self) -> int:
        """Those of the chunks and the tail."""
        return self.size

    @property
    def own_stored_text(self) -> bytes | None:
        """The tail's."""
        return None if self.tail is None else self.tail.own_stored_text

    @property
    def carried(self) -> Single | None:
        """The tail, unless it is stored."""
        return None if self.tail is None else self.tail.carried

    @property
    def wire(self) -> int:
        """Upper bound of the stub's bytes."""
        some = Blob("0" * 64, 10**10, name_to_be(self.scope), 10**10, 10**9)
        rows: list[Any] = [
            Entry(member.blob or some, self.count, self.size, member.level)
            if member.at_hand
            else member
            for member in self.top
        ]
        size = stub_wire(Pieces(self.kind, self.count, self.size, tuple(rows)).to_wire())
        if self.tail is not None:
            size += self.tail.wire
        elif self.stored_tail is not None:
            size += stub_wire(self.stored_tail.to_wire())
        return size

    @property
    def new_bytes(self) -> int:
        """A third of the new chunks: about the compressed size of agents' states."""
        new = sum([piece.size // 3 for piece in pieces_of(self.top) if piece.blob is None])
        return new if self.tail is None else new + self.tail.new_bytes

    def storing(self) -> Cut:
        """Return this part with its tail stored."""
        if self.tail is None or self.tail.stored:
            return self
        return msgspec.structs.replace(self, tail=self.tail.storing())

    def stored_in_pieces(self, in_pieces: Callable[[Single], Leaving], piece_bytes: int) -> Cut:
        """Return this part with the newest items as chunks, if the tail is stored."""
        del in_pieces, piece_bytes
        return self.with_pieces_parted()

    def with_pieces_parted(self) -> Cut:
        """Return this part with the newest chunks separate from the tail, if the tail is stored."""
        if not self.newest or self.tail is None or not self.tail.stored:
            return self
        members = (*self.members, *self.newest)
        top = self.grouping(members)
        return msgspec.structs.replace(
            self, members=members, top=top, tail=self.last, newest=(), last=None
        )

    def folded(self, scope: str, level: int) -> Cut:
        """Return this part with one node in place of several chunks, and with the tail stored."""
        del scope, level
        one = self.storing().with_pieces_parted().storing()
        top = fold(one.top, most=1)
        shorter = len(top) < len(one.top) <= 4 * MOST_IN_STUB
        return msgspec.structs.replace(one, top=top) if shorter else one

    def movable(self, known: Known) -> list[tuple[str, int]]:
        """Return the blobs of chunks that are at hand, of the nodes above them, and of the tail."""
        held = [
            (piece.blob.at, piece.blob.length)
            for piece in pieces_of(self.top)
            if piece.at_hand and piece.blob is not None
        ]
        for member in self.top:
            held += [(node.at, node.length) for node in stored_nodes(member, known, self.scope)]
        return held if self.tail is None else held + self.tail.movable(known)

    def fixed(self) -> set[str]:
        """Return the packs that the tail cannot leave."""
        return set() if self.tail is None else self.tail.fixed()

    def unread(self) -> Unread:
        """Return the unread blobs of entries and of a tail, and those that only nodes list."""
        blobs = [
            piece.blob
            for piece in pieces_of(self.top)
            if not piece.at_hand and piece.blob is not None
        ]
        if self.stored_tail is not None:
            blobs.append(self.stored_tail.blob)
        return Unread(tuple(blobs), self.inherited)

    def with_read(self, move: Move) -> Cut:
        """Return this part with the unread chunks of some packs read.

        A node is searched if it is in one of them, or may list a chunk that is: such a node is as
        new as that chunk, or newer.
        """
        tail = self.stored_tail
        in_tail = tail is not None and tail.blob.at in move.packs
        advised = [one for one in self.inherited if one.at in move.packs]
        unread = [one for one in pieces_of(self.top) if not one.at_hand]
        if not advised and not in_tail and not any(_lies_in(one, move) for one in unread):
            return self
        top = with_read(self.top, move, self.path, advised=bool(advised))
        left = tuple([one for one in self.inherited if one.at not in move.packs])
        cut = msgspec.structs.replace(self, members=top, top=top, inherited=left)
        if tail is None or not in_tail:
            return cut
        encoded = Encoded(move.texts([tail.blob])[tail.blob], move.level)
        last = Single(
            self.path, None, encoded.came_as(tail.digest), self.scope, self.kind, tail.count,
            blob=tail.blob,
        )  # fmt: skip
        return msgspec.structs.replace(cut, tail=last, stored_tail=None)

    def moved(self, move: Move) -> Cut:
        """Return this part with chunks to be written again."""
        tail: Any = None if self.tail is None else self.tail.moved(move)
        return msgspec.structs.replace(self, top=without_blobs(self.top, move.packs), tail=tail)

    def relied_on(self) -> set[str]:
        """Return the packs that it refers to, except those in which an unread value may be."""
        packs = {
            piece.blob.at
            for piece in pieces_of(self.top)
            if isinstance(piece, Piece) and piece.blob is not None
        }
        if self.tail is not None:
            packs |= self.tail.relied_on()
        if self.stored_tail is not None:
            packs |= self.stored_tail.packs()
        unread = unread_in(self.source)
        if unread is not None:
            packs -= unread.stub.packs()
        return packs | self.relies_on

    def placed(self, placing: Placing) -> Pieces:
        """Return the stub, with new chunks, the tail and new index nodes put into the pack."""
        # Pieces first, then their index, so that one range serves all chunks.
        placing.add_pieces(self.top)
        tail: Any = self.stored_tail if self.tail is None else self.tail.placed(placing)
        entries = placing.entries(self.top)
        reads = placing.reads(self.top, entries, self.inherited)
        return Pieces(self.kind, self.count, self.size, entries, tail, reads)


def _lies_in(member: Member, move: Move) -> bool:
    return member.blob is not None and member.blob.at in move.packs
