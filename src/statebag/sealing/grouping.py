"""The index over many pieces: which of them an index node lists, and what stays in the stub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.format.codec import sha256_hex
from statebag.format.stub import Entry
from statebag.sealing.cutting import group
from statebag.sealing.parts import Group, Member

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MOST_IN_STUB", "fold", "grouped"]

MOST_IN_STUB = 8


def grouped(pieces: Sequence[Member]) -> list[Member]:
    """At most eight members for a stub, from the pieces of a value that was read whole.

    Which node lists a piece depends on the pieces' digests, so an edit changes few nodes. The
    newest pieces stay in the stub, and the last node is written anew only once for eight.
    """
    members: list[Member] = list(pieces)
    if len(members) <= MOST_IN_STUB:
        return members
    sizes = group([_digest(piece) for piece in pieces])
    loose = sizes[-1] % MOST_IN_STUB
    newest = members[len(members) - loose :]
    nodes = _nodes(members[: len(members) - loose], sizes, level=1)
    level = 1
    while len(nodes) + loose > MOST_IN_STUB:
        level += 1
        nodes = _nodes(nodes, group([_digest(node) for node in nodes]), level)
    return [*nodes, *newest]


def fold(members: Sequence[Member], most: int = MOST_IN_STUB) -> list[Member]:
    """At most `most` members of each level, without reading any node that exists.

    For an array that grows unread. The oldest members of a level that has too many become a
    node of the next.
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
                    _node(run[i : i + width], level + 1) for i in range(0, len(run), width)
                ]
        level += 1
    return folded


def _nodes(members: list[Member], sizes: list[int], level: int) -> list[Member]:
    nodes: list[Member] = []
    start = 0
    for size in sizes:
        run = members[start : start + size]
        if run:
            nodes.append(_node(run, level))
        start += size
    return nodes


def _node(members: list[Member], level: int) -> Group:
    return Group(members, level, sha256_hex("".join(map(_digest, members)).encode()))


def _digest(member: Member) -> str:
    return member.blob.sha256 if isinstance(member, Entry) else member.sha256
