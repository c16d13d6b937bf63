"""From a plan to bytes: the pack that must be written, and the bag that refers to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from statebag.format.codec import compress, sha256_hex
from statebag.format.extents import joined
from statebag.format.index import encode_node, node_entry
from statebag.format.pack import PackBuilder
from statebag.format.stub import KEY, THIS_PACK, Blob, Entry, Extent, Rest
from statebag.sealing.parts import Branch, Cut, Gathered, Group, Kept, Part, Piece, Plain, Single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.format.signature import Signatures, Signer
    from statebag.format.stub import Stub
    from statebag.opening.known import Known

__all__ = ["Layout", "Written", "lay_out"]

_MOST_READS = 32


class Written(msgspec.Struct):
    """One blob that a seal adds to the store."""

    blob: Blob
    text: bytes


class Layout(msgspec.Struct):
    """A plan with its pack.

    Attributes:
        bag: The JSON value to hand to the engine.
        pack: Name and bytes of the object to write first; None where nothing is new.
        written: The blobs in it.
        nodes: Index nodes in it, each with what it lists.
        carried: Blobs that travel in the bag.
        carried_bytes: Of those, as base64.
        reused: Packs of index nodes that were stored before and that a node refers to.
    """

    bag: Any
    pack: tuple[str, bytes] | None
    written: list[Written] = msgspec.field(default_factory=list)
    nodes: list[tuple[Entry, tuple[Entry, ...]]] = msgspec.field(default_factory=list)
    carried: int = 0
    carried_bytes: int = 0
    root: Part | None = None
    signer: Signer | None = None
    reused: frozenset[str] = frozenset()

    def leave_out_reads(self) -> None:
        """Write the bag without the advice on what to read ahead, to fit a narrow bound."""
        assert self.root is not None  # what was laid out
        for part in _leaves(self.root):
            if isinstance(part, Cut):
                part.reads = ()
        self.bag = _render(self.root, self.pack[0] if self.pack else "", self.signer)


def lay_out(
    root: Part,
    scope: str,
    known: Known,
    level: int,
    signatures: Signatures | None = None,
    salt: Callable[[], bytes] = bytes,
) -> Layout:
    """Put what is new into a pack, in the order of the paths, and write down the bag.

    Args:
        root: A plan that fits.
        scope: The encoded scope that the pack goes to.
        known: Index nodes that are stored already.
        level: zstd's level.
        signatures: Sign every stub for the scope.
        salt: Gives what makes the packs of a key others than those of another; asked if there is
            a pack.
    """
    signer = None if signatures is None else signatures.signer(scope)
    placing = _Placing(scope, known, level)
    for part in _leaves(root):
        placing.place(part)
    if not len(placing.builder):
        bag = _render(root, "", signer)
        return Layout(bag, None, [], [], *_carried(root), root, signer, frozenset(placing.reused))
    placing.builder.add_salt(salt(), level)
    name, data = placing.builder.build(scope)
    written = [Written(one.blob.placed(name), one.text) for one in placing.written]
    nodes = [
        (_placed(node, name), tuple(_placed(entry, name) for entry in entries))
        for node, entries in placing.nodes
    ]
    bag = _render(root, name, signer)
    reused = frozenset(placing.reused)
    return Layout(bag, (name, data), written, nodes, *_carried(root), root, signer, reused)


class _Placing:
    """Decides for each blob where it lies: where it lay before, or in the pack to be."""

    def __init__(self, scope: str, known: Known, level: int) -> None:
        self.scope = scope
        self.known = known
        self.level = level
        self.builder = PackBuilder()
        self.written: list[Written] = []
        self.nodes: list[tuple[Entry, tuple[Entry, ...]]] = []
        self.reused: set[str] = set()

    def place(self, part: Single | Cut) -> None:
        if isinstance(part, Cut):
            # Pieces first, then their index, so that one range serves all pieces.
            for member in part.top:
                self._place_pieces(member)
            if isinstance(part.tail, Single):
                self.place(part.tail)
            part.entries = tuple(self._entry(member) for member in part.top)
            part.reads = _reads(part)
        elif part.stored and part.blob is None:
            part.blob = self._add(part.sha256, part.text, part.frame)

    def _place_pieces(self, member: Piece | Entry | Group) -> None:
        if isinstance(member, Group):
            for inner in member.members:
                self._place_pieces(inner)
        elif isinstance(member, Piece) and member.blob is None:
            member.blob = self._add(member.sha256, member.text, compress(member.text, self.level))

    def _entry(self, member: Piece | Entry | Group) -> Entry:
        if isinstance(member, Entry):
            return member
        if isinstance(member, Piece):
            assert member.blob is not None  # placed before
            return Entry(member.blob, member.count, member.size)
        entries = tuple(self._entry(inner) for inner in member.members)
        if all(entry.blob.at != THIS_PACK for entry in entries):
            stored = self.known.node(self.scope, entries)
            if stored is not None:
                self.reused.add(stored.blob.at)
                return stored
        text = encode_node(entries)
        digest = sha256_hex(text)
        blob = self.builder.add(digest, len(text), compress(text, self.level), "index")
        self.written.append(Written(blob, text))
        node = node_entry(entries, blob)
        self.nodes.append((node, entries))
        return node

    def _add(self, sha256: str, text: bytes, frame: bytes) -> Blob:
        blob = self.builder.add(sha256, len(text), frame)
        self.written.append(Written(blob, text))
        return blob


def _reads(part: Cut) -> tuple[Extent, ...]:
    """Where the pieces lie that only nodes list, in a few extents; none where they are many."""
    listed = [blob for member in part.top if member.level for blob in _pieces(member)]
    if not listed and not part.inherited:
        return ()
    own = [Extent(blob.at, blob.offset, blob.length) for blob in listed]
    extents = joined([*part.inherited, *own])
    return tuple(extents) if len(extents) <= _MOST_READS else ()


def _pieces(member: Piece | Entry | Group) -> Iterator[Blob]:
    if isinstance(member, Group):
        for inner in member.members:
            yield from _pieces(inner)
    elif not member.level and member.blob is not None:
        yield member.blob


def _leaves(part: Part) -> Iterator[Single | Cut]:
    if isinstance(part, Single | Cut):
        yield part
    elif isinstance(part, Branch | Gathered):
        if isinstance(part, Gathered):
            yield from _leaves(part.whole)
        for child in part.children.values():
            yield from _leaves(child)


def _carried(root: Part) -> tuple[int, int]:
    """Blobs that travel in the bag, and their bytes there."""
    singles = (part.tail if isinstance(part, Cut) else part for part in _leaves(root))
    sizes = [one.carried_bytes for one in singles if isinstance(one, Single) and one.blob is None]
    return len(sizes), sum(sizes)


def _placed(entry: Entry, name: str) -> Entry:
    return Entry(entry.blob.placed(name), entry.count, entry.size, entry.level)


def _render(part: Part, pack: str, signer: Signer | None) -> Any:
    """The JSON value that stands for a part in the bag."""
    if isinstance(part, Plain):
        return part.value
    if isinstance(part, Kept):
        return part.body if signer is None else _signed_again(part, signer)
    if isinstance(part, Single | Cut):
        return {KEY: _body(part.stub(pack), signer)}
    members = {key: _render(child, pack, signer) for key, child in part.children.items()}
    if isinstance(part, Gathered):
        stub = part.whole.stub if isinstance(part.whole, Kept) else part.whole.stub(pack)
        assert not isinstance(stub, Rest)  # a whole is never itself a rest
        return {KEY: _body(Rest(stub, part.required, {}), signer), **members}
    return list(members.values()) if isinstance(part.source, list) else members


def _body(stub: Stub, signer: Signer | None) -> dict[str, Any]:
    body = stub.to_wire()
    return body if signer is None else signer.signed(stub, body)


def _signed_again(part: Kept, signer: Signer) -> dict[str, Any]:
    """What was not opened passes through with today's key, so that an older one can retire."""
    return {**part.body, KEY: signer.signed(part.stub, part.body[KEY])}
