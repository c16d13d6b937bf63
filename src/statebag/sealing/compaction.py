"""Keeping a state on few packs: a pack that is written anyway takes the smallest ones along.

Without it a state of many fields, each changed at another step, would need one request for
each field. Nothing is read for it: only blobs whose text is at hand can move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.format import json_text
from statebag.format.stub import Rest, Stored
from statebag.format.unopened import Unopened
from statebag.opening.known import packs_of
from statebag.sealing.parts import Branch, Cut, Gathered, Group, Kept, Piece, Single

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.stub import Entry
    from statebag.sealing.parts import Part
    from statebag.sealing.plan import Planner

__all__ = ["compact"]

_LEAST_MOVED = 14 * 1024  # compressed bytes that may always move along with a pack
_SHARE_MOVED = 0.4  # of the new bytes: what may move along with many


def compact(root: Part, planner: Planner) -> Part:
    """The plan, with blobs of the smallest packs to be written anew where there are too many.

    Args:
        root: A plan that fits.
        planner: For the policy's `max_packs` and for the forms of values.
    """
    new_bytes = sum(_new_bytes(part) for part in _parts(root))
    if not new_bytes:
        return root  # no pack is written
    top: dict[object, Part] = {"": root}
    _unchanged_become_single(top, planner)
    movable: dict[str, list[Single | Piece]] = {}
    fixed: set[str] = set()
    for part in _parts(top[""]):
        _sort_out(part, movable, fixed)
    for name in fixed:
        movable.pop(name, None)
    packs = len(movable) + len(fixed) + 1
    most = planner.policy.max_packs
    if len(fixed) >= most and packs <= 2 * most:
        return root  # what cannot move is spread over so many that moving the rest gains little
    allowance = max(_LEAST_MOVED, int(new_bytes * _SHARE_MOVED))
    for blobs in sorted(movable.values(), key=_held_bytes):
        allowance -= _held_bytes(blobs)
        if packs <= planner.policy.max_packs or allowance < 0:
            break
        for one in blobs:
            one.blob = None
            if isinstance(one, Single):
                one.stored = True
        packs -= 1
    return top[""]


def _parts(part: Part) -> Iterator[Part]:
    yield part
    if isinstance(part, Gathered):
        yield from _parts(part.whole)
    if isinstance(part, Branch | Gathered):
        for child in part.children.values():
            yield from _parts(child)


def _members(part: Cut) -> Iterator[Piece | Entry]:
    pending = list(reversed(part.top))
    while pending:
        member = pending.pop()
        if isinstance(member, Group):
            pending.extend(reversed(member.members))
        else:
            yield member


def _new_bytes(part: Part) -> int:
    if isinstance(part, Single):
        return len(part.frame) if part.stored and part.blob is None else 0
    if isinstance(part, Cut):
        # A piece is compressed when it is laid out; a third is what agent states come to.
        new = sum(m.size // 3 for m in _members(part) if isinstance(m, Piece) and m.blob is None)
        return new + (_new_bytes(part.tail) if isinstance(part.tail, Single) else 0)
    return 0


def _unchanged_become_single(slots: dict[object, Part], planner: Planner) -> None:
    """A value that is stored, unchanged and at hand can be stored again elsewhere."""
    for key, part in list(slots.items()):
        if isinstance(part, Branch | Gathered):
            _unchanged_become_single(part.children, planner)
        elif isinstance(part, Kept) and isinstance(part.stub, Stored) and not is_unread(part):
            stub = part.stub
            slots[key] = Single(
                part.path,
                part.source,
                json_text.encode(part.source),
                planner.scope,
                planner.policy.compression_level,
                stub.kind,
                stub.count,
                blob=stub.blob,
            )


def is_unread(part: Kept) -> bool:
    """Whether a part passes through without its value having been read."""
    return isinstance(part.source, Unopened)


def _sort_out(part: Part, movable: dict[str, list[Single | Piece]], fixed: set[str]) -> None:
    if isinstance(part, Single) and part.base is not None:
        fixed.update(packs_of(part.base))
    elif isinstance(part, Single) and part.blob is not None:
        movable.setdefault(part.blob.at, []).append(part)
    elif isinstance(part, Cut):
        for member in _members(part):
            if not isinstance(member, Piece):
                fixed.add(member.blob.at)
            elif member.blob is not None:
                movable.setdefault(member.blob.at, []).append(member)
        if isinstance(part.tail, Single):
            _sort_out(part.tail, movable, fixed)
        elif part.tail is not None:
            fixed.add(part.tail.blob.at)
    elif isinstance(part, Kept):
        stub = part.stub.whole if isinstance(part.stub, Rest) else part.stub
        fixed.update(packs_of(stub))


def _held_bytes(blobs: list[Single | Piece]) -> int:
    return sum(one.blob.length for one in blobs if one.blob is not None)
