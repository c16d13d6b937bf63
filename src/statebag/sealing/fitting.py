"""The second half of planning: make a plan fit the bound and the carried bytes their limit.

What leaves beyond the fields that are large by themselves is chosen here: the largest first,
never a control field, and only where the bag gets smaller by it.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import BagTooLarge
from statebag.format import json_text
from statebag.format.codec import decompress
from statebag.format.paths import render_path
from statebag.format.stub import Carried, Pieces
from statebag.format.unopened import Unopened
from statebag.sealing.grouping import MOST_IN_STUB, fold
from statebag.sealing.parts import Branch, Cut, Gathered, Kept, Member, Part, Plain, Single
from statebag.sealing.pieces import Grown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.stub import Stored
    from statebag.sealing.plan import Planner

__all__ = ["fit"]

_LEAST_LEAVING = 1024  # bytes in the bag; below it a stub of its own gains too little
_LEAST_STUB = 250  # bytes of the shortest stub
_NAMED_AT_MOST = 5


class _Slot(msgspec.Struct):
    """A place in a plan that a part stands in."""

    children: dict[Any, Part]
    key: Any

    @property
    def part(self) -> Part:
        return self.children[self.key]

    def put(self, part: Part) -> int:
        """Replace the part; how many bytes of the bag that frees."""
        before = self.children[self.key].wire
        self.children[self.key] = part
        return before - part.wire


def fit(root: Part, planner: Planner, bound: int) -> Part:
    """A plan whose bag is not larger than `bound`, from one that may be.

    Raises:
        BagTooLarge: Control fields alone are larger; it names them.
        NeedsOpened: Values that were not opened must leave inside others.
    """
    top: dict[Any, Part] = {"": root}
    if planner.policy.strict:
        _unnamed_leave(top, planner)
    _settle_unread(top, planner)
    _flush(top, planner)
    steps = (
        _plain_is_measured,
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
        _indexes_fold,  # of what was just stored in pieces
    )
    for shrink in steps:
        if top[""].wire <= bound:
            break
        shrink(top, planner, bound)
        _settle_unread(top, planner)
        _flush(top, planner)
    whole = top[""]
    if whole.wire > bound and isinstance(whole, Gathered) and not whole.children:
        top[""] = whole.whole  # a rest takes some bytes more
    if top[""].wire > bound:
        raise _too_large(top, bound)
    return top[""]


def _slots(children: dict[Any, Part]) -> Iterator[_Slot]:
    """All places, outermost first, in the order of their paths."""
    for key, part in children.items():
        yield _Slot(children, key)
        if isinstance(part, Branch | Gathered):
            yield from _slots(part.children)


def _leaving(children: dict[Any, Part], found: list[_Slot] | None = None) -> list[_Slot]:
    """The same without plain values, of which a wide object has thousands."""
    found = [] if found is None else found
    for key, part in children.items():
        if type(part) is Plain:
            continue
        found.append(_Slot(children, key))
        if isinstance(part, Branch | Gathered):
            _leaving(part.children, found)
    return found


def _unnamed_leave(top: dict[Any, Part], planner: Planner) -> None:
    """Whatever no control path names leaves, however small: the least that an engine may rely on.

    Each object above a control path becomes one stub with nothing but what is named beside it,
    as it would stand in the bag of a state that is very large.
    """
    for slot in reversed(list(_slots(top))):
        part = slot.part
        if part.path in planner.movable and not planner.is_above_control(part.path):
            if isinstance(part, Plain | Branch | Gathered):
                slot.put(planner.leave_whole(part.source, part.path))
        elif isinstance(part, Branch | Gathered) and planner.is_above_control(part.path):
            members = part.source.items() if isinstance(part.source, dict) else [(0, None)]
            if not all(planner.is_named((*part.path, key), one) for key, one in members):
                slot.put(planner.gather(part, all_inside=True))
        elif part.path or (isinstance(part, Plain) and part.source in ({}, [])):
            continue
        elif isinstance(part.source, dict) and isinstance(part, Plain) and not part.is_escaped:
            slot.put(planner.gather(Branch((), part.source, {}), all_inside=True))
        else:
            slot.put(planner.leave_whole(part.source, ()))


def _settle_unread(top: dict[Any, Part], planner: Planner) -> None:
    """Carried bytes of values that were not opened become parts that can be stored."""
    for slot in _leaving(top):
        part = slot.part
        if isinstance(part, Kept) and _travels(part.stub):
            slot.put(_unread(part, planner))


def _travels(stub: object) -> bool:
    return isinstance(stub, Carried) or (
        isinstance(stub, Pieces) and isinstance(stub.tail, Carried)
    )


def _unread(part: Kept, planner: Planner) -> Single | Cut:
    stub = part.stub
    if isinstance(stub, Carried):
        return _single(part, stub, planner)
    assert isinstance(stub, Pieces)
    assert isinstance(stub.tail, Carried)
    tail = _single(part, stub.tail, planner)
    return _cut_again(part, stub, tail, planner)


def _cut_again(part: Kept, stub: Pieces, tail: Single | Stored | None, planner: Planner) -> Cut:
    """A cut value that was not read, as a part of which the tail and the index may change."""
    members: list[Member] = list(stub.entries)
    whole = Cut(
        part.path, part.source, stub.kind, stub.count, stub.size, members, tail, planner.scope, fold
    )
    whole.members = members
    whole.inherited = stub.reads
    whole.relies_on = part.relies_on
    return whole


def _single(part: Kept, stub: Carried, planner: Planner) -> Single:
    text = decompress(stub.frame, size=stub.size, sha256=stub.sha256, where=None)
    level = planner.policy.compression_level
    single = Single(part.path, part.source, text, planner.scope, level, stub.kind, stub.count)
    single.take_frame(stub)
    return single


def _carried(top: dict[Any, Part]) -> list[Single]:
    """What would travel in the bag, in the order of the paths."""
    found: list[Single] = []
    for slot in _leaving(top):
        part: Part = slot.part.whole if isinstance(slot.part, Gathered) else slot.part
        one = part.tail if isinstance(part, Cut) else part
        if isinstance(one, Single) and one.carried_bytes:
            found.append(one)
    return found


def _flush(top: dict[Any, Part], planner: Planner) -> None:
    """Over the limit, the largest carried values are stored until a quarter of it is left."""
    limit = planner.policy.carry_bytes
    carried = _carried(top)
    total = sum(one.carried_bytes for one in carried)
    if total > limit:
        for one in sorted(carried, key=lambda one: one.carried_bytes, reverse=True):
            if total <= limit // 4:
                break
            total -= one.carried_bytes
            one.stored = True
    _store_in_pieces(top, planner)


def _store_in_pieces(top: dict[Any, Part], planner: Planner) -> None:
    """What was to be carried and is to be stored instead is stored in pieces, where it is large."""
    for slot in _leaving(top):
        part = slot.part
        one = part.whole if isinstance(part, Gathered) else part
        if isinstance(one, Cut) and isinstance(one.tail, Single) and one.tail.stored:
            one.part_from_newest()
        if not isinstance(one, Single) or not one.stored or one.blob is not None:
            continue
        if one.base is None and (one.kind is None or one.size <= planner.policy.piece_bytes):
            continue
        one.base = None
        anew = planner.in_pieces(one, carried=False)
        tail = anew.tail if isinstance(anew, Cut) else anew
        if isinstance(tail, Single) and tail.blob is None:
            tail.stored = True
        if isinstance(part, Gathered):
            part.whole = anew
        else:
            slot.put(anew)


def _plain_is_measured(top: dict[Any, Part], planner: Planner, bound: int) -> None:
    """Near the bound an estimate is not enough: what fits stays."""
    del planner, bound
    for slot in _slots(top):
        part = slot.part
        if isinstance(part, Plain) and part.estimated:
            part.wire, part.estimated = json_text.wire_size(part.value), False


def _largest_leave(top: dict[Any, Part], planner: Planner, bound: int) -> None:
    """Plain fields leave and carried ones are stored, the largest first, until all fits."""
    excess = top[""].wire - bound
    heap: list[tuple[int, int, _Slot | Single]] = []
    for number, slot in enumerate(_slots(top)):
        part = slot.part
        if isinstance(part, Plain) and not part.control and part.wire >= _LEAST_LEAVING:
            heap.append((-part.wire, number, slot))
    carrying = [one for one in _carried(top) if one.carried_bytes > _LEAST_STUB]
    freed = sum(one.carried_bytes for one in carrying)
    if excess - freed + sum(_LEAST_STUB + size for size, _, _ in heap) > 0:
        # A stub for each would not fit either: they leave together. What is carried is stored
        # first, for what was not opened would have to be read to leave with them.
        for large in carrying:
            large.stored = True
        return
    heap.extend((-one.carried_bytes, -1 - n, one) for n, one in enumerate(_carried(top)))
    heapify(heap)
    carried = sum(one.carried_bytes for one in _carried(top))
    serial = len(heap)
    while heap and excess > 0:
        size, _, candidate = heappop(heap)
        if isinstance(candidate, Single):
            before = candidate.wire
            candidate.stored = True
            excess -= before - candidate.wire
            carried += size
            continue
        plain = candidate.part
        assert isinstance(plain, Plain)
        leaving = planner.leave_whole(plain.source, plain.path)
        one = leaving.tail if isinstance(leaving, Cut) else leaving
        if isinstance(one, Single) and one.carried_bytes:
            if carried + one.carried_bytes > planner.policy.carry_bytes:
                one.stored = True
            else:
                carried += one.carried_bytes
                serial += 1
                heappush(heap, (-one.carried_bytes, serial, one))
        if leaving.wire >= plain.wire and isinstance(one, Single):
            one.stored = True  # what hardly compresses takes more as text of the bag than it did
        if leaving.wire < plain.wire:
            excess -= candidate.put(leaving)


def _branches_gather(top: dict[Any, Part], planner: Planner, bound: int) -> None:
    """Objects and arrays below the root leave with all their small fields, the innermost first."""
    excess = top[""].wire - bound
    for slot in _branches_below_root(top):
        if excess <= 0:
            return
        branch = slot.part
        assert isinstance(branch, Branch | Gathered)
        if (
            isinstance(branch, Gathered)
            or isinstance(branch.source, list)
            or all(isinstance(child, Plain) and child.control for child in branch.children.values())
        ):
            continue  # an array of unopened values would have to be read; not yet
        gathered = planner.gather(branch)
        if branch.wire - gathered.wire < excess:
            _is_stored(gathered)  # carried, it would not help enough
        if gathered.wire < branch.wire:
            excess -= slot.put(gathered)


def _branches_go_inside(top: dict[Any, Part], planner: Planner, bound: int) -> None:
    """Objects below the root leave as wholes, with what had left them: many stubs are large too.

    One that holds values which were not opened stays: they would have to be read first.
    """
    excess = top[""].wire - bound
    for slot in _branches_below_root(top):
        if excess <= 0:
            return
        branch = slot.part
        assert isinstance(branch, Branch | Gathered)
        if isinstance(branch.source, list) or _holds_unread(branch):
            continue
        whole = planner.gather(branch, all_inside=True)
        if branch.wire - whole.wire < excess:
            _is_stored(whole)
        if whole.wire < branch.wire:
            excess -= slot.put(whole)


def _branches_below_root(top: dict[Any, Part]) -> list[_Slot]:
    """Containers that are still apart, the innermost first, and the larger of one level first."""
    slots = [
        slot
        for slot in _leaving(top)
        if isinstance(slot.part, Branch | Gathered) and slot.part.path
    ]
    return sorted(slots, key=lambda slot: (-len(slot.part.path), -slot.part.wire))


def _holds_unread(part: Part) -> bool:
    if isinstance(part, Branch | Gathered):
        return any(map(_holds_unread, part.children.values()))
    return isinstance(part.source, Unopened | Grown)


def _carried_are_stored(top: dict[Any, Part], planner: Planner, bound: int) -> None:
    """What travels in the bag is stored, the largest first; also what only just left."""
    del planner
    excess = top[""].wire - bound
    for one in sorted(_carried(top), key=lambda one: one.carried_bytes, reverse=True):
        if excess <= 0:
            return
        before = one.wire
        one.stored = True
        excess -= before - one.wire


def _indexes_fold(top: dict[Any, Part], planner: Planner, bound: int) -> None:
    """Stubs of cut values list one node instead of several pieces, and store their tails."""
    excess = top[""].wire - bound
    for slot in _leaving(top):
        if excess <= 0:
            return
        part = slot.part
        before = part.wire
        one = part.whole if isinstance(part, Gathered) else part
        if isinstance(one, Kept) and isinstance(one.stub, Pieces):
            tail = one.stub.tail
            one = (
                _unread(one, planner)
                if isinstance(tail, Carried)
                else _cut_again(one, one.stub, tail, planner)
            )
        if isinstance(one, Cut):
            one.part_from_newest()
            if isinstance(one.tail, Single):
                one.tail.stored = True
            members = fold(one.top, most=1)
            if len(members) < len(one.top) <= MOST_IN_STUB * 4:
                one.top = members
            if isinstance(part, Gathered):
                part.whole = one
            else:
                slot.put(one)
            excess -= before - slot.part.wire


def _root_gathers(top: dict[Any, Part], planner: Planner, bound: int) -> None:
    """The root's small fields leave as one value; control and large fields stand beside it."""
    root = top[""]
    if isinstance(root, Branch):
        _replace_if_smaller(top, planner.gather(root), bound)


def _all_inside(top: dict[Any, Part], planner: Planner, bound: int) -> None:
    """The whole state leaves as one value; only control fields stand beside it."""
    root = top[""]
    if isinstance(root, Branch | Gathered):
        _replace_if_smaller(top, planner.gather(root, all_inside=True), bound)


def _is_stored(part: Part) -> None:
    """What has just left is stored, where it was to be carried."""
    whole = part.whole if isinstance(part, Gathered) else part
    tail = whole.tail if isinstance(whole, Cut) else whole
    if isinstance(tail, Single):
        tail.stored = True


def _replace_if_smaller(top: dict[Any, Part], part: Part, bound: int) -> None:
    if part.wire > bound:
        _is_stored(part)
    if part.wire < top[""].wire:
        top[""] = part


def _too_large(top: dict[Any, Part], bound: int) -> BagTooLarge:
    sizes = sorted(
        (
            (slot.part.wire, render_path(slot.part.path))
            for slot in _slots(top)
            if not isinstance(slot.part, Branch | Gathered)
        ),
        reverse=True,
    )
    named = ", ".join(f"{path} ({size} bytes)" for size, path in sizes[:_NAMED_AT_MOST])
    return BagTooLarge(
        f"what must stay in the bag takes {top[''].wire} bytes and the bound is {bound};"
        f" the largest: {named}",
        path=sizes[0][1] if sizes else "$",
        hint="Make these fields smaller, take them out of Policy.control, or raise the bound.",
    )
