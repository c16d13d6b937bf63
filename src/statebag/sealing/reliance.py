"""Which packs a bag relies on because this process remembers them, and nothing else says so.

A stub that came unopened is handed on as it came: whether its pack is there was the business of
whoever wrote it. What was opened, or is put together from what is remembered, could be written
again, and so must not refer to what is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.format.stub import THIS_PACK, Escaped, Rest
from statebag.format.unopened import Unopened
from statebag.opening.known import packs_of
from statebag.sealing.parts import Branch, Cut, Gathered, Group, Kept, Single
from statebag.sealing.pieces import Grown

if TYPE_CHECKING:
    from statebag.sealing.parts import Member, Part

__all__ = ["relied_on"]


def relied_on(part: Part) -> set[str]:
    """The names of the packs, for a plan that was laid out."""
    packs: set[str] = set()
    _collect(part, packs)
    packs.discard(THIS_PACK)
    return packs


def _collect(part: Part, packs: set[str]) -> None:
    if isinstance(part, Single):
        if part.blob is not None:
            packs.add(part.blob.at)
        elif part.base is not None:
            packs |= part.relies_on
    elif isinstance(part, Kept):
        packs |= part.relies_on
    elif isinstance(part, Cut):
        packs |= part.relies_on | (_of_cut(part) - _came_unopened(part.source))
    elif isinstance(part, Branch | Gathered):
        if isinstance(part, Gathered):
            _collect(part.whole, packs)
        for child in part.children.values():
            _collect(child, packs)


def _of_cut(part: Cut) -> set[str]:
    packs = {entry.blob.at for entry in part.entries}
    pending: list[Member] = list(part.top)
    while pending:
        member = pending.pop()
        if isinstance(member, Group):
            pending.extend(member.members)
        elif member.blob is not None:
            packs.add(member.blob.at)
    if isinstance(part.tail, Single):
        _collect(part.tail, packs)
    elif part.tail is not None:
        packs.add(part.tail.blob.at)
    return packs


def _came_unopened(source: object) -> set[str]:
    unopened = source.before if isinstance(source, Grown) else source
    if not isinstance(unopened, Unopened):
        return set()
    stub = unopened.stub.whole if isinstance(unopened.stub, Rest) else unopened.stub
    return set() if isinstance(stub, Escaped) else packs_of(stub)
