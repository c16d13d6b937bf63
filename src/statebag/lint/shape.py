"""Describe a value before a machine runs: how large it can be, and which parts are in a bag.

A value consists of literals and of parts of *sources* (the input, a task's result), each of which
has a bound (`sources`).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.lint.sources import (
    ANY,
    COMPUTED,
    EVERY,
    REST,
    Source,
    SourcePart,
    SourceUses,
    Step,
    unbounded,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "BoundedText",
    "Members",
    "Shape",
    "clipped",
    "follow",
    "from_start",
    "holds_bags",
    "is_absent",
    "literal",
    "made_of",
    "own_bytes",
    "parts",
    "placed",
    "size",
]


@dataclass(frozen=True, slots=True)
class BoundedText:
    """A literal of which only the number of bytes is known."""

    bytes: int


class Members:
    """An object or array whose members are known. It is never changed.

    A machine of a thousand states has values of a thousand members, each made from the one before.
    So the sums of a value are computed once, from those of the value that it was made from.

    Args:
        members: The members by name, by index, or by one of the special keys of this module.
    """

    __slots__ = ("_bytes", "_hash", "_holds_bags", "_own", "_uses", "known")

    def __init__(self, members: Iterable[tuple[Step, Shape]] | Mapping[Any, Shape] = ()) -> None:
        self.known: dict[Step, Shape] = dict(members)
        self._hash: int | None = None
        self._uses: dict[Source, SourceUses] | None = None
        self._bytes = self._own = -1
        self._holds_bags: bool | None = None

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Members) and self.known == other.known

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.known.items()))
        return self._hash

    def __repr__(self) -> str:
        return f"Members({self.known!r})"

    @property
    def members(self) -> tuple[tuple[Step, Shape], ...]:
        """The members in their order, each with its key."""
        return tuple(self.known.items())

    @property
    def holds_bags(self) -> bool:
        """Whether a member is in a bag, or holds one."""
        if self._holds_bags is None:
            self._holds_bags = any(holds_bags(one) for one in self.known.values())
        return self._holds_bags

    @property
    def uses(self) -> Mapping[Source, SourceUses]:
        """The sources of its members, each with the parts that are in it."""
        if self._uses is None:
            objects = [one for one in self.known.values() if isinstance(one, Members)]
            # The widest is taken as it is: a payload is often a whole state and little else.
            widest = max(objects, key=lambda one: len(one.uses), default=None)
            uses = {} if widest is None else dict(widest.uses)
            paths: dict[Source, list[tuple[Step, ...]]] = {}
            skipped = False
            for member in self.known.values():
                if isinstance(member, SourcePart):
                    paths.setdefault(member.source, []).append(member.path)
                elif member is widest and not skipped:
                    skipped = True  # once: the same value may be there several times
                elif isinstance(member, Members):
                    for source, one in member.uses.items():
                        paths.setdefault(source, []).extend(one.paths)
            bytes_ = 0 if widest is None else widest.source_bytes
            for source, found in paths.items():
                same = uses.get(source)
                uses[source] = SourceUses(found if same is None else [*same.paths, *found])
                before = 0 if same is None else same.times
                bytes_ += source.bound * (uses[source].times - before)
            self._uses, self._bytes = uses, bytes_
        return self._uses

    @property
    def source_bytes(self) -> int:
        """The largest number of bytes that its sources give."""
        if self._bytes < 0:
            _ = self.uses  # it counts them too
        return self._bytes

    @property
    def own(self) -> int:
        """Bytes of literals, keys, brackets and commas."""
        if self._own < 0:
            keys = sum(_key_bytes(key) for key in self.known)
            members = sum(own_bytes(one) for one in self.known.values())
            self._own = 2 + keys + len(self.known) + members
        return self._own

    def get(self, step: Step) -> Shape | None:
        """Return a member, even if several are known only together; None if there is none."""
        known = self.known
        if COMPUTED in known and step not in {COMPUTED, REST}:
            return SourcePart(Source("what an expression computes", size(self)))
        if step in known:
            return known[step]
        if ANY in known and step != ANY:
            # JSONata reads a member of an array from each of its items.
            return known[ANY] if isinstance(step, int) else follow(known[ANY], (step,))
        if step == EVERY or (isinstance(step, str) and known and not _has_names(known)):
            from statebag.lint.joining import either  # noqa: PLC0415 - it is built on this module

            item = either(
                [follow(one, (EVERY,)) if key == REST else one for key, one in known.items()]
            )
            return item if step == EVERY else follow(item, (step,))
        return follow(known[REST], (step,)) if REST in known else None

    def with_member(self, key: Step, value: Shape) -> Members:
        """Return the same object or array with one more member, or with a member replaced."""
        made = Members(self.known)
        before = self.known.get(key)
        made.known[key] = value
        if not self.holds_bags or holds_bags(value):
            made._holds_bags = holds_bags(value)
        elif before is None or not holds_bags(before):
            made._holds_bags = True
        if self._uses is None or self._bytes < 0 or self._own < 0:
            return made
        gone = () if before is None else _uses_of(before)
        made._exchange(self, gone, _uses_of(value))
        made._own = self._own + own_bytes(value)
        made._own += _key_bytes(key) + 1 if before is None else -own_bytes(before)
        return made

    def with_sources(self, other: Mapping[Source, Source]) -> Members:
        """Return the same with other sources in place of some of its own."""
        changed: dict[Step, Shape] = {}
        for key, member in self.known.items():
            if isinstance(member, SourcePart):
                if member.source in other:
                    changed[key] = SourcePart(other[member.source], member.path, member.bags)
            elif isinstance(member, Members) and not other.keys().isdisjoint(member.uses):
                changed[key] = member.with_sources(other)
        made = Members(self.known)
        made.known.update(changed)
        if self._bytes >= 0:
            gone = [(one, self.uses[one]) for one in other if one in self.uses]
            made._exchange(self, gone, [(other[one], uses) for one, uses in gone])
        made._own, made._holds_bags = self._own, self._holds_bags
        return made

    def _exchange(
        self,
        before: Members,
        gone: Iterable[tuple[Source, SourceUses]],
        added: Iterable[tuple[Source, SourceUses]],
    ) -> None:
        """Take the sums of another value, without some of its parts and with others."""
        uses = dict(before.uses)
        bytes_ = before.source_bytes
        for source, one in gone:
            was = uses.pop(source)
            bytes_ -= source.bound * was.times
            if len(was.paths) == len(one.paths):
                continue
            left = Counter(was.paths)
            left.subtract(one.paths)
            if paths := list(left.elements()):
                uses[source] = SourceUses(paths)
                bytes_ += source.bound * uses[source].times
        for source, one in added:
            same = uses.get(source)
            uses[source] = one if same is None else SourceUses([*same.paths, *one.paths])
            bytes_ += source.bound * (uses[source].times - (0 if same is None else same.times))
        self._uses, self._bytes = uses, bytes_


Shape = SourcePart | Members | BoundedText


def _uses_of(shape: Shape) -> Iterable[tuple[Source, SourceUses]]:
    if isinstance(shape, SourcePart):
        return ((shape.source, SourceUses([shape.path])),)
    return shape.uses.items() if isinstance(shape, Members) else ()


@lru_cache(maxsize=16_384)
def _key_bytes(key: Step) -> int:
    """Return the bytes of a member's name and the colon after it."""
    if not isinstance(key, str) or key in {REST, COMPUTED, ANY}:
        return 0
    return len(json.dumps(key, ensure_ascii=False)) + 1


def _has_names(members: Mapping[Step, Shape]) -> bool:
    return any(isinstance(key, str) for key in members)


def literal(value: Any) -> Shape:
    """Return the shape of a value that the definition holds."""
    if isinstance(value, dict) and value:
        return Members((key, literal(member)) for key, member in value.items())
    if isinstance(value, list) and value:
        return Members((i, literal(member)) for i, member in enumerate(value))
    return BoundedText(len(json.dumps(value, ensure_ascii=False)))


def parts(shape: Shape) -> Iterator[SourcePart]:
    """Yield all parts of sources in a value."""
    if isinstance(shape, SourcePart):
        yield shape
    elif isinstance(shape, Members):
        for member in shape.known.values():
            yield from parts(member)


def holds_bags(shape: Shape) -> bool:
    """Return whether a value is in a bag, or bags are in it."""
    return not isinstance(shape, BoundedText) and shape.holds_bags


def size(shape: Shape) -> int:
    """Return the largest number of bytes that a value can have."""
    if isinstance(shape, SourcePart):
        return shape.source.bound
    return shape.bytes if isinstance(shape, BoundedText) else shape.source_bytes + shape.own


def made_of(shape: Shape, most: int) -> list[tuple[str, int]]:
    """Return the sources that may add most to a value's size, each with its bytes, in order."""
    sizes = [(source.name, source.bound * one.times) for source, one in _uses_of(shape)]
    return nsmallest(most, sizes, key=lambda one: (-one[1], one[0]))


def own_bytes(shape: Shape) -> int:
    """Return the bytes of literals, keys, brackets and commas."""
    if isinstance(shape, BoundedText):
        return shape.bytes
    return shape.own if isinstance(shape, Members) else 0


def follow(shape: Shape, path: tuple[Step, ...]) -> Shape:
    """Return the value at a path in a value; a short text if it is not known to exist."""
    for step in path:
        if isinstance(shape, SourcePart):
            shape = shape.below(step)
            continue
        found = shape.get(from_start(shape, step)) if isinstance(shape, Members) else None
        if found is None:
            return BoundedText(2)
        shape = found
    return shape


def from_start(shape: Members, step: Step) -> Step:
    """Return an index that counts from the end of an array as one that counts from its start."""
    return len(shape.known) + step if isinstance(step, int) and EVERY < step < 0 else step


def is_absent(shape: Shape, path: tuple[Step, ...]) -> bool:
    """Return whether a path certainly finds nothing: an object with known fields lacks one."""
    for step in path:
        if not isinstance(shape, Members) or step == EVERY or ANY in shape.known:
            return False
        found = shape.get(from_start(shape, step))
        if found is None:
            return all(isinstance(one, str) for one in shape.known) and isinstance(step, str)
        shape = found
    return False


def placed(shape: Shape, path: tuple[Step, ...], value: Shape) -> Shape:
    """Return a value with another one in it, at a path."""
    if not path:
        return value
    step = path[0]
    if isinstance(shape, SourcePart):
        shape = Members({REST: shape})
    elif isinstance(shape, BoundedText):
        shape = Members()
    before = shape.known.get(step)
    rest = shape.known.get(REST)
    if before is None and isinstance(rest, SourcePart) and len(path) > 1:
        # Its other fields stay; their bytes are part of the rest, and count there.
        before = unbounded(rest.below(step))
    return shape.with_member(step, placed(before or BoundedText(2), path[1:], value))


def clipped(shape: Shape) -> Shape:
    """Return a value that was too large, cut to a size with which an execution can go on."""
    excess = size(shape) - PAYLOAD_LIMIT
    if excess <= 0:
        return shape
    uses = dict(_uses_of(shape))
    other: dict[Source, Source] = {}
    # The largest first, nearly always one of them is enough. Equal bounds are ordered by name, so
    # that all runs report the same.
    left = set(uses)
    while left and excess > 0:
        source = max(left, key=itemgetter(1, 0))
        if not source.bound:
            break
        left.remove(source)
        bound = max(source.bound - excess, 0)
        other[source] = Source(source.name, bound)
        excess -= (source.bound - bound) * uses[source].times
    if isinstance(shape, SourcePart):
        return SourcePart(other[shape.source], shape.path, shape.bags)
    return shape.with_sources(other) if isinstance(shape, Members) else shape
