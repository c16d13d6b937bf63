"""Turn a plan into bytes: the pack to write, and the bag that refers to it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.format.codec import sha256_hex
from statebag.format.extents import WORTH_READING_OVER, joined
from statebag.format.index import encode_node, node_entry
from statebag.format.pack import PackBuilder
from statebag.format.stub import (
    THIS_PACK,
    Blob,
    Entry,
    Extent,
    Whole,
    blobs_in_pack,
    entries_in_pack,
)
from statebag.opening.verified import Listed
from statebag.sealing.cutting import Group, Piece, pieces_of
from statebag.sealing.parts import what_leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from statebag.format.paths import Path
    from statebag.format.signature import Signatures
    from statebag.opening.known import Known
    from statebag.opening.verified import Verified
    from statebag.sealing.cutting import Member
    from statebag.sealing.encoded import Encoded
    from statebag.sealing.parts import Part, Sign

__all__ = ["Layout", "Placing", "lay_out"]

# Rows of a prefetch list, which is in every bag. Chosen: about 600 bytes. Where there are more
# extents, wider gaps between them are read over.
_MOST_READS = 32
_TIMES_READ = (
    2  # chosen: a list for which a reader reads more than so many times as much is dropped
)


class Layout(msgspec.Struct, frozen=True):
    """A plan with its pack; only a plan if nothing leaves.

    Attributes:
        bag: The JSON value to hand to the engine.
        root: The plan.
        leaving: The parts of the values that leave.
        stubs: The stubs of these values, by path.
        pack: Name and bytes of the object to write first; None if nothing is new.
        written: The blobs in it, each with its text.
        nodes: Index nodes in it, each with what it lists.
        reused: Packs of index nodes that were stored before and that a node refers to.
        sign: Signs a stub's body.
        stored: Values with bytes in the pack: each with its stub, all its chunks, and the packs of
            its nodes.
    """

    bag: Any
    root: Part
    leaving: tuple[Part, ...] = ()
    stubs: Mapping[Path, Whole] = MappingProxyType({})
    pack: tuple[str, bytes] | None = None
    written: tuple[tuple[Blob, bytes], ...] = ()
    nodes: tuple[tuple[Entry, tuple[Entry, ...]], ...] = ()
    reused: frozenset[str] = frozenset()
    sign: Sign | None = None
    stored: tuple[StoredValue, ...] = ()

    def without_reads(self) -> Layout:
        """Return this layout without prefetch lists, to fit a narrow bound."""
        stubs = {path: stub.without_reads() for path, stub in self.stubs.items()}
        bag = self.root.in_bag(stubs, self.sign)
        return msgspec.structs.replace(self, bag=bag, stubs=stubs)

    def carried(self) -> list[int]:
        """Return the size, as base64, of each inline blob."""
        return [one.carried_bytes for part in self.leaving if (one := part.carried) is not None]

    def relied_on(self) -> set[str]:
        """Return the packs that the bag relies on because this process remembers them."""
        return set(self.reused).union(*[part.relied_on() for part in self.leaving])


def lay_out(
    root: Part,
    scope: str,
    known: Known,
    level: int,
    signatures: Signatures | None = None,
    salt: Callable[[], bytes] = bytes,
    leaving_packs: frozenset[str] = frozenset(),
) -> Layout:
    """Put new blobs into a pack, in the order of the paths, and make the bag.

    Args:
        root: A plan that fits.
        scope: The encoded scope that the pack goes to.
        known: Index nodes that are stored already.
        level: zstd's level.
        signatures: Sign every stub for the scope.
        salt: Returns a text that gives packs of different keys different names; called if there is
            a pack.
        leaving_packs: Packs that the bag is to stop referring to: nodes in them are written again.
    """
    sign = None if signatures is None else signatures.signer(scope).signed
    leaving = tuple(what_leaves(root))
    placing = Placing(scope, known, level, leaving_packs)
    stubs: dict[Path, Whole] = {}
    for part in leaving:
        stub = part.placed(placing)
        if stub is not None:
            stubs[part.path] = stub
    reused = frozenset(placing.reused)
    if not len(placing.builder):
        bag = root.in_bag(stubs, sign)
        return Layout(bag, root, leaving, stubs, None, (), (), reused, sign)
    placing.builder.add_salt(salt(), level)
    name, data = placing.builder.build(scope)
    stubs = {path: stub.placed(name) for path, stub in stubs.items()}
    blobs = blobs_in_pack([blob for blob, _ in placing.written], name)
    stored = tuple(
        [
            placing.value_of(part, stub, name)
            for part in leaving
            if part.new_bytes and (stub := stubs.get(part.path)) is not None
        ]
    )
    written = tuple(zip(blobs, [text for _, text in placing.written], strict=True))
    nodes = zip(
        entries_in_pack(tuple([node for node, _ in placing.nodes]), name),
        [entries_in_pack(entries, name) for _, entries in placing.nodes],
        strict=True,
    )
    bag = root.in_bag(stubs, sign)
    return Layout(
        bag, root, leaving, stubs, (name, data), written, tuple(nodes), reused, sign, stored
    )


class StoredValue(msgspec.Struct, frozen=True):
    """A value that was just stored, with everything that leads to its text.

    Attributes:
        path: Its place in the state.
        stub: The stub in the bag.
        texts: The texts of the blobs that are at hand.
        pieces: All chunks that its index lists; None if some were not read.
        node_packs: The packs of its index nodes.
        base: Its base, if it is at hand. Then `texts` and `pieces` are of nothing but its layers.
    """

    path: Path
    stub: Whole
    texts: dict[Blob, bytes]
    pieces: tuple[Entry, ...] | None
    node_packs: frozenset[str]
    base: Verified | None = None

    @property
    def listed(self) -> Listed:
        """What leads to the stored text, if all of it is in chunks."""
        stored, pieces = self.stub.read, self.pieces or ()
        packs = {*self.node_packs, *[one.blob.at for one in pieces]}
        packs |= stored.simple.packs() if stored.simple is not None else set()
        return Listed(stored, pieces, frozenset(packs))


class Placing:
    """Decide for each blob whether it stays in its pack or goes into the new one.

    Args:
        scope: The encoded scope that the pack goes to.
        known: Index nodes that are stored already.
        level: zstd's level.
        leaving_packs: Packs whose nodes are not listed again.

    Attributes:
        builder: The new pack.
        written: The blobs that were put into it, with their texts.
        nodes: The index nodes among them, each with what it lists.
        reused: Packs of stored nodes that are listed again.
    """

    def __init__(
        self, scope: str, known: Known, level: int, leaving_packs: frozenset[str] = frozenset()
    ) -> None:
        self._leaving_packs = leaving_packs
        self._scope = scope
        self._known = known
        self._level = level
        self._new: dict[str, Blob] = {}
        self._listed: dict[str, tuple[Entry, ...]] = {}  # by the digests of nodes
        self.builder = PackBuilder()
        self.written: list[tuple[Blob, bytes]] = []
        self.nodes: list[tuple[Entry, tuple[Entry, ...]]] = []
        self.reused: set[str] = set()

    def add(self, encoded: Encoded) -> Blob:
        """Put one text into the pack."""
        blob = self.builder.add(encoded.sha256, len(encoded.text), encoded.frame)
        self.written.append((blob, encoded.text))
        return blob

    def add_pieces(self, members: Sequence[Member]) -> None:
        """Put the chunks that are new into the pack."""
        new = [piece for piece in pieces_of(members) if piece.at_hand and piece.blob is None]
        if not new:
            return
        texts = [(piece.sha256, piece.text) for piece in new]
        for (sha256, text), blob in zip(
            texts, self.builder.add_texts(texts, self._level), strict=True
        ):
            self._new[sha256] = blob
            self.written.append((blob, text))

    def entries(self, members: Sequence[Member]) -> tuple[Entry, ...]:
        """Return the entries for members whose chunks were added, with new nodes if needed."""
        return tuple([self._entry(member) for member in members])

    def reads(
        self, top: Sequence[Member], entries: Sequence[Entry], inherited: tuple[Extent, ...]
    ) -> tuple[Extent, ...]:
        """Return the extents of chunks and nodes that only nodes list.

        Args:
            top: What the stub lists.
            entries: The same, with their places.
            inherited: The extents of members that were not read.
        """
        listed = pieces_of([member for member in top if member.level])
        blobs = [piece.blob or self._new[piece.sha256] for piece in listed if not piece.level]
        for entry in entries:
            blobs += self._nodes_below(entry)
        own = [Extent(blob.at, blob.offset, blob.length) for blob in blobs]
        if not own and not inherited:
            return ()
        return _few([*inherited, *own])

    def value_of(self, part: Part, stub: Whole, name: str) -> StoredValue:
        """Return what was stored of a part, with the pack's name."""
        if stub.layers:
            own = part.layer_texts
            layers = dict(zip([one.blob for one in stub.layers], own, strict=False))
            pieces_read = () if own else None
            return StoredValue(part.path, stub, layers, pieces_read, frozenset(), part.base_read)
        pieces = pieces_of(part.pieces)
        listed = [
            piece.entry(self._new.get(piece.sha256)) if isinstance(piece, Piece) else piece
            for piece in pieces
        ]
        entries = entries_in_pack(tuple(listed), name)
        texts = {
            entry.blob: piece.text
            for entry, piece in zip(entries, pieces, strict=True)
            if isinstance(piece, Piece)
        }
        read = stub.read
        tail = read.simple.blobs() if read.simple is not None else []
        if part.own_stored_text is not None:
            texts.update(dict.fromkeys(tail, part.own_stored_text))
        nodes = [entry.blob for entry in read.entries if entry.level]
        for entry in read.entries:
            nodes += blobs_in_pack(self._nodes_below(entry), name)
        whole = all(isinstance(piece, Piece) for piece in pieces) and texts.keys() >= set(tail)
        packs = frozenset([node.at for node in nodes])
        return StoredValue(part.path, stub, texts, entries if whole else None, packs)

    def _nodes_below(self, entry: Entry) -> list[Blob]:
        """Return the nodes that a node lists, as far as they were placed or found in this seal."""
        below = [one for one in self._listed.get(entry.blob.sha256, ()) if one.level]
        found = [one.blob for one in below]
        for one in below:
            found += self._nodes_below(one)
        return found

    def _entry(self, member: Member) -> Entry:
        if not isinstance(member, Group):
            return member.entry(self._new.get(member.sha256))
        entries = self.entries(member.members)
        if THIS_PACK not in [entry.blob.at for entry in entries]:
            stored = self._known.node(self._scope, entries)
            if stored is not None and stored.blob.at not in self._leaving_packs:
                self._listed[stored.blob.sha256] = entries
                self.reused.add(stored.blob.at)
                return stored
        text = encode_node(entries)
        (blob,) = self.builder.add_texts([(sha256_hex(text), text)], self._level, "index")
        self.written.append((blob, text))
        node = node_entry(entries, blob)
        self.nodes.append((node, entries))
        self._listed[blob.sha256] = entries
        return node


def _few(extents: list[Extent]) -> tuple[Extent, ...]:
    """Return the extents, joined over wide gaps so that they are few.

    None are returned if a reader would then read much that it does not need.
    """
    gap = WORTH_READING_OVER
    found = joined(extents, gap)
    most = _TIMES_READ * sum([one.length for one in found])
    while len(found) > _MOST_READS:
        gap *= 2
        found = joined(found, gap)
        if gap > most or sum([one.length for one in found]) > most:
            return ()
    return tuple(found)
