"""The second half of planning: fit a plan under the bound and the limit of inline bytes.

This module chooses which further fields leave: the largest first, never a control field, and only
if the bag gets smaller.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from statebag.errors import BagTooLarge
from statebag.format.paths import render_path
from statebag.sealing.overlays import in_layers
from statebag.sealing.parts import Branch, changed, mapped, part_at, walk, what_leaves

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.format.paths import Path
    from statebag.sealing.leaving import Leaving, Single
    from statebag.sealing.parts import Part
    from statebag.sealing.plan import Planner

__all__ = ["fit"]

_LEAST_LEAVING = 1024  # bytes in the bag. Chosen: four stubs; a smaller field gains too little
# Bytes of a stub. Measured: 259 for the name of an execution that is two UUIDs.
_LEAST_STUB = 250
# A part of `max_open_bytes` that is for index nodes. Chosen: of chunks of 1 KB, an eighth is enough
_PART_FOR_INDEXES = 8
_MANY = 16  # plain fields. Chosen: of fewer, the largest few leave alone
_NAMED_AT_MOST = 5  # fields in a message. Chosen: the largest few explain it


def fit(root: Part, planner: Planner, bound: int) -> Part:
    """Return a plan whose bag has at most `bound` bytes.

    Raises:
        BagTooLarge: The control fields alone are larger; the message names them.
        NeedsOpened: Values that were not opened must leave inside others.
    """
    if planner.policy.strict:
        root = mapped(root, lambda part: _without_unnamed(part, planner))
    root = _flushed(root, planner)
    steps = (
        _plain_is_measured,
        _many_leave_together,
        _largest_leave,
        _branches_gather,
        _carried_are_stored,
        _indexes_fold,
        _branches_go_inside,
        _carried_are_stored,
        _root_gathers,
        _carried_are_stored,
        _all_inside,
        _carried_are_stored,
        _indexes_fold,  # of what was just stored in chunks; what is over layers leaves these
        _indexes_fold,
        _indexes_fold,  # and what is in shreds is stored in one blob
    )
    if root.wire <= bound:
        return root
    for shrunk in steps:
        root = _flushed(shrunk(root, planner, bound), planner)
        if root.wire <= bound:
            return root
    if root.whole is not None and not root.children:
        root = root.whole  # a rest takes some bytes more
        if root.wire <= bound:
            return root
    raise _too_large(root, bound)


def _carried(root: Part) -> list[tuple[Part, Single]]:
    """Return each part that has inline bytes, with the blob that they are."""
    return [(part, one) for part in what_leaves(root) if (one := part.carried) is not None]


def _without_unnamed(part: Part, planner: Planner) -> Part:
    """Offload everything that no control path names, however small, as a strict seal does.

    Each object above a control path becomes one stub, with only the named fields next to it, as in
    the bag of a very large state.
    """
    source, path = part.source, part.path
    if path in planner.movable and not planner.is_above_control(path):
        return part if part.has_left else planner.leave_whole(source, path)
    if part.is_container and planner.is_above_control(path):
        members = source.items() if isinstance(source, dict) else [(0, None)]
        if all(planner.is_named((*path, key), one) for key, one in members):
            return part
        return planner.gather(part, all_inside=True)
    if path or (part.is_plain and source in ({}, [])):
        return part
    if isinstance(source, dict) and part.is_plain and not part.is_escaped:
        return planner.gather(Branch((), source, {}), all_inside=True)
    return planner.leave_whole(source, ())


def _flushed(root: Part, planner: Planner) -> Part:
    """Store the largest inline values until a quarter of the limit is left, if they pass it."""
    leaving = what_leaves(root)
    if not leaving:
        return root
    scope, level = planner.scope, planner.policy.compression_level
    root = _replaced(root, leaving, lambda part: part.settled(scope, level))
    limit = planner.policy.carry_bytes
    carried = _carried(root)
    total = sum([one.carried_bytes for _, one in carried])
    if total > limit:
        stored: dict[Path, Part] = {}
        for part, one in sorted(carried, key=lambda pair: pair[1].carried_bytes, reverse=True):
            if total <= limit // 4:
                break
            total -= one.carried_bytes
            stored[part.path] = part.storing()
        root = changed(root, stored)

    def in_pieces(single: Single) -> Leaving:
        whole = planner.forms.in_pieces(single.alone(), carried=False).storing()
        return in_layers(single, whole, planner.policy, planner.forms.bases) or whole

    size = planner.policy.piece_bytes
    leaving = what_leaves(root)
    return _openable(
        _replaced(root, leaving, lambda part: part.stored_in_pieces(in_pieces, size)), planner
    )


def _openable(root: Part, planner: Planner) -> Part:
    """End the deltas that take most, if an open of the bag would count more than the policy allows.

    With its delta, a value counts twice to five times. A bag whose values alone are too many for
    one open is left as it is.
    """
    parts, policy = what_leaves(root), planner.policy
    most = policy.max_open_bytes
    excess = sum([part.opened_bytes for part in parts]) - (most - most // _PART_FOR_INDEXES)
    if excess <= 0:
        return root
    ended = [(part, part.ended()) for part in parts]
    if sum([other.opened_bytes for _, other in ended]) > most:
        return root

    def in_pieces(single: Single) -> Leaving:
        return planner.forms.in_pieces(single.alone(), carried=False).storing()

    changes: dict[Path, Part] = {}
    gained = [(part.opened_bytes - other.opened_bytes, part.path, other) for part, other in ended]
    for gain, path, one in sorted(gained, key=lambda item: item[0], reverse=True):
        if excess <= 0 or gain <= 0:
            break
        cut = one.stored_in_pieces(in_pieces, policy.piece_bytes)
        # Shreds have a delta too.
        changes[path] = cut if cut.opened_bytes <= one.opened_bytes else one
        excess -= gain
    return changed(root, changes)


def _replaced(root: Part, parts: list[Part], change: Callable[[Part], Part]) -> Part:
    found = [(part, change(part)) for part in parts]
    return changed(root, {part.path: other for part, other in found if other is not part})


def _plain_is_measured(root: Part, planner: Planner, bound: int) -> Part:
    """Measure plain parts exactly: near the bound, an estimate would offload what fits."""
    del planner, bound
    return changed(root, {part.path: part.measured() for part in walk(root) if part.estimated})


def _many_leave_together(root: Part, planner: Planner, bound: int) -> Part:
    """Gather the plain fields of the root if they are many and take half of the bag.

    Otherwise each edit would become a separate blob. Together they are one value, and edits of any
    of them share one delta.
    """
    if not root.is_container or root.whole is not None or isinstance(root.source, list):
        return root
    plain = [part.wire for part in root.children.values() if part.is_plain and not part.control]
    if len(plain) < _MANY or 2 * sum(plain) < bound:
        return root
    return _smaller(root, planner.gather(root), planner, bound)


def _largest_leave(root: Part, planner: Planner, bound: int) -> Part:
    """Offload plain fields and store inline ones, the largest first, until the bag fits."""
    excess = root.wire - bound
    changes: dict[Path, Part] = {}
    carried = _carried(root)
    # By size, then by number; with the part that stands there, and what of it is carried.
    heap: list[tuple[int, int, Part, Single | None]] = [
        (-part.wire, number, part, None)
        for number, part in enumerate(walk(root))
        if part.is_plain and not part.control and part.wire >= _LEAST_LEAVING
    ]
    large = [(part, size) for part, one in carried if (size := one.carried_bytes) > _LEAST_STUB]
    freed = sum([size for _, size in large])
    if excess - freed + sum([_LEAST_STUB + item[0] for item in heap]) > 0:
        # A stub for each would not fit either: they leave together. What is carried is stored
        # first, for what was not opened would have to be read to leave with them.
        return changed(root, {part.path: part.storing() for part, _ in large})
    heap.extend((-one.carried_bytes, -1 - n, part, one) for n, (part, one) in enumerate(carried))
    heapify(heap)
    in_bag = sum([one.carried_bytes for _, one in carried])
    serial = len(heap)
    while heap and excess > 0:
        size, _, part, one = heappop(heap)
        if not part.is_plain:
            if one is not None:
                excess -= one.wire - one.storing().wire
            in_bag += size
            if part.path in changes or not part_at(root, part.path).is_plain:
                changes[part.path] = changes.get(part.path, part).storing()
            continue
        leaving = planner.leave_whole(part.source, part.path)
        one = leaving.carried
        takes = 0 if one is None else one.carried_bytes
        fits = in_bag + takes <= planner.policy.carry_bytes
        if takes and not fits:
            leaving = leaving.storing()
        if leaving.wire >= part.wire:
            leaving = leaving.storing()  # what hardly compresses takes more as text than it did
        if takes and fits:
            in_bag += takes
            serial += 1
            heappush(heap, (-takes, serial, leaving, leaving.carried))
        if leaving.wire < part.wire:
            excess -= part.wire - leaving.wire
            changes[part.path] = leaving
    return changed(root, changes)


def _branches_gather(root: Part, planner: Planner, bound: int) -> Part:
    """Offload containers below the root with all their small fields, the innermost first."""

    def gathered(branch: Part) -> Part | None:
        small = not all(child.control for child in branch.children.values())
        return planner.gather(branch) if branch.whole is None and small else None

    return _innermost_first(root, planner, bound, gathered)


def _branches_go_inside(root: Part, planner: Planner, bound: int) -> Part:
    """Offload objects below the root as a whole, stubs included: many stubs are large, too.

    An object with unopened values stays: they would have to be read first.
    """

    def inside(branch: Part) -> Part | None:
        unread = any(part.is_unread for part in walk(branch) if not part.is_container)
        return None if unread else planner.gather(branch, all_inside=True)

    return _innermost_first(root, planner, bound, inside)


def _innermost_first(
    root: Part, planner: Planner, bound: int, gather: Callable[[Part], Part | None]
) -> Part:
    """Gather objects below the root until the bag fits, if that makes them smaller.

    The innermost come first; within one level, the larger ones. Arrays stay: their unopened items
    would have to be read first.

    Args:
        root: The tree.
        planner: Plans the seal.
        bound: Bytes that the bag may take.
        gather: Returns the gathered form of an object, whose members were gathered before; or None.
    """
    excess = root.wire - bound
    objects = [part for part in walk(root) if part.is_container and part.path]
    objects = [part for part in objects if not isinstance(part.source, list)]
    objects.sort(key=lambda part: (-len(part.path), -part.wire))
    changes: dict[Path, Part] = {}
    depth = 0
    for part in objects:
        if excess <= 0:
            break
        if len(part.path) != depth:  # those of one level are not inside one another
            root, changes, depth = changed(root, changes), {}, len(part.path)
        branch = part_at(root, part.path)
        gathered = gather(branch)
        if gathered is None:
            continue
        if branch.wire - gathered.wire < excess:
            gathered = gathered.storing()  # inline, it might not help enough
        if branch.wire - gathered.wire < excess:
            gathered = gathered.folded(planner.scope, planner.policy.compression_level)
        if gathered.wire < branch.wire:
            excess -= branch.wire - gathered.wire
            changes[part.path] = gathered
    return changed(root, changes)


def _carried_are_stored(root: Part, planner: Planner, bound: int) -> Part:
    """Store inline values, the largest first, until the bag fits."""
    del planner
    excess = root.wire - bound
    changes: dict[Path, Part] = {}
    largest = sorted(_carried(root), key=lambda pair: pair[1].carried_bytes, reverse=True)
    for part, one in largest:
        if excess <= 0:
            break
        changes[part.path] = part.storing()
        excess -= one.wire - one.storing().wire
    return changed(root, changes)


def _indexes_fold(root: Part, planner: Planner, bound: int) -> Part:
    """Let stubs of cut values list one node instead of several chunks, and store their tails."""
    excess = root.wire - bound
    changes: dict[Path, Part] = {}
    scope, level = planner.scope, planner.policy.compression_level
    for part in what_leaves(root):
        if excess <= 0:
            break
        folded = part.folded(scope, level)
        if folded is not part:
            excess -= part.wire - folded.wire
            changes[part.path] = folded
    return changed(root, changes)


def _root_gathers(root: Part, planner: Planner, bound: int) -> Part:
    """Offload the small fields of the root as one value, next to control and large fields."""
    if not root.is_container or root.whole is not None:
        return root
    return _smaller(root, planner.gather(root), planner, bound)


def _all_inside(root: Part, planner: Planner, bound: int) -> Part:
    """Offload the whole state as one value, with only control fields next to it."""
    if not root.is_container:
        return root
    return _smaller(root, planner.gather(root, all_inside=True), planner, bound)


def _smaller(root: Part, part: Part, planner: Planner, bound: int) -> Part:
    if part.wire > bound:
        part = part.storing()
    if part.wire > bound:
        part = part.folded(planner.scope, planner.policy.compression_level)
    return part if part.wire < root.wire else root


def _too_large(root: Part, bound: int) -> BagTooLarge:
    sizes = sorted(
        [(part.wire, render_path(part.path)) for part in walk(root) if not part.is_container],
        reverse=True,
    )
    named = ", ".join(f"{path} ({size} bytes)" for size, path in sizes[:_NAMED_AT_MOST])
    return BagTooLarge(
        f"the fields that cannot be offloaded take {root.wire} bytes; the limit is {bound};"
        f" the largest: {named}",
        path=sizes[0][1] if sizes else "$",
        hint="Make these fields smaller, take them out of Policy.control, or raise the bound.",
    )
