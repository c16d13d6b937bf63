"""Define parts that leave plain form: their interface, and the form as one blob."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from statebag.format.stub import KEY, Blob, Carried, Kind, Layered, Patched, Stored, Whole
from statebag.sealing.parts import Part, stub_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.format.paths import Path
    from statebag.opening.known import Known
    from statebag.opening.verified import Verified
    from statebag.sealing.compaction import Move
    from statebag.sealing.cutting import Member
    from statebag.sealing.encoded import Encoded
    from statebag.sealing.layout import Placing
    from statebag.sealing.overlays import Overlay
    from statebag.sealing.parts import Sign

__all__ = [
    "Leaving",
    "Single",
    "base64_bytes",
    "blobs_read",
    "name_to_be",
]

_BYTES_OF_NODE = 2048  # chosen: about what an index node of 32 entries takes


class Leaving(Part, frozen=True):
    """The further questions that every part that leaves answers."""

    has_left: ClassVar[bool] = True
    leaves: ClassVar[bool] = True

    @property
    def own_text(self) -> bytes | None:
        """The value's text, if it leaves as one blob that is assembled here."""
        return None

    @property
    def opened_bytes(self) -> int:
        """Bytes that an open counts for it against `Policy.max_open_bytes`, besides index nodes."""
        raise NotImplementedError

    @property
    def newest(self) -> tuple[Member, ...]:
        """Chunks at its end that are inline."""
        return ()

    def storing(self) -> Leaving:
        """Return this part with its inline bytes stored instead."""
        return self

    def ended(self) -> Leaving:
        """Return this part without a delta whose value is at hand."""
        return self

    def with_read(self, move: Move) -> Leaving:
        """Return the same with its unread chunks in these packs read."""
        del move
        return self

    def moved(self, move: Move) -> Leaving:
        """Return the same with its movable blobs in these packs written again."""
        del move
        return self

    def stored_in_pieces(self, in_pieces: Callable[[Single], Leaving], piece_bytes: int) -> Leaving:
        """Return this part in chunks, if it is large and its inline bytes are now stored."""
        del in_pieces, piece_bytes
        return self

    def folded(self, scope: str, level: int) -> Leaving:
        """Return this part with as few entries as possible, all of it stored."""
        del scope, level
        return self

    def placed(self, placing: Placing) -> Whole:
        """Put its new blobs into the pack, and return the stub."""
        raise NotImplementedError

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """Return the stub alone."""
        stub = stubs[self.path]
        body = stub.to_wire()
        return {KEY: body if sign is None else sign(stub, body)}


class Single(Leaving, frozen=True):
    """A value that leaves as one blob, inline unless `stored` is set.

    Attributes:
        encoded: Its text.
        scope: The encoded scope of the new pack.
        kind: `array`, `object`, or None.
        count: Items or members.
        stored: Whether it goes into a pack.
        blob: Its place, if it is stored already.
        base: The stored value that `patch` is a delta of.
        layers: The stored deltas between the two.
        patch: The frame of the delta; empty if the layers give the value.
        relies_on: The packs that the base is read from.
        base_read: The base as it was read, if its text is at hand.
        stays_one: Whether it is stored in one blob, however large.
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
    base_read: Verified | None = None
    stays_one: bool = False
    layers: tuple[Overlay, ...] = ()

    @property
    def text(self) -> bytes:
        """The value's JSON text."""
        return self.encoded.text

    @property
    def own_text(self) -> bytes:
        """The same."""
        return self.encoded.text

    @property
    def own_stored_text(self) -> bytes | None:
        """The same, if it is stored."""
        return self.encoded.text if self.stored or self.blob is not None else None

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return len(self.encoded.text)

    @property
    def carried(self) -> Single | None:
        """Itself, unless all of it is stored."""
        if self.stored or self.blob is not None or (self.layers and not self.carried_bytes):
            return None
        return self

    @property
    def layer_texts(self) -> tuple[bytes, ...]:
        """The layers' own texts, if all are at hand."""
        texts = [one.encoded.text for one in self.layers if one.encoded is not None]
        return tuple(texts) if len(texts) == len(self.layers) else ()

    @property
    def carried_bytes(self) -> int:
        """Inline bytes, as base64; 0 if it is stored."""
        if self.stored or self.blob is not None:
            return 0
        if self.base is None:
            return base64_bytes(self.encoded.frame)
        tail = self.base.simple
        return base64_bytes(self.patch) + (0 if tail is None else base64_bytes(tail.frame))

    @property
    def opened_bytes(self) -> int:
        """Those of the text, or of all that its delta starts from."""
        if self.base is None or self.stored or self.blob is not None:
            return self.size
        return 2 * self.base.size + sum([one.opened_bytes for one in self.layers])

    @property
    def wire(self) -> int:
        """Upper bound of the stub's bytes."""
        if self.blob is not None or self.stored:
            blob = self.blob or Blob("0" * 64, self.size, name_to_be(self.scope), 10**10, 10**9)
            return stub_wire(Stored(blob, self.kind, self.count).to_wire())
        if self.base is not None:
            return stub_wire(self._patched(self.base).to_wire())
        empty = Carried("0" * 64, self.size, b"", self.kind, self.count)
        return stub_wire(empty.to_wire()) + self.carried_bytes

    @property
    def new_bytes(self) -> int:
        """Bytes of the frame, and of the layers, if they are to be stored."""
        if self.stored:
            return len(self.encoded.frame) if self.blob is None else 0
        return sum([one.length for one in self.layers if one.blob is None])

    def alone(self) -> Single:
        """Return this part without a base."""
        return msgspec.structs.replace(self, base=None, patch=b"", base_read=None, layers=())

    def storing(self) -> Single:
        """Return this part, stored; its delta may become a layer, but not if it has none."""
        if self.stored:
            return self
        one = self.alone() if self.layers and not self.patch else self
        return msgspec.structs.replace(one, stored=True)

    def ended(self) -> Single:
        """Return this part, stored, without its delta."""
        return self if self.base is None else msgspec.structs.replace(self.alone(), stored=True)

    def folded(self, scope: str, level: int) -> Single:
        """Return this part stored without layers: the stub has a row for each."""
        del scope, level
        return msgspec.structs.replace(self.alone(), stored=True) if self.layers else self

    def stored_in_pieces(self, in_pieces: Callable[[Single], Leaving], piece_bytes: int) -> Leaving:
        """Return what `in_pieces` makes of it, if it is stored and was large or a delta."""
        if not self.stored or self.blob is not None or self.stays_one:
            return self
        if self.base is None and self.size <= piece_bytes:
            return self
        return in_pieces(self)

    def movable(self, known: Known) -> list[tuple[str, int]]:
        """Return the blob in its place; or the base's, which the value itself can replace."""
        del known
        if self.base is not None:
            layers = [(one.pack, one.length) for one in self.layers if one.is_movable]
            return blobs_read(self.base_read) + layers
        return [] if self.blob is None else [(self.blob.at, self.blob.length)]

    def fixed(self) -> set[str]:
        """Return the packs of a base, or of layers, whose text is not at hand."""
        if self.base is None:
            return set()
        layers = {one.pack for one in self.layers if one.encoded is None}
        if blobs_read(self.base_read):
            return layers
        return self.base.packs() | self.relies_on | layers

    def moved(self, move: Move) -> Leaving:
        """Return the same, to be written again; a delta whose base would move is dropped."""
        if self.base is not None:
            if all(name not in move.packs for name, _ in blobs_read(self.base_read)):
                layers = tuple([one.moved(move.packs) for one in self.layers])
                return msgspec.structs.replace(self, layers=layers) if layers else self
            return move.in_pieces(self.alone(), self.base_read).storing().moved(move)
        if self.blob is None or self.blob.at not in move.packs:
            return self
        return msgspec.structs.replace(self, blob=None, stored=True)

    def relied_on(self) -> set[str]:
        """Return the blob's pack, or those that the base is read from, and those of the layers."""
        if self.blob is not None:
            return {self.blob.at}
        if self.stored or self.base is None:
            return set()
        return {*self.relies_on} | {one.pack for one in self.layers if one.blob is not None}

    def placed(self, placing: Placing) -> Stored | Carried | Patched:
        """Return the stub, with the frame put into the pack if it is to be stored."""
        blob = self.blob
        if blob is None and self.stored:
            blob = placing.add(self.encoded)
        if blob is not None:
            return Stored(blob, self.kind, self.count)
        if self.base is not None:
            return self._patched(self.base, placing)
        return self.as_carried()

    def as_carried(self) -> Carried:
        """Return the stub with the inline frame."""
        encoded = self.encoded
        return Carried(encoded.sha256, self.size, encoded.frame, self.kind, self.count)

    def _patched(self, base: Whole, placing: Placing | None = None) -> Patched:
        """Return the stub of a delta; without `placing`, one that takes as many bytes."""
        sha256 = self.encoded.sha256
        if not self.layers:
            return Patched(base, sha256, self.size, self.patch, self.kind, self.count)
        name = name_to_be(self.scope)
        layers = [
            one.to_be(name) if placing is None else one.placed(placing) for one in self.layers
        ]
        return Layered(base, sha256, self.size, self.patch, self.kind, self.count, tuple(layers))


def blobs_read(read: Verified | None) -> list[tuple[str, int]]:
    """Return the packs that a stored value was read from, with the bytes of each blob there.

    The bytes of index nodes are estimated: only their packs are known.
    """
    if read is None:
        return []
    tail = read.stub.simple
    blobs = [entry.blob for entry in read.pieces]
    if tail is not None:
        blobs += tail.blobs()
    found = [(blob.at, blob.length) for blob in blobs]
    of_nodes = read.packs.difference([name for name, _ in found])
    return found + [(name, _BYTES_OF_NODE) for name in of_nodes]


def base64_bytes(data: bytes) -> int:
    """Return the bytes of some data as base64."""
    return -(-len(data) // 3) * 4


def name_to_be(scope: str) -> str:
    """Return a name as long as that of the new pack."""
    return f"{scope}/{'0' * 32}.pack"
