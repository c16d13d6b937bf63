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
    from collections.abc import Iterator

__all__ = [
    "COMPUTED",
    "SMALL",
    "BoundedText",
    "Members",
    "Shape",
    "Source",
    "SourcePart",
    "is_absent",
    "literal",
    "made_of",
    "parts",
    "size",
]

SMALL = 256
"""Bytes that a number, a name or a time is taken for."""

REST = ""
"""The key in `Members` of an object whose other members are beside those that are known."""

COMPUTED = "\0"
"""The first key of `Members` that stand for the size of what an expression computes of them."""

Step = str | int

_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from.

    Attributes:
        name: Where, for messages; it also tells one source from another.
        bound: Its largest size in bytes.
        plain: Paths in its bags that are always plain (beside the policy's control paths).
    """

    name: str
    bound: int
    plain: frozenset[tuple[Step, ...]] = frozenset()


@dataclass(frozen=True, slots=True)
class SourcePart:
    """A value at a path of a source.

    Attributes:
        source: The source.
        path: In the source.
        in_bag: The path inside a bag, empty for the bag itself; None where it stands in none.
        until_bag: How many fields deeper bags stand, where it stands in none; 0: there are none.
    """

    source: Source
    path: tuple[Step, ...] = ()
    in_bag: tuple[Step, ...] | None = None
    until_bag: int = 0

    @property
    def holds_bags(self) -> bool:
        """Whether it is in a bag, or bags are in it."""
        return self.in_bag is not None or self.until_bag > 0

    def below(self, step: Step) -> SourcePart:
        """The value at a field or index."""
        path = (*self.path, step)
        if self.in_bag is not None:
            return SourcePart(self.source, path, (*self.in_bag, step))
        if self.until_bag == 1:
            return SourcePart(self.source, path, ())
        return SourcePart(self.source, path, None, max(self.until_bag - 1, 0))


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
        return follow(known[REST], (step,)) if REST in known else None


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
            if isinstance(key, str) and key not in {REST, COMPUTED}
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
    return len(shape.members) + step if isinstance(step, int) and step < 0 else step


def is_absent(shape: Shape, path: tuple[Step, ...]) -> bool:
    """Whether a path surely finds nothing: an object of which all fields are known lacks one."""
    for step in path:
        if not isinstance(shape, Members):
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
    known[step] = placed(known.get(step, BoundedText(2)), path[1:], value)
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
    plain = frozenset[tuple[Step, ...]]().union(
        *(part.source.plain for shape in (ours, theirs) for part in parts(shape))
    )
    return _either(one, other, Source(where, bound, plain), ())


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
    """Both in the same form, where one is the other with members beside it."""
    if isinstance(one, SourcePart) and isinstance(other, Members) and other.get(REST) == one:
        one = Members(((REST, one),))
    if isinstance(other, SourcePart) and isinstance(one, Members) and one.get(REST) == other:
        other = Members(((REST, other),))
    return one, other


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
            if key in ours and key in theirs:
                members.append((key, _either(ours[key], theirs[key], source, here)))
            else:
                members.append((key, _moved(ours.get(key) or theirs[key], source, here)))
        return Members(tuple(members))
    if isinstance(one, BoundedText) and isinstance(other, BoundedText):
        return BoundedText(max(one.bytes, other.bytes))
    both = [shape for shape in (one, other) if isinstance(shape, SourcePart)]
    inside = {part.in_bag for part in both} - {None}
    until = max((part.until_bag for part in both), default=0)
    if inside:
        return SourcePart(source, path, inside.pop() if len(inside) == 1 else ())
    return SourcePart(source, path, None, until)


def _moved(shape: Shape, source: Source, path: tuple[Step, ...]) -> Shape:
    if isinstance(shape, SourcePart):
        return replace(shape, source=source, path=path)
    if isinstance(shape, Members):
        members = ((key, _moved(member, source, (*path, key))) for key, member in shape.members)
        return Members(tuple(members))
    return shape


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
