"""Join values that exclude each other, and merge those that come together.

Where two ways meet, a value may be either of two. Parts that are the same in both stay as they are.
All parts that differ become parts of one source, which is as large as the larger of the two.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.lint.shape import BoundedText, Members, Shape, holds_bags, own_bytes, size
from statebag.lint.sources import (
    ANY,
    COMPUTED,
    REST,
    Source,
    SourcePart,
    is_special,
    times_of,
    unbounded,
    united,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statebag.lint.sources import Step

__all__ = ["each_of", "either", "joined", "merged"]

# Levels of an object that are kept separate. Chosen: few definitions name deeper paths.
_DEEPEST = 12
_SAME = Members()


def joined(one: Shape | None, other: Shape, where: str, *, widen: int) -> Shape:
    """Return one value for either of two: as large as the larger one, and in a bag if one may be.

    Args:
        one: None if there is only the other.
        other: A value.
        where: A name for the parts that are no longer known.
        widen: Whether to count parts that differ as large as the limit, so that loops end: 1 if
            they still grow, 2 in any case.
    """
    if one is None or one == other:
        return other
    ours, theirs = _differing(one, other, 0)
    before, after = _content(ours), _content(theirs)
    grows = widen > 1 or (widen == 1 and after > before)
    bound = PAYLOAD_LIMIT if grows else min(max(before, after), PAYLOAD_LIMIT)
    return _either(one, other, Source(where, bound), ())


def _content(shape: Members) -> int:
    """Return the bytes without keys and brackets: these stay in place, or a loop would grow."""
    pending: list[Shape] = [shape]
    texts = 0
    paths: dict[Source, list[tuple[Step, ...]]] = {}
    while pending:
        one = pending.pop()
        if isinstance(one, BoundedText):
            texts += one.bytes
        elif isinstance(one, Members):
            pending.extend(one.known.values())
        else:
            paths.setdefault(one.source, []).append(one.path)
    return texts + sum(source.bound * times_of(found) for source, found in paths.items())


def _aligned(one: Shape, other: Shape) -> tuple[Shape, Shape]:
    """Return both in one form, if one is an object with known members and the other is not."""
    return _as_object(one, other), _as_object(other, one)


def _as_object(shape: Shape, other: Shape) -> Shape:
    if not isinstance(other, Members):
        return shape
    known = other.known
    if not isinstance(shape, SourcePart):
        if not other.holds_bags or COMPUTED in known:
            return shape
        # A literal and a computed value have no separate members.
        apart = isinstance(shape, Members) and COMPUTED not in shape.known
        return shape if apart else Members({REST: SourcePart(Source("", size(shape)))})
    # Values in bags are followed through both forms; the rest only if it is the same value.
    if known.get(REST) == shape or (_has_only_names(known) and other.holds_bags):
        return Members({REST: shape})
    return shape


def _has_only_names(members: Mapping[Step, Shape]) -> bool:
    return not members.keys() & {COMPUTED, ANY} and all(isinstance(key, str) for key in members)


def _differing(one: Shape, other: Shape, depth: int) -> tuple[Members, Members]:
    """Return the parts of each that are not the same in both."""
    one, other = _aligned(one, other)
    if not (isinstance(one, Members) and isinstance(other, Members) and depth < _DEEPEST):
        return Members({0: one}), Members({0: other})
    ours, theirs = one.known, other.known
    left: dict[Step, Shape] = {}
    right: dict[Step, Shape] = {}
    for key, mine in ours.items():
        his = theirs.get(key)
        if his is None:
            left[key] = mine
        elif his is not mine and his != mine:
            left[key], right[key] = _differing(mine, his, depth + 1)
    right.update((key, theirs[key]) for key in theirs.keys() - ours.keys())
    return Members(left) if left else _SAME, Members(right) if right else _SAME


def _either(one: Shape, other: Shape, source: Source, path: tuple[Step, ...]) -> Shape:
    """Return a value in which all parts that differ are of one source, and share its bound."""
    if one == other:
        return one
    one, other = _aligned(one, other)
    if isinstance(one, Members) and isinstance(other, Members) and len(path) < _DEEPEST:
        ours, theirs = one.known, other.known
        made = {**ours, **theirs}
        for key in made:
            mine, his = ours.get(key), theirs.get(key)
            if mine is his:
                continue
            here = (*path, key)
            mine, his = mine or _from_rest(ours, key), his or _from_rest(theirs, key)
            if mine is not None and his is not None:
                made[key] = _either(mine, his, source, here)
            else:
                made[key] = _moved(mine or his or BoundedText(2), source, here)
        return Members(made)
    if isinstance(one, BoundedText) and isinstance(other, BoundedText):
        return BoundedText(max(one.bytes, other.bytes))
    both = [shape for shape in (one, other) if isinstance(shape, SourcePart)]
    return SourcePart(source, path, united(place for part in both for place in part.bags))


def _from_rest(members: Mapping[Step, Shape], key: Step) -> Shape | None:
    """Return a member of the rest of an object, whose members are not known separately."""
    if not isinstance(key, str) or is_special(key):
        return None
    rest = members.get(REST)
    return rest.below(key) if isinstance(rest, SourcePart) and rest.bags else None


def _moved(shape: Shape, source: Source, path: tuple[Step, ...]) -> Shape:
    if isinstance(shape, SourcePart):
        return SourcePart(source, path, shape.bags)
    if isinstance(shape, Members):
        return Members(
            (key, _moved(member, source, (*path, key))) for key, member in shape.known.items()
        )
    return shape


def each_of(item: Shape, where: str, bound: int) -> Shape:
    """Return an array whose items all have one shape.

    Args:
        item: The shape of an item.
        where: The name of the array in messages.
        bound: The largest number of bytes of the array.
    """
    if not holds_bags(item):
        return SourcePart(Source(where, bound))
    # The bytes of names and literals come with each item, and are in the bound already.
    own = own_bytes(Members({ANY: item}))
    return Members({ANY: _moved(item, Source(where, max(bound - own, 0)), ())})


def either(shapes: Iterable[Shape]) -> Shape:
    """Return the shape of a value that is one of several."""
    found: Shape | None = None
    for one in shapes:
        found = joined(found, one, "one of several values", widen=0)
    return BoundedText(2) if found is None else found


def merged(shapes: Iterable[Shape]) -> Shape:
    """Return objects merged into one: a member of a later one wins."""
    known: dict[Step, Shape] = {}
    for one in shapes:
        if isinstance(one, BoundedText):
            continue
        of_one = dict(one.known) if isinstance(one, Members) else {REST: one}
        if COMPUTED in of_one or any(isinstance(key, int) for key in of_one):
            of_one = {REST: SourcePart(Source("the result of an expression", size(one)))}
        rest = of_one.pop(REST, None)
        if isinstance(rest, SourcePart):
            for key in known.keys() - {REST} if rest.bags else ():
                # Its bytes are part of the rest, and count there.
                over = unbounded(rest.below(key))
                known[key] = joined(known[key], over, "what an expression merges", widen=0)
            before = known.get(REST)
            known[REST] = _beside(before, rest) if isinstance(before, SourcePart) else rest
        known.update(of_one)
    return Members(known) if known else BoundedText(2)


def _beside(one: SourcePart, other: SourcePart) -> SourcePart:
    """Return the unknown parts of two objects as one part."""
    source = Source("what an expression merges", one.source.bound + other.source.bound)
    return replace(one, source=source, path=(), bags=united(one.bags + other.bags))
