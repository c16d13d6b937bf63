"""Cut large arrays and objects into chunks, and group the chunks below index nodes.

The bytes of an item decide whether a chunk ends after it, within a smallest and a largest size. So
an insert moves one boundary, not all later ones. The probability of a boundary grows with the size
of the item, so chunks aim at a size in bytes, not in items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from zlib import crc32

import msgspec

from statebag.format.blobs import Blob, Entry
from statebag.format.codec import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statebag.opening.known import Known

__all__ = [
    "MOST_IN_STUB",
    "Group",
    "Member",
    "Piece",
    "cut",
    "fold",
    "group",
    "grouped",
    "node_of",
    "pieces_of",
    "sizes_of_pieces",
    "stored_nodes",
    "texts_at_hand",
    "without_blobs",
]

# Rows of a stub, which is in every bag; the others go into index nodes (docs/design/0001). Chosen;
# the fan-out of nodes was measured (docs/performance/choices.md).
MOST_IN_STUB = 8
# The bounds of a chunk, as multiples of `Policy.piece_bytes`, which docs/design/0004 measures.
# Chosen: no chunk is tiny or huge, whatever the checksums of its items are.
_LEAST = 1 / 3
_LARGEST = 4  # chosen: as above
_CRC_RANGE = 1 << 32  # values of a CRC of 32 bits


class Piece(msgspec.Struct, frozen=True):
    """One chunk of a value that is cut.

    Attributes:
        text: Its text, an array or object.
        count: Items or members.
        sha256: Of the text.
        blob: Its place, if it is stored already.
    """

    text: bytes
    count: int
    sha256: str
    blob: Blob | None = None

    level: ClassVar[int] = 0
    members: ClassVar[tuple[Member, ...]] = ()
    at_hand: ClassVar[bool] = True
    """Whether its text is known; the text of an `Entry` was not read."""

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return len(self.text)

    def entry(self, new: Blob | None) -> Entry:
        """Return the entry that lists it, in its place or in the new pack."""
        blob = self.blob or new
        assert blob is not None  # put there before
        return Entry(blob, self.count, len(self.text))


class Group(msgspec.Struct, frozen=True):
    """An index node that is not written yet.

    Attributes:
        members: The members that it will list, all of one level.
        level: The level of the node, one above theirs.
        sha256: A digest that stands for the node when nodes are grouped again.
    """

    members: tuple[Member, ...]
    level: int
    sha256: str

    blob: ClassVar[None] = None
    at_hand: ClassVar[bool] = True


Member = Piece | Entry | Group


def pieces_of(members: Sequence[Member]) -> list[Piece | Entry]:
    """Return all chunks, and entries that were not read, below any number of groups, in order."""
    found: list[Piece | Entry] = []
    pending = list(reversed(members))
    while pending:
        member = pending.pop()
        if isinstance(member, Group):
            pending.extend(reversed(member.members))
        else:
            found.append(member)
    return found


def texts_at_hand(members: Sequence[Member]) -> dict[str, bytes]:
    """Return the texts of chunks below some members, if they were read or are new, by digest."""
    return {one.sha256: one.text for one in pieces_of(members) if isinstance(one, Piece)}


def stored_nodes(member: Member, known: Known, scope: str) -> list[Blob]:
    """Return the index nodes at and below a member that are stored already."""
    found: list[Blob] = []
    _stored_as(member, known, scope, found)
    return found


def _stored_as(member: Member, known: Known, scope: str, found: list[Blob]) -> Entry | None:
    """Return the entry of a member if it is stored as a whole."""
    if isinstance(member, Piece):
        return None if member.blob is None else member.entry(None)
    if not isinstance(member, Group):
        return member
    below = [_stored_as(one, known, scope, found) for one in member.members]
    entries = tuple([one for one in below if one is not None])
    node = known.node(scope, entries) if len(entries) == len(below) else None
    if node is not None:
        found.append(node.blob)
    return node


def without_blobs(members: Sequence[Member], packs: frozenset[str]) -> tuple[Member, ...]:
    """Return the members, with the chunks at hand of these packs to be written again."""
    return tuple([_without_blob(member, packs) for member in members])


def _without_blob(member: Member, packs: frozenset[str]) -> Member:
    if isinstance(member, Group):
        return Group(without_blobs(member.members, packs), member.level, member.sha256)
    if member.at_hand and member.blob is not None and member.blob.at in packs:
        return msgspec.structs.replace(member, blob=None)
    return member


def cut(items: list[bytes], aim: int) -> tuple[list[list[bytes]], list[bytes]]:
    """Return the runs of items that become chunks, and the items after them: the tail.

    Args:
        items: The texts of an array's items or an object's members.
        aim: Bytes that a chunk should have on average; chunks are between a third of it and
            four times it, where single items allow.
    """
    least, largest = sizes_of_pieces(aim)
    pieces: list[list[bytes]] = []
    current: list[bytes] = []
    size = 0
    for item in items:
        length = len(item) + 1
        if current and size + length > largest:
            pieces.append(current)
            current, size = [], 0
        current.append(item)
        size += length
        if size >= least and (size >= largest or crc32(item) * aim < length * _CRC_RANGE):
            pieces.append(current)
            current, size = [], 0
    return pieces, current


def sizes_of_pieces(aim: int) -> tuple[int, int]:
    """Return the least and the largest bytes of a chunk, without its brackets."""
    return int(aim * _LEAST), aim * _LARGEST


def group(digests: list[str], fan_out: int = 32) -> list[int]:
    """Return how many of the given digests each index node lists, in order.

    The digests decide. Nodes list `fan_out` on average, from a quarter to twice as many; the last
    one may list fewer.
    """
    least, most = fan_out // 4, 2 * fan_out
    sizes: list[int] = []
    size = 0
    for digest in digests:
        size += 1
        ends = int(digest[:8], 16) * (fan_out - least) < _CRC_RANGE
        if size == most or (size >= least and ends):
            sizes.append(size)
            size = 0
    return [*sizes, size] if size else sizes


def grouped(pieces: Sequence[Member]) -> tuple[Member, ...]:
    """Return at most eight members for a stub, from the chunks of a value that was read whole.

    Which node lists a chunk depends on the chunks' digests, so an edit changes few nodes. The
    newest chunks stay in the stub, so the last node is written once for eight of them.
    """
    members: list[Member] = list(pieces)
    if len(members) <= MOST_IN_STUB:
        return tuple(members)
    sizes = group([piece.sha256 for piece in pieces])
    loose = sizes[-1] % MOST_IN_STUB
    newest = members[len(members) - loose :]
    nodes = _nodes(members[: len(members) - loose], sizes, level=1)
    level = 1
    while len(nodes) + loose > MOST_IN_STUB:
        level += 1
        nodes = _nodes(nodes, group([node.sha256 for node in nodes]), level)
    return (*nodes, *newest)


def fold(members: Sequence[Member], most: int = MOST_IN_STUB) -> tuple[Member, ...]:
    """Return at most `most` members of each level, without reading an existing node.

    It serves an array that grows unread. If a level has too many members, its oldest become a node
    of the next level.
    """
    folded = list(members)
    level = 0
    while any(member.level >= level for member in folded):
        of_level = [i for i, member in enumerate(folded) if member.level == level]
        if len(of_level) > most:
            keep = len(of_level) % MOST_IN_STUB if most > 1 else 0
            first, last = of_level[0], of_level[-1] + 1 - keep
            run = folded[first:last]
            if all(member.level == level for member in run):
                width = max(MOST_IN_STUB, -(-len(run) // most))
                folded[first:last] = [
                    node_of(run[i : i + width], level + 1) for i in range(0, len(run), width)
                ]
        level += 1
    return tuple(folded)


def _nodes(members: list[Member], sizes: list[int], level: int) -> list[Member]:
    nodes: list[Member] = []
    start = 0
    for size in sizes:
        run = members[start : start + size]
        if run:
            nodes.append(node_of(run, level))
        start += size
    return nodes


def node_of(members: Sequence[Member], level: int) -> Group:
    """Return the node of a level that lists some members."""
    digests = "".join([member.sha256 for member in members])
    return Group(tuple(members), level, sha256_hex(digests.encode()))
