"""Define parts that leave plain form: their interface, and the form as one blob."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from statebag.format.codec import compress, sha256_hex
from statebag.format.stub import KEY, Blob, Carried, Kind, Patched, Stored, Whole
from statebag.sealing.parts import Part, stub_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.format.paths import Path
    from statebag.opening.known import Known
    from statebag.opening.verified import Verified
    from statebag.sealing.compaction import Move
    from statebag.sealing.cutting import Member
    from statebag.sealing.layout import Placing
    from statebag.sealing.parts import Sign

__all__ = [
    "Encoded",
    "Leaving",
    "Single",
    "base64_bytes",
    "blobs_read",
    "name_to_be",
]

_BYTES_OF_NODE = 2048  # chosen: about what an index node of 32 entries takes


class Encoded:
    """A value's text, with its digest and frame, each made when it is first asked for.

    Args:
        text: The text.
        level: zstd's level.
        sha256: The digest, if it is known.
        frame: The frame, if it came in a bag: it is passed on as it is, whatever codec made it.
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
        """Return this text with a digest and a frame that are known already."""
        return Encoded(self.text, self._level, sha256, frame)


class Leaving(Part, frozen=True):
    """The further questions that every part that leaves answers."""

    has_left: ClassVar[bool] = True
    leaves: ClassVar[bool] = True

    @property
    def own_text(self) -> bytes | None:
        """The value's text, if it leaves as one blob that is assembled here."""
        return None

    @property
    def newest(self) -> tuple[Member, ...]:
        """Chunks at its end that are inline."""
        return ()

    def storing(self) -> Leaving:
        """Return this part with its inline bytes stored instead."""
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
        patch: The frame of the delta.
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
        """Itself, unless it is stored."""
        return None if self.stored or self.blob is not None else self

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
        """Bytes of the frame, if it is to be stored."""
        return len(self.encoded.frame) if self.stored and self.blob is None else 0

    def storing(self) -> Single:
        """Return this part, stored."""
        return self if self.stored else msgspec.structs.replace(self, stored=True)

    def stored_in_pieces(self, in_pieces: Callable[[Single], Leaving], piece_bytes: int) -> Leaving:
        """Return it in chunks without a base, if it is stored and was large or a delta."""
        if not self.stored or self.blob is not None or self.stays_one:
            return self
        if self.base is None and self.size <= piece_bytes:
            return self
        return in_pieces(msgspec.structs.replace(self, base=None))

    def movable(self, known: Known) -> list[tuple[str, int]]:
        """Return the blob in its place; or the base's, which the value itself can replace."""
        del known
        if self.base is not None:
            return blobs_read(self.base_read)
        return [] if self.blob is None else [(self.blob.at, self.blob.length)]

    def fixed(self) -> set[str]:
        """Return the packs of a base whose text is not at hand."""
        if self.base is None or blobs_read(self.base_read):
            return set()
        return self.base.packs() | self.relies_on

    def moved(self, move: Move) -> Leaving:
        """Return the same, to be written again; a delta whose base would move is dropped."""
        if self.base is not None:
            if all(name not in move.packs for name, _ in blobs_read(self.base_read)):
                return self
            whole = msgspec.structs.replace(self, base=None, patch=b"", base_read=None)
            return move.in_pieces(whole, self.base_read).storing().moved(move)
        if self.blob is None or self.blob.at not in move.packs:
            return self
        return msgspec.structs.replace(self, blob=None, stored=True)

    def relied_on(self) -> set[str]:
        """Return the blob's pack, or those that the base is read from."""
        if self.blob is not None:
            return {self.blob.at}
        return set() if self.stored or self.base is None else set(self.relies_on)

    def placed(self, placing: Placing) -> Stored | Carried | Patched:
        """Return the stub, with the frame put into the pack if it is to be stored."""
        blob = self.blob
        if blob is None and self.stored:
            blob = placing.add(self.encoded)
        if blob is not None:
            return Stored(blob, self.kind, self.count)
        if self.base is not None:
            return self._patched(self.base)
        return self.as_carried()

    def as_carried(self) -> Carried:
        """Return the stub with the inline frame."""
        encoded = self.encoded
        return Carried(encoded.sha256, self.size, encoded.frame, self.kind, self.count)

    def _patched(self, base: Whole) -> Patched:
        sha256 = self.encoded.sha256
        return Patched(base, sha256, self.size, self.patch, self.kind, self.count)


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
