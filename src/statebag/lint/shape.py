"""What is known of a value before a machine runs: how large it can be, and what of it is in a bag.

A value is put together of literals and of parts of *sources* (the input, a task's result), each
of which has a bound. Parts of one source that do not overlap are together not larger than it:
only so can a `ResultSelector` that takes two fields of a result be told from one that takes
it twice.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from statebag.asl.quotas import PAYLOAD_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "ANY",
    "COMPUTED",
    "EVERY",
    "SMALL",
    "BoundedText",
    "InBag",
    "Members",
    "Shape",
    "Source",
    "SourcePart",
    "each_of",
    "either",
    "is_absent",
    "literal",
    "made_of",
    "merged",
    "parts",
    "size",
]

SMALL = 256
"""Bytes that a number, a name or a time counts as. Chosen: the longest name has 80 characters."""

REST = ""
"""The key in `Members` of an object whose other members are beside those that are known."""

COMPUTED = "\0"
"""The first key of `Members` that stand for the size of what an expression computes of them."""

ANY = "\1"
"""The one key of `Members` of an array of which only one item, whichever, is known."""

EVERY = -(1 << 62)
"""The step to all items of an array. Chosen: no index of an array is so small."""

Step = str | int

# Levels of an object that are kept separate. Chosen: few definitions name deeper paths.
_DEEPEST = 12
_MOST_PLACES = 8  # of one value in bags. Chosen: it ends loops that nest bags in bags


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from.

    Attributes:
        name: Where, for messages; it also tells one source from another.
        bound: Its largest size in bytes.
    """

    name: str
    bound: int


@dataclass(frozen=True, slots=True)
class InBag:
    """A place in a bag, or above one.

    Attributes:
        inside: The path in the bag, empty for the bag itself.
        above: How many fields deeper the bag stands; 0 for a place in it.
        plain: Paths in the bag that its function keeps plain by itself.
        given: Names under which the function was given values. A function that returns its state
            under the same name may have sealed all that it returns, or the state alone.
        of: What made the bag, for messages.
    """

    inside: tuple[Step, ...] = ()
    above: int = 0
    plain: frozenset[tuple[Step, ...]] = frozenset()
    given: frozenset[str] = frozenset()
    of: str = ""

    @property
    def is_bag(self) -> bool:
        """Whether it is a bag itself."""
        return not self.inside and not self.above

    def below(self, step: Step) -> InBag:
        """The place of a field or an item."""
        inside, above = self.inside, self.above - 1
        if above < 0:
            inside, above = (*inside, step), 0
        return InBag(inside, above, self.plain, self.given, self.of)


@dataclass(frozen=True, slots=True)
class SourcePart:
    """A value at a path of a source.

    Attributes:
        source: The source.
        path: In the source.
        bags: The places in bags that the value may be, one for each way to it, in order; empty if
            it is in no bag.
    """

    source: Source
    path: tuple[Step, ...] = ()
    bags: tuple[InBag, ...] = ()

    @property
    def holds_bags(self) -> bool:
        """Whether it is in a bag, or bags are in it."""
        return bool(self.bags)

    def below(self, step: Step) -> SourcePart:
        """The value at a field or index."""
        return SourcePart(
            self.source, (*self.path, step), _united(one.below(step) for one in self.bags)
        )


def _united(places: Iterable[InBag]) -> tuple[InBag, ...]:
    """Places in bags, each once, in an order that is the same in each run."""
    found = tuple(dict.fromkeys(places))
    if len(found) < 2:  # nearly always
        return found

    def order(place: InBag) -> tuple[object, ...]:
        inside = tuple(map(str, place.inside))
        return (place.above, len(inside), inside, place.of, sorted(map(str, place.plain)))

    return tuple(sorted(found, key=order)[:_MOST_PLACES])


@dataclass(frozen=True, slots=True)
class Members:
    """An object or array whose members are known."""

    members: tuple[tuple[Step, Shape], ...]

    def get(self, step: Step) -> Shape | None:
        """A member."""
        known = dict(self.members)
        if COMPUTED in known and step not in {COMPUTED, REST}:
            return SourcePart(Source("what an expression computes", size(self)))
        if step in known:
            return known[step]
        if ANY in known and step != ANY:
            # JSONata reads a member of an array from each of its items.
            return known[ANY] if isinstance(step, int) else follow(known[ANY], (step,))
        if step == EVERY or (isinstance(step, str) and known and not _has_names(known)):
            item = either(
                [follow(one, (EVERY,)) if key == REST else one for key, one in known.items()]
            )
            return item if step == EVERY else follow(item, (step,))
        return follow(known[REST], (step,)) if REST in known else None


def _has_names(members: Mapping[Step, Shape]) -> bool:
    return any(isinstance(key, str) for key in members)


@dataclass(frozen=True, slots=True)
class BoundedText:
    """A literal of so many bytes."""

    bytes: int


Shape = SourcePart | Members | BoundedText


def literal(value: Any) -> Shape:
    """The shape of a value that the definition holds."""
    if isinstance(value, dict) and value:
        return Members(tuple((key, literal(member)) for key, member in value.items()))
    if isinstance(value, list) and value:
        return Members(tuple((i, literal(member)) for i, member in enumerate(value)))
    return BoundedText(len(json.dumps(value, ensure_ascii=False)))


def parts(shape: Shape) -> Iterator[SourcePart]:
    """All parts of sources in a value."""
    if isinstance(shape, SourcePart):
        yield shape
    elif isinstance(shape, Members):
        for _, member in shape.members:
            yield from parts(member)


def size(shape: Shape) -> int:
    """The most bytes that a value can have."""
    return sum(bytes_ for _, bytes_ in made_of(shape)) + _own(shape)


def made_of(shape: Shape) -> list[tuple[str, int]]:
    """The sources of a value with what each may give to its size, the largest first."""
    found: dict[Source, list[tuple[Step, ...]]] = {}
    for part in parts(shape):
        found.setdefault(part.source, []).append(part.path)
    sizes = [(source.name, source.bound * _times(paths)) for source, paths in found.items()]
    return sorted(sizes, key=lambda one: -one[1])


def _times(paths: list[tuple[Step, ...]]) -> int:
    """How often one byte of a source can stand in the value: overlapping paths repeat it."""
    counts = Counter(paths)
    return max(sum(counts[path[:end]] for end in range(len(path) + 1)) for path in counts)


def _own(shape: Shape) -> int:
    """Bytes of literals, keys, brackets and commas."""
    if isinstance(shape, BoundedText):
        return shape.bytes
    if isinstance(shape, Members):
        keys = sum(
            len(json.dumps(key, ensure_ascii=False)) + 1
            for key, _ in shape.members
            if isinstance(key, str) and key not in {REST, COMPUTED, ANY}
        )
        return 2 + keys + len(shape.members) + sum(_own(member) for _, member in shape.members)
    return 0


def follow(shape: Shape, path: tuple[Step, ...]) -> Shape:
    """The value at a path in a value; a short text where it is not known to be there."""
    for step in path:
        if isinstance(shape, SourcePart):
            shape = shape.below(step)
            continue
        found = shape.get(_from_start(shape, step)) if isinstance(shape, Members) else None
        if found is None:
            return BoundedText(2)
        shape = found
    return shape


def _from_start(shape: Members, step: Step) -> Step:
    """An index that counts from the end of an array, as one that counts from its start."""
    return len(shape.members) + step if isinstance(step, int) and EVERY < step < 0 else step


def is_absent(shape: Shape, path: tuple[Step, ...]) -> bool:
    """Whether a path surely finds nothing: an object of which all fields are known lacks one."""
    for step in path:
        if (
            not isinstance(shape, Members)
            or step == EVERY
            or any(k == ANY for k, _ in shape.members)
        ):
            return False
        found = shape.get(_from_start(shape, step))
        if found is None:
            return all(isinstance(one, str) for one, _ in shape.members) and isinstance(step, str)
        shape = found
    return False


def placed(shape: Shape, path: tuple[Step, ...], value: Shape) -> Shape:
    """A value with another one put at a path in it."""
    if not path:
        return value
    step = path[0]
    if isinstance(shape, SourcePart):
        shape = Members(((REST, shape),))
    known = dict(shape.members) if isinstance(shape, Members) else {}
    before = known.get(step)
    rest = known.get(REST)
    if before is None and isinstance(rest, SourcePart) and rest.bags and len(path) > 1:
        # Its bytes are those of the rest, and count there.
        before = replace(rest.below(step), source=replace(rest.source, bound=0))
    known[step] = placed(before or BoundedText(2), path[1:], value)
    return Members(tuple(known.items()))


def joined(one: Shape | None, other: Shape, where: str, *, widen: int) -> Shape:
    """What may be either of two values: as large as the larger one, in a bag where one may be.

    Args:
        one: None where there is only the other.
        other: A value.
        where: A name for what is not known any more.
        widen: Whether to take what differs for as large as the limit, so that loops end: 1 where
            it still grows, 2 in any case.
    """
    if one is None or one == other:
        return other
    ours, theirs = _differing(one, other, 0)
    before, after = _content(ours), _content(theirs)
    grows = widen > 1 or (widen == 1 and after > before)
    bound = PAYLOAD_LIMIT if grows else min(max(before, after), PAYLOAD_LIMIT)
    return _either(one, other, Source(where, bound), ())


def _content(shape: Shape) -> int:
    """Bytes without those of keys and brackets, which stay where they are: or a loop would grow."""
    pending, texts = [shape], 0
    while pending:
        one = pending.pop()
        if isinstance(one, BoundedText):
            texts += one.bytes
        elif isinstance(one, Members):
            pending.extend(member for _, member in one.members)
    return sum(bytes_ for _, bytes_ in made_of(shape)) + texts


def _aligned(one: Shape, other: Shape) -> tuple[Shape, Shape]:
    """Both in the same form, if one is an object whose members are known and the other is not."""
    return _as_object(one, other), _as_object(other, one)


def _as_object(shape: Shape, other: Shape) -> Shape:
    if not isinstance(other, Members):
        return shape
    known = dict(other.members)
    if not isinstance(shape, SourcePart):
        if not _holds_bags(other) or COMPUTED in known:
            return shape
        # A literal and what is computed have no members that are told apart.
        apart = isinstance(shape, Members) and all(key != COMPUTED for key, _ in shape.members)
        return shape if apart else Members(((REST, SourcePart(Source("", size(shape)))),))
    # What is in bags is followed through both forms; the rest is so only if it is the same value.
    if known.get(REST) == shape or (_has_only_names(known) and _holds_bags(other)):
        return Members(((REST, shape),))
    return shape


def _has_only_names(members: Mapping[Step, Shape]) -> bool:
    return all(isinstance(key, str) for key in members) and not members.keys() & {COMPUTED, ANY}


def _holds_bags(shape: Shape) -> bool:
    return any(part.holds_bags for part in parts(shape))


def _differing(one: Shape, other: Shape, depth: int) -> tuple[Members, Members]:
    """What of each is not the same in both."""
    if one == other:
        return Members(()), Members(())
    one, other = _aligned(one, other)
    if not (isinstance(one, Members) and isinstance(other, Members) and depth < _DEEPEST):
        return Members(((0, one),)), Members(((0, other),))
    ours, theirs = dict(one.members), dict(other.members)
    left: list[tuple[Step, Shape]] = []
    right: list[tuple[Step, Shape]] = []
    for key in dict.fromkeys((*ours, *theirs)):
        if key in ours and key in theirs:
            inner = _differing(ours[key], theirs[key], depth + 1)
            left.append((key, inner[0]))
            right.append((key, inner[1]))
        elif key in ours:
            left.append((key, ours[key]))
        else:
            right.append((key, theirs[key]))
    return Members(tuple(left)), Members(tuple(right))


def _either(one: Shape, other: Shape, source: Source, path: tuple[Step, ...]) -> Shape:
    """The same, with all that differs as parts of one source: together they have its bound."""
    if one == other:
        return one
    one, other = _aligned(one, other)
    if isinstance(one, Members) and isinstance(other, Members) and len(path) < _DEEPEST:
        ours, theirs = dict(one.members), dict(other.members)
        members: list[tuple[Step, Shape]] = []
        for key in dict.fromkeys((*ours, *theirs)):
            here = (*path, key)
            mine, his = _known(ours, key), _known(theirs, key)
            if mine is not None and his is not None:
                members.append((key, _either(mine, his, source, here)))
            else:
                members.append((key, _moved(mine or his or BoundedText(2), source, here)))
        return Members(tuple(members))
    if isinstance(one, BoundedText) and isinstance(other, BoundedText):
        return BoundedText(max(one.bytes, other.bytes))
    both = [shape for shape in (one, other) if isinstance(shape, SourcePart)]
    return SourcePart(source, path, _united(place for part in both for place in part.bags))


def _known(members: Mapping[Step, Shape], key: Step) -> Shape | None:
    """A member, also of the part of an object whose members are not told apart."""
    found = members.get(key)
    if found is None and isinstance(key, str) and key not in {REST, COMPUTED, ANY}:
        rest = members.get(REST)
        return rest.below(key) if isinstance(rest, SourcePart) and rest.bags else None
    return found


def _moved(shape: Shape, source: Source, path: tuple[Step, ...]) -> Shape:
    if isinstance(shape, SourcePart):
        return replace(shape, source=source, path=path)
    if isinstance(shape, Members):
        members = ((key, _moved(member, source, (*path, key))) for key, member in shape.members)
        return Members(tuple(members))
    return shape


def each_of(item: Shape, where: str, bound: int) -> Shape:
    """An array of which each item has one shape.

    Args:
        item: That of an item.
        where: A name for the array, for messages.
        bound: The most bytes of the array.
    """
    if not _holds_bags(item):
        return SourcePart(Source(where, bound))
    # The bytes of names and literals come with each item, and are in the bound already.
    own = _own(Members(((ANY, item),)))
    whole = _moved(item, Source(where, max(bound - own, 0)), ())
    return Members(((ANY, whole),))


def either(shapes: Iterable[Shape]) -> Shape:
    """Whichever of several values."""
    found: Shape | None = None
    for one in shapes:
        found = joined(found, one, "one of several values", widen=0)
    return BoundedText(2) if found is None else found


def merged(shapes: Iterable[Shape]) -> Shape:
    """Objects merged into one: a member of a later one takes the place of an earlier one's."""
    known: dict[Step, Shape] = {}
    for one in shapes:
        if isinstance(one, BoundedText):
            continue
        of_one = dict(one.members) if isinstance(one, Members) else {REST: one}
        if COMPUTED in of_one or any(isinstance(key, int) for key in of_one):
            of_one = {REST: SourcePart(Source("what an expression computes", size(one)))}
        rest = of_one.pop(REST, None)
        if isinstance(rest, SourcePart):
            for key in known.keys() - {REST} if rest.bags else ():
                # Its bytes are those of the rest, and count there.
                over = replace(rest.below(key), source=replace(rest.source, bound=0))
                known[key] = joined(known[key], over, "what an expression merges", widen=0)
            before = known.get(REST)
            known[REST] = _beside(before, rest) if isinstance(before, SourcePart) else rest
        known.update(of_one)
    return Members(tuple(known.items())) if known else BoundedText(2)


def _beside(one: SourcePart, other: SourcePart) -> SourcePart:
    """What is not known of two objects, together."""
    bound = one.source.bound + other.source.bound
    return SourcePart(
        Source("what an expression merges", bound), (), _united(one.bags + other.bags)
    )


def clipped(shape: Shape) -> Shape:
    """A value that was found to be too large, as it is where the execution went on all the same."""
    while (excess := size(shape) - PAYLOAD_LIMIT) > 0:
        sources = {part.source for part in parts(shape)}
        # By name where bounds are the same, or two runs would not say the same.
        largest = max(sources, key=lambda one: (one.bound, one.name), default=None)
        if largest is None or not largest.bound:
            return shape
        shape = _with_bound(shape, largest, max(largest.bound - excess, 0))
    return shape


def _with_bound(shape: Shape, source: Source, bound: int) -> Shape:
    if isinstance(shape, SourcePart) and shape.source == source:
        return replace(shape, source=replace(source, bound=bound))
    if isinstance(shape, Members):
        return Members(
            tuple((key, _with_bound(member, source, bound)) for key, member in shape.members)
        )
    return shape
