"""Describe where the parts of a value come from: sources with bounds, and bags.

Parts of one source that do not overlap are together not larger than the source. So a
`ResultSelector` that takes two fields of a result differs from one that takes the result twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ANY",
    "COMPUTED",
    "EVERY",
    "REST",
    "SMALL",
    "InBag",
    "Source",
    "SourcePart",
    "SourceUses",
    "Step",
    "is_special",
    "times_of",
    "unbounded",
    "united",
]

SMALL = 256
"""Bytes that a number, a name or a time counts as. Chosen: the longest name has 80 characters."""

REST = ""
"""The key in `Members` for the members of an object that are not known separately."""

COMPUTED = "\0"
"""The first key of `Members` that stand for the size of what an expression computes from them."""

ANY = "\1"
"""The only key of `Members` of an array of which just one item, whichever, is known."""

EVERY = -(1 << 62)
"""The step to all items of an array. Chosen: no index of an array is so small."""

Step = str | int

_MOST_PLACES = 8  # of one value in bags. Chosen: it ends loops that nest bags in bags


class Source(NamedTuple):
    """Where a value comes from.

    Attributes:
        name: The name in messages; it also identifies the source.
        bound: Its largest size in bytes.
    """

    name: str
    bound: int


@dataclass(frozen=True, slots=True)
class InBag:
    """A place in a bag, or above one.

    Attributes:
        inside: The path in the bag, empty for the bag itself.
        above: How many fields deeper the bag is; 0 for a place in the bag.
        plain: Paths in the bag that its function keeps plain by itself.
        given: Names under which the function got values. A function that returns its state under
            the same name may have sealed its whole answer, or only the state.
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
        """Return the place of a field or an item."""
        inside, above = self.inside, self.above - 1
        if above < 0:
            inside, above = (*inside, step), 0
        return InBag(inside, above, self.plain, self.given, self.of)


@dataclass(frozen=True, slots=True)
class SourcePart:
    """A value at a path of a source.

    Attributes:
        source: The source.
        path: The path in the source.
        bags: The places in bags where the value may be, one for each way to it, in order; empty if
            it is not in a bag.
    """

    source: Source
    path: tuple[Step, ...] = ()
    bags: tuple[InBag, ...] = ()

    @property
    def holds_bags(self) -> bool:
        """Whether it is in a bag, or bags are in it."""
        return bool(self.bags)

    def below(self, step: Step) -> SourcePart:
        """Return the value at a field or index."""
        return SourcePart(
            self.source, (*self.path, step), united(one.below(step) for one in self.bags)
        )


def united(places: Iterable[InBag]) -> tuple[InBag, ...]:
    """Return places in bags, each once, in the same order in each run."""
    found = tuple(dict.fromkeys(places))
    if len(found) < 2:  # nearly always
        return found

    def order(place: InBag) -> tuple[object, ...]:
        inside = tuple(map(str, place.inside))
        return (place.above, len(inside), inside, place.of, sorted(map(str, place.plain)))

    return tuple(sorted(found, key=order)[:_MOST_PLACES])


class SourceUses:
    """The parts of one source in a value, by their paths in the source.

    Args:
        paths: The paths. The list is never changed.
    """

    __slots__ = ("_times", "paths")

    def __init__(self, paths: list[tuple[Step, ...]]) -> None:
        self.paths = paths
        self._times = 1 if len(paths) == 1 else 0

    @property
    def times(self) -> int:
        """How often one byte of the source can occur: overlapping paths repeat it."""
        if not self._times:
            self._times = times_of(self.paths)
        return self._times


def times_of(paths: list[tuple[Step, ...]]) -> int:
    """Return how often one byte of a source can occur in parts of it."""
    if len(paths) == 1:
        return 1
    apart = set(paths)
    lengths = {*map(len, paths)}
    # Nearly always, they are fields of one object: none is below another one.
    if len(apart) == len(paths) and not any(
        path[:end] in apart for path in paths for end in lengths if end < len(path)
    ):
        return 1
    counts = Counter(paths)
    return max(sum(counts[path[:end]] for end in range(len(path) + 1)) for path in apart)


def is_special(key: Step) -> bool:
    """Return whether a key of `Members` is not the name of a member."""
    return key in {REST, COMPUTED, ANY}


def unbounded(part: SourcePart) -> SourcePart:
    """Return a part whose bytes are counted elsewhere."""
    return replace(part, source=Source(part.source.name, 0))
