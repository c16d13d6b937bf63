"""Keep a state on few packs: a new pack takes the blobs of the smallest ones along.

Otherwise a state of many fields, each changed by another step, would need one request for each
field. This reads nothing: only blobs whose text is at hand can move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.sealing.parts import changed, what_leaves

if TYPE_CHECKING:
    from statebag.sealing.parts import Part
    from statebag.sealing.plan import Planner

__all__ = ["compact"]

# Compressed bytes that may always move with a pack, and the share of the new bytes that may move
# with more. Chosen: the bytes of a step then stay under twice the change (goal 2 in
# docs/performance.md, and max_packs in docs/performance/choices.md); other values were not swept.
_LEAST_MOVED = 14 * 1024
_SHARE_MOVED = 0.4  # chosen: as above


def compact(root: Part, planner: Planner) -> Part:
    """Return the plan, with blobs of the smallest packs to be written again if packs are many.

    Args:
        root: A plan that fits.
        planner: For the policy's `max_packs` and for the forms of values.
    """
    parts = what_leaves(root)
    new_bytes = sum([part.new_bytes for part in parts])
    if not new_bytes:
        return root  # no pack is written
    fixed = set[str]().union(*[part.fixed() for part in parts])
    held: dict[str, int] = {}  # bytes of the blobs that can move, by pack
    for part in parts:
        for name, length in part.movable():
            if name not in fixed:
                held[name] = held.get(name, 0) + length
    packs = len(held) + len(fixed) + 1
    most = planner.policy.max_packs
    if len(fixed) >= most and packs <= 2 * most:
        return root  # what cannot move is spread over so many that moving the rest gains little
    allowance = max(_LEAST_MOVED, int(new_bytes * _SHARE_MOVED))
    moving: set[str] = set()
    for name in sorted(held, key=lambda name: held[name]):
        allowance -= held[name]
        if packs <= most or allowance < 0:
            break
        moving.add(name)
        packs -= 1
    if not moving:
        return root
    scope, level = planner.scope, planner.policy.compression_level
    return changed(root, {part.path: part.moved(moving, scope, level) for part in parts})
