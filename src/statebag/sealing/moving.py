"""Read the chunks of a value that are to move into another pack, and the index nodes above them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from statebag.sealing.cutting import Piece, node_of, pieces_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from statebag.format.paths import Path
    from statebag.format.stub import Entry
    from statebag.sealing.compaction import Move
    from statebag.sealing.cutting import Member

__all__ = ["with_read"]


def with_read(
    members: Sequence[Member], move: Move, path: Path, *, advised: bool
) -> tuple[Member, ...]:
    """Return the members with chunks of the moving packs read, and the nodes above them as groups.

    All other nodes stay as they are, so the index as a whole is not rewritten.

    Args:
        members: The members that a stub lists.
        move: The moving packs.
        path: The value's path, for messages.
        advised: Whether the prefetch list of the stub names these packs. Then nodes in other packs
            may list chunks in them, and are searched as well.
    """
    listed: dict[Entry, tuple[Entry, ...]] = {}
    found: dict[Entry, None] = {}
    level = [cast("Entry", one) for one in pieces_of(members) if not one.at_hand]
    while level:
        found.update(dict.fromkeys(level))
        nodes = [one for one in level if one.level and (advised or one.blob.at in move.packs)]
        listed.update(move.listed(nodes, path))
        below = dict.fromkeys([one for node in nodes for one in listed[node]])
        level = [one for one in below if one not in found]
    chunks = [one for one in found if not one.level and one.blob.at in move.packs]
    texts = move.texts([one.blob for one in chunks])
    read = {one: Piece(texts[one.blob], one.count, one.blob.sha256, one.blob) for one in chunks}
    made: dict[Entry, Member] = {}
    return tuple([_rebuilt(one, move, listed, read, made) for one in members])


def _rebuilt(
    member: Member,
    move: Move,
    listed: Mapping[Entry, tuple[Entry, ...]],
    read: Mapping[Entry, Piece],
    made: dict[Entry, Member],
) -> Member:
    """Return a member with everything that was read below it; the same one if nothing was.

    Args:
        member: A member.
        move: The moving packs.
        listed: The members that nodes list.
        read: The chunks that were read.
        made: The results for entries, which may occur in several places.
    """
    if member.at_hand:
        below = member.members
        parts = tuple([_rebuilt(one, move, listed, read, made) for one in below])
        changed = any(new is not old for new, old in zip(parts, below, strict=True))
        return node_of(parts, member.level) if changed else member
    entry = cast("Entry", member)
    if entry not in made:
        entries = listed.get(entry, ())
        parts = tuple([_rebuilt(one, move, listed, read, made) for one in entries])
        changed = any(new is not old for new, old in zip(parts, entries, strict=True))
        if changed or (parts and entry.blob.at in move.packs):
            made[entry] = node_of(parts, entry.level)
        else:
            made[entry] = read.get(entry, entry)
    return made[entry]
