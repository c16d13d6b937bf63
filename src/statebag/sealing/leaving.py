"""The parts of values that leave: as one blob, in pieces, or as the stub that was there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from statebag.format import json_text
from statebag.format.codec import compress, sha256_hex
from statebag.format.stub import (
    KEY,
    Blob,
    Carried,
    Entry,
    Extent,
    Kind,
    Patched,
    Pieces,
    Stored,
    Stub,
    Whole,
)
from statebag.format.unopened import unread_in
from statebag.sealing.cutting import MOST_IN_STUB, Member, fold, pieces_of, without_blobs
from statebag.sealing.parts import Part, Plain, stub_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.format.paths import Path
    from statebag.format.unopened import Unopened
    from statebag.sealing.layout import Placing
    from statebag.sealing.parts import Sign

__all__ = ["Cut", "Encoded", "Kept", "Leaving", "Single"]


class Encoded:
    """A value's text, with its digest and frame, each made when it is first asked for.

    Args:
        text: The text.
        level: zstd's level.
        sha256: The digest, if it is known.
        frame: The frame, if it came: it travels on as it is, whatever codec made it.
    """

    __slots__ = ("_frame", "_level", "_sha256", "text")

    def __init__(self, text: bytes, level: int, sha256: str = "", frame: bytes = b"") -> None:
        self.text = text
        self._level = level
        self._sha256 = sha256
        self._frame = frame

    @property
    def sha256(self) -> str:
        """Of the text."""
        if not self._sha256:
            self._sha256 = sha256_hex(self.text)
        return self._sha256

    @property
    def frame(self) -> bytes:
        """The compressed text."""
        if not self._frame:
            self._frame = compress(self.text, self._level)
        return self._frame

    def came_as(self, sha256: str, frame: bytes = b"") -> Encoded:
        """The same text with what is known of it."""
        return Encoded(self.text, self._level, sha256, frame)


class Leaving(Part, frozen=True):
    """What every part that leaves answers besides."""

    has_left: ClassVar[bool] = True
    leaves: ClassVar[bool] = True

    @property
    def own_text(self) -> bytes | None:
        """The value's text, if it leaves as one blob that is put together here."""
        return None

    def storing(self) -> Leaving:
        """The same with what travels in the bag stored instead."""
        return self

    def moved(self, packs: set[str], scope: str, level: int) -> Leaving:
        """The same with its movable blobs of these packs written anew."""
        del packs, scope, level
        return self

    def stored_in_pieces(self, in_pieces: Callable[[Single], Leaving], piece_bytes: int) -> Leaving:
        """The same in pieces, if it was to be carried, is stored instead and is large."""
        del in_pieces, piece_bytes
        return self

    def folded(self, scope: str, level: int) -> Leaving:
        """The same with as few entries as it can have, all of it stored."""
        del scope, level
        return self

    def placed(self, placing: Placing) -> Whole:
        """The stub, with what is new of it put into the pack."""
        raise NotImplementedError

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """The stub alone."""
        stub = stubs[self.path]
        body = stub.to_wire()
        return {KEY: body if sign is None else sign(stub, body)}


class Kept(Leaving, frozen=True):
    """A stub that stays as it was: not opened, or unchanged since it was."""

    body: dict[str, Any]  # the whole JSON object that stands in the bag
    stub: Stub
    wire: int
    relies_on: frozenset[str] = frozenset()  # packs that were read for it; of no unopened value

    is_kept: ClassVar[bool] = True

    @classmethod
    def unopened(cls, path: Path, value: Unopened) -> Part:
        """The part for a value that was not opened."""
        if value.stub.is_data:  # escaped data is as plain as any
            return Plain(path, value, value.wire, json_text.wire_size(value.wire))
        beside = value.stub.beside is not None
        size = json_text.wire_size(value.wire) if beside else stub_wire(value.wire[KEY])
        return cls(path, value, value.wire, value.stub, size)

    @classmethod
    def unchanged(cls, path: Path, value: Any, stub: Whole, packs: frozenset[str]) -> Kept:
        """The part for a value that has a stub already; what it needs lies in these packs."""
        body = stub.to_wire()
        return cls(path, value, {KEY: body}, stub, stub_wire(body), packs)

    def settled(self, scope: str, level: int) -> Leaving:
        """The frame that it carries as a part, and the pieces before that."""
        one = self.stub.simple
        if one is None or one.in_store:
            return self
        return self._cut(scope, level) if self.stub.entries else self._single(one, scope, level)

    def folded(self, scope: str, level: int) -> Leaving:
        """The same with one node for its pieces."""
        return self._cut(scope, level).folded(scope, level) if self.stub.entries else self

    def _single(self, stub: Whole, scope: str, level: int) -> Single:
        text = stub.text({}, (), b"")
        encoded = Encoded(text, level).came_as(stub.digest or "", stub.frame)
        return Single(self.path, self.source, encoded, scope, stub.kind, stub.count)

    def _cut(self, scope: str, level: int) -> Cut:
        """As a part of which the tail and the index may change, unread."""
        stub, tail = self.stub.whole, self.stub.simple
        assert stub.kind is not None  # what is in pieces has one
        is_stored = tail is None or tail.in_store
        return Cut(
            self.path,
            self.source,
            stub.kind,
            stub.count,
            stub.size,
            stub.entries,
            stub.entries,
            None if tail is None or is_stored else self._single(tail, scope, level),
            scope,
            fold,
            stored_tail=tail if isinstance(tail, Stored) else None,
            inherited=stub.reads,
            relies_on=self.relies_on,
        )

    def movable(self) -> list[tuple[str, int]]:
        """The blob of a value that is at hand."""
        blob = None if self.is_unread else self.stub.whole.blob
        return [] if blob is None else [(blob.at, blob.length)]

    def fixed(self) -> set[str]:
        """The packs that the stub names."""
        return set() if self.movable() else self.stub.packs()

    def moved(self, packs: set[str], scope: str, level: int) -> Leaving:
        """The value as a blob to be written anew."""
        if not any(name in packs for name, _ in self.movable()):
            return self
        stub = self.stub.whole
        encoded = Encoded(json_text.encode(self.source), level)
        return Single(self.path, self.source, encoded, scope, stub.kind, stub.count, stored=True)

    def relied_on(self) -> set[str]:
        """What was read for it."""
        return set(self.relies_on)

    def placed(self, placing: Placing) -> Whole:
        """The stub as it was; there is nothing new."""
        del placing
        return self.stub.whole

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """The object as it was, signed with today's key, so that an older one can retire."""
        del stubs
        return self.body if sign is None else {**self.body, KEY: sign(self.stub, self.body[KEY])}


class Single(Leaving, frozen=True):
    """A value that leaves as one blob, carried in the bag unless `stored` is set.

    Attributes:
        encoded: Its text.
        scope: The encoded scope of the pack to be.
        kind: `array`, `object`, or None.
        count: Items or members.
        stored: Whether it goes into a pack.
        blob: Where it lies already.
        base: With `patch`: what it is carried as a difference to.
        patch: The difference's frame.
        relies_on: The packs behind the base.
    """

    encoded: Encoded
    scope: str
    kind: Kind | None = None
    count: int = 0
    stored: bool = False
    blob: Blob | None = None
    base: Whole | None = None
    patch: bytes = b""
    relies_on: frozenset[str] = frozenset()

    @property
    def text(self) -> bytes:
        """The value's JSON text."""
        return self.encoded.text

    @property
    def own_text(self) -> bytes:
        """The same."""
        return self.encoded.text

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return len(self.encoded.text)

    @property
    def carried(self) -> Single | None:
        """Itself, unless it is stored."""
        return None if self.stored or self.blob is not None else self

    @property
    def carried_bytes(self) -> int:
        """Bytes that travel in the bag as base64; 0 where it is stored."""
        if self.stored or self.blob is not None:
            return 0
        if self.base is None:
            return _base64_bytes(self.encoded.frame)
        tail = self.base.simple
        return _base64_bytes(self.patch) + (0 if tail is None else _base64_bytes(tail.frame))

    @property
    def wire(self) -> int:
        """Upper bound of the stub's bytes."""
        if self.blob is not None or self.stored:
            blob = self.blob or Blob("0" * 64, self.size, _name(self.scope), 10**10, 10**9)
            return stub_wire(Stored(blob, self.kind, self.count).to_wire())
        if self.base is not None:
            return stub_wire(self._patched(self.base).to_wire())
        empty = Carried("0" * 64, self.size, b"", self.kind, self.count)
        return stub_wire(empty.to_wire()) + self.carried_bytes

    @property
    def new_bytes(self) -> int:
        """Bytes of the frame, if it is to be stored."""
        return len(self.encoded.frame) if self.stored and self.blob is None else 0

    def storing(self) -> Single:
        """The same, stored."""
        return self if self.stored else msgspec.structs.replace(self, stored=True)

    def stored_in_pieces(self, in_pieces: Callable[[Single], Leaving], piece_bytes: int) -> Leaving:
        """In pieces without a base, where it is stored and large, or was a difference."""
        if not self.stored or self.blob is not None:
            return self
        if self.base is None and (self.kind is None or self.size <= piece_bytes):
            return self
        return in_pieces(msgspec.structs.replace(self, base=None))

    def movable(self) -> list[tuple[str, int]]:
        """The blob where it lies."""
        if self.base is not None or self.blob is None:
            return []
        return [(self.blob.at, self.blob.length)]

    def fixed(self) -> set[str]:
        """The packs that the base names."""
        return set() if self.base is None else self.base.packs()

    def moved(self, packs: set[str], scope: str, level: int) -> Single:
        """The same, to be written anew."""
        del scope, level
        if self.base is not None or self.blob is None or self.blob.at not in packs:
            return self
        return msgspec.structs.replace(self, blob=None, stored=True)

    def relied_on(self) -> set[str]:
        """The blob's pack, or those behind the base."""
        if self.blob is not None:
            return {self.blob.at}
        return set() if self.stored or self.base is None else set(self.relies_on)

    def placed(self, placing: Placing) -> Stored | Carried | Patched:
        """The stub, with the frame put into the pack if it is to be stored."""
        blob = self.blob
        if blob is None and self.stored:
            blob = placing.add(self.encoded)
        if blob is not None:
            return Stored(blob, self.kind, self.count)
        if self.base is not None:
            return self._patched(self.base)
        return self.as_carried()

    def as_carried(self) -> Carried:
        """The stub that carries it."""
        encoded = self.encoded
        return Carried(encoded.sha256, self.size, encoded.frame, self.kind, self.count)

    def _patched(self, base: Whole) -> Patched:
        sha256 = self.encoded.sha256
        return Patched(base, sha256, self.size, self.patch, self.kind, self.count)


class Cut(Leaving, frozen=True):
    """A large array or object that leaves in pieces.

    Attributes:
        kind: `array` or `object`.
        count: Items or members.
        size: Bytes of the value's text.
        members: Pieces, and entries that are stored, in order.
        top: The same below index nodes, as the stub lists them.
        tail: The newest items, as a part of their own.
        scope: The encoded scope of the pack to be.
        grouping: Makes `top` of `members`.
        stored_tail: The tail of a value that was not read.
        newest: Pieces that are carried with the tail until it is stored.
        last: What the tail is then.
        inherited: What to read ahead for entries that were not read.
        relies_on: Of an unchanged value: packs that were read for it.
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
    def carried(self) -> Single | None:
        """The tail, unless it is stored."""
        return None if self.tail is None else self.tail.carried

    @property
    def wire(self) -> int:
        """Upper bound of the stub's bytes."""
        some = Blob("0" * 64, 10**10, _name(self.scope), 10**10, 10**9)
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
        """A third of the new pieces: about what agent states come to when they are compressed."""
        new = sum([piece.size // 3 for piece in pieces_of(self.top) if piece.blob is None])
        return new if self.tail is None else new + self.tail.new_bytes

    def storing(self) -> Cut:
        """The same with the tail stored."""
        if self.tail is None or self.tail.stored:
            return self
        return msgspec.structs.replace(self, tail=self.tail.storing())

    def stored_in_pieces(self, in_pieces: Callable[[Single], Leaving], piece_bytes: int) -> Cut:
        """The same with the newest pieces stored as what they are, if the tail is."""
        del in_pieces, piece_bytes
        return self.with_pieces_parted()

    def with_pieces_parted(self) -> Cut:
        """The same with the newest pieces apart from the tail, if that is to be stored."""
        if not self.newest or self.tail is None or not self.tail.stored:
            return self
        members = (*self.members, *self.newest)
        top = self.grouping(members)
        return msgspec.structs.replace(
            self, members=members, top=top, tail=self.last, newest=(), last=None
        )

    def folded(self, scope: str, level: int) -> Cut:
        """The same with one node instead of several pieces, and the tail stored."""
        del scope, level
        one = self.storing().with_pieces_parted().storing()
        top = fold(one.top, most=1)
        shorter = len(top) < len(one.top) <= 4 * MOST_IN_STUB
        return msgspec.structs.replace(one, top=top) if shorter else one

    def movable(self) -> list[tuple[str, int]]:
        """The blobs of pieces that are at hand, and of the tail."""
        held = [
            (piece.blob.at, piece.blob.length)
            for piece in pieces_of(self.top)
            if piece.at_hand and piece.blob is not None
        ]
        return held if self.tail is None else held + self.tail.movable()

    def fixed(self) -> set[str]:
        """The packs of entries that were not read."""
        packs = {
            piece.blob.at
            for piece in pieces_of(self.top)
            if not piece.at_hand and piece.blob is not None
        }
        if self.tail is not None:
            packs |= self.tail.fixed()
        return packs if self.stored_tail is None else packs | self.stored_tail.packs()

    def moved(self, packs: set[str], scope: str, level: int) -> Cut:
        """The same with pieces to be written anew."""
        tail = None if self.tail is None else self.tail.moved(packs, scope, level)
        return msgspec.structs.replace(self, top=without_blobs(self.top, packs), tail=tail)

    def relied_on(self) -> set[str]:
        """The packs that it refers to, but for those that a value was said to lie in, unread."""
        packs = {piece.blob.at for piece in pieces_of(self.top) if piece.blob is not None}
        if self.tail is not None:
            packs |= self.tail.relied_on()
        if self.stored_tail is not None:
            packs |= self.stored_tail.packs()
        unread = unread_in(self.source)
        if unread is not None:
            packs -= unread.stub.packs()
        return packs | self.relies_on

    def placed(self, placing: Placing) -> Pieces:
        """The stub, with new pieces, the tail and new index nodes put into the pack."""
        # Pieces first, then their index, so that one range serves all pieces.
        placing.add_pieces(self.top)
        tail: Any = self.stored_tail if self.tail is None else self.tail.placed(placing)
        entries = placing.entries(self.top)
        reads = placing.reads(self.top, self.inherited)
        return Pieces(self.kind, self.count, self.size, entries, tail, reads)


def _base64_bytes(data: bytes) -> int:
    return -(-len(data) // 3) * 4


def _name(scope: str) -> str:
    return f"{scope}/{'0' * 32}.pack"
