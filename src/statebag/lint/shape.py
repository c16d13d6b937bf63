"""What is known of a value before a machine runs: how large it can be, and what of it is in a bag.

A value is put together of literals and of parts of *sources* (the input, a task's result), each
of which has a bound. Parts of one source that do not overlap are together not larger than it:
only so can a `ResultSelector` that takes two fields of a result be told from one that takes
it twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LIMIT",
    "SMALL",
    "Members",
    "Part",
    "Shape",
    "Source",
    "Text",
    "literal",
    "parts",
    "size",
]

LIMIT = 262_144
"""Bytes of an input or output of a state: AWS Step Functions' quota."""

SMALL = 256
"""Bytes that a number, a name or a time is taken for."""

REST = ""
"""The key in `Members` of an object whose other members are beside those that are known."""

Step = str | int

_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from.

    Attributes:
        name: Where, for messages; it also tells one source from another.
        bound: Its largest size in bytes.
        bags: How many fields deep its bags stand: 0 where it is a bag itself; None where it
            has none.
        plain: Paths in its bags that are always plain (beside the policy's control paths).
    """

    name: str
    bound: int
    bags: int | None = None
    plain: frozenset[tuple[Step, ...]] = frozenset()


@dataclass(frozen=True, slots=True)
class Part:
    """A value at a path of a source."""

    source: Source
    path: tuple[Step, ...] = ()

    @property
    def in_bag(self) -> tuple[Step, ...] | None:
        """The path inside a bag; None where it stands in none, empty for the bag itself."""
        depth = self.source.bags
        if depth is None or len(self.path) < depth:
            return None
        return self.path[depth:]


@dataclass(frozen=True, slots=True)
class Members:
    """An object or array whose members are known."""

    members: tuple[tuple[Step, Shape], ...]

    def get(self, step: Step) -> Shape | None:
        """A member."""
        known = dict(self.members)
        if step in known:
            return known[step]
        return follow(known[REST], (step,)) if REST in known else None


@dataclass(frozen=True, slots=True)
class Text:
    """A literal of so many bytes."""

    bytes: int


Shape = Part | Members | Text


def literal(value: Any) -> Shape:
    """The shape of a value that the definition holds."""
    if isinstance(value, dict) and value:
        return Members(tuple((key, literal(member)) for key, member in value.items()))
    if isinstance(value, list) and value:
        return Members(tuple((i, literal(member)) for i, member in enumerate(value)))
    return Text(len(json.dumps(value, ensure_ascii=False)))


def parts(shape: Shape) -> Iterator[Part]:
    """All parts of sources in a value."""
    if isinstance(shape, Part):
        yield shape
    elif isinstance(shape, Members):
        for _, member in shape.members:
            yield from parts(member)


def size(shape: Shape) -> int:
    """The most bytes that a value can have."""
    found: dict[Source, list[tuple[Step, ...]]] = {}
    for part in parts(shape):
        found.setdefault(part.source, []).append(part.path)
    times = sum(source.bound * _times(paths) for source, paths in found.items())
    return times + _own(shape)


def _times(paths: list[tuple[Step, ...]]) -> int:
    """How often one byte of a source can stand in the value: overlapping paths repeat it."""
    return max(sum(path[: len(other)] == other for other in paths) for path in paths)


def _own(shape: Shape) -> int:
    """Bytes of literals, keys, brackets and commas."""
    if isinstance(shape, Text):
        return shape.bytes
    if isinstance(shape, Members):
        keys = sum(
            len(json.dumps(key, ensure_ascii=False)) + 1
            for key, _ in shape.members
            if isinstance(key, str) and key != REST
        )
        return 2 + keys + len(shape.members) + sum(_own(member) for _, member in shape.members)
    return 0


def follow(shape: Shape, path: tuple[Step, ...]) -> Shape:
    """The value at a path in a value; a short text where it is not known to be there."""
    for number, step in enumerate(path):
        if isinstance(shape, Part):
            return Part(shape.source, (*shape.path, *path[number:]))
        found = shape.get(step) if isinstance(shape, Members) else None
        if found is None:
            return Text(2)
        shape = found
    return shape


def placed(shape: Shape, path: tuple[Step, ...], value: Shape) -> Shape:
    """A value with another one put at a path in it."""
    if not path:
        return value
    step = path[0]
    if isinstance(shape, Part):
        shape = Members(((REST, shape),))
    known = dict(shape.members) if isinstance(shape, Members) else {}
    known[step] = placed(known.get(step, Text(2)), path[1:], value)
    return Members(tuple(known.items()))


def joined(one: Shape | None, other: Shape, where: str, *, widen: bool, depth: int = 0) -> Shape:
    """What may be either of two values: as large as the larger one, in a bag where one may be.

    Args:
        one: None where there is only the other.
        other: A value.
        where: A name for what is not known any more.
        widen: Whether to take what differs for as large as the limit, so that loops end.
        depth: Levels above.
    """
    if one is None or one == other:
        return other
    if isinstance(one, Part) and isinstance(other, Members) and other.get(REST) == one:
        one = Members(((REST, one),))
    if isinstance(other, Part) and isinstance(one, Members) and one.get(REST) == other:
        other = Members(((REST, other),))
    if isinstance(one, Members) and isinstance(other, Members) and depth < _DEEPEST:
        members = dict(one.members)
        for key, member in other.members:
            members[key] = joined(
                members.get(key), member, f"{where}.{key}", widen=widen, depth=depth + 1
            )
        return Members(tuple(members.items()))
    if isinstance(one, Text) and isinstance(other, Text):
        return Text(max(one.bytes, other.bytes))
    bound = LIMIT if widen else min(max(size(one), size(other)), LIMIT)
    inside = {_bag_path(shape) for shape in (one, other)} - {None}
    plain = frozenset[tuple[Step, ...]]().union(
        *(shape.source.plain for shape in (one, other) if isinstance(shape, Part))
    )
    source = Source(where, bound, 0 if inside else None, plain)
    return Part(source, (inside.pop() or ()) if len(inside) == 1 else ())


def _bag_path(shape: Shape) -> tuple[Step, ...] | None:
    return shape.in_bag if isinstance(shape, Part) else None


def clipped(shape: Shape) -> Shape:
    """A value that was found to be too large, as it is where the execution went on all the same."""
    while (excess := size(shape) - LIMIT) > 0:
        sources = {part.source for part in parts(shape)}
        largest = max(sources, key=lambda one: one.bound, default=None)
        if largest is None or not largest.bound:
            return shape
        shape = _with_bound(shape, largest, max(largest.bound - excess, 0))
    return shape


def _with_bound(shape: Shape, source: Source, bound: int) -> Shape:
    if isinstance(shape, Part) and shape.source == source:
        return Part(replace(source, bound=bound), shape.path)
    if isinstance(shape, Members):
        return Members(
            tuple((key, _with_bound(member, source, bound)) for key, member in shape.members)
        )
    return shape
