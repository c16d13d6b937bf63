"""The goals that the figures are held against, each a ratio within one run."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.suite import ONE_OBJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.suite import Results
    from benchmarks.summary import Summary

__all__ = ["AbsentError", "Figures", "Goal", "judged"]

_KB = 1000
_OURS, _CARRYING, _ONLY = "statebag", "statebag:65536", "statebag:only"


@dataclass(frozen=True)
class Goal:
    """A goal and what was measured.

    Attributes:
        number: Of the group of goals.
        text: What is promised.
        bound: The number that the promise comes down to.
        at_most: Whether the measured value may not pass the bound, or must reach it.
        value: What was measured; None where it was not.
    """

    number: int
    text: str
    bound: float
    at_most: bool
    value: float | None

    @property
    def met(self) -> bool | None:
        """None where nothing was measured."""
        if self.value is None:
            return None
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def judged(results: Results) -> list[Goal]:
    """All goals, in order."""
    found = Figures(results)
    goals: list[Goal] = []

    def add(
        number: int, text: str, sign: str, bound: float, value: Callable[[], float | None]
    ) -> None:
        try:
            measured = value()
        except AbsentError:
            measured = None
        goals.append(Goal(number, text, bound, sign == "<=", measured))

    for part in (_reads, _prices, _writes, _times_with_a_tail, _fields, _upkeep, _as_before):
        for goal in part(found):
            add(*goal)
    return sorted(goals, key=lambda goal: goal.number)


_Claim: TypeAlias = "tuple[int, str, str, float, Callable[[], float | None]]"
_KEPT = (
    "1 MB, 1,000 steps",
    "1 MB, 3,000 steps",
    "1 MB, 100% rewrites, 1,000 steps",
    "messages, 400 steps",
)
_HEALED = ("appends, 3,000 steps", "1 MB, only=, 1,000 steps")
_SEALED = (
    "1 MB, seal only, 1,000 steps",
    "1 MB, seal only, 3,000 steps",
    "1 MB, seal with parent=, 1,000 steps",
)


def _reads(found: Figures) -> Iterator[_Claim]:
    def grown(name: str, figure: str) -> Callable[[], float]:
        return lambda: found.special("growing", name, figure)

    for name in _KEPT:
        yield 1, f"{name}: GETs of the last quarter", "<=", 5, grown(name, "GET, last quarter")
        yield 1, f"{name}: growth exponent of GETs", "<=", 0.05, grown(name, "growth of GET")
    large = "10 MB, 300 steps: GETs of the last quarter"
    yield 1, large, "<=", 5, lambda: found.row(10, 0.2, _OURS).last_gets
    for name in _HEALED:
        end = grown(name, "GETs to open all at the end")
        yield 1, f"{name}, then one open of all: its GETs", "<=", 5, end


def _prices(found: Figures) -> Iterator[_Claim]:
    yield 2, "1 MB: $ a million steps", "<=", 4, lambda: found.row(1, 0.2, _OURS).dollars
    for size in (1, 10):
        yield (
            2,
            f"{size} MB: times cheaper than one object a step",
            ">=",
            10,
            lambda s=size: found.ratio(s, 0.2, _OURS, ONE_OBJECT, lambda row: row.dollars),
        )
    for way, limit, label in ((_OURS, 0.25, "default"), (_CARRYING, 0.15, "carry 64 KB")):
        puts = f"1 MB: PUTs a step, {label}"
        yield 2, puts, "<=", limit, lambda w=way: found.row(1, 0.2, w).puts


def _writes(found: Figures) -> Iterator[_Claim]:
    for rewrites in (0.2, 1.0):
        share = f"1 MB, {rewrites:.0%} rewrites"
        yield (
            3,
            f"{share}: bytes written over the compressed change",
            "<=",
            4.5,
            lambda r=rewrites: _over_change(found.row(1, r, _OURS)),
        )
        yield (
            3,
            f"{share}: growth exponent of bytes written, less the change's",
            "<=",
            0.05,
            lambda r=rewrites: found.row(1, r, _OURS).growth,
        )
    for name in _SEALED:
        yield (
            3,
            f"{name}: bytes written over the compressed change",
            "<=",
            4.5,
            lambda n=name: (
                1000 * found.special("growing", n, "KB put") / found.row(1, 0.2, _OURS).change
            ),
        )
        yield (
            3,
            f"{name}: growth exponent of bytes written",
            "<=",
            0.05,
            lambda n=name: found.special("growing", n, "growth of KB"),
        )


def _times_with_a_tail(found: Figures) -> Iterator[_Claim]:
    for size, steps in ((1, 600), (1, 1000), (10, 300)):
        for figure in ("p50", "p99"):
            yield (
                4,
                f"{size} MB, {steps:,} steps, all opened: one object's {figure} over ours",
                ">=",
                1,
                lambda s=size, n=steps, f=figure: found.ratio(
                    s, 0.2, _OURS, ONE_OBJECT, lambda row: _tail(row, f), n
                ),
            )
    bare = "1 MB, all opened: a cold step over a bare GET, median"
    yield 4, bare, "<=", 1.6, lambda: found.over_bare(1, _OURS, "median")
    for size in (1, 10):
        yield (
            5,
            f"{size} MB, all opened: CPU of a step over one object's",
            "<=",
            1,
            lambda s=size: (
                1 / found.ratio(s, 0.2, _OURS, ONE_OBJECT, lambda row: row.step_cpu.median)
            ),
        )


def _fields(found: Figures) -> Iterator[_Claim]:
    def written(name: str) -> float:
        return found.special("many_fields", name, "KB put")

    yield (
        6,
        "50 fields of one name, one edited: KB written over those of fields with own names",
        "<=",
        1.1,
        lambda: _times(written("50 of 60 KB, one name"), written("50 of 60 KB, own names")),
    )
    yield (
        6,
        "50 fields of 2 KB beside 5 MB, one edited: PUTs a step",
        "<=",
        0.1,
        lambda: found.special("many_fields", "50 of 2 KB beside 5 MB", "PUT"),
    )
    for name in ("100 MB in twenty fields", "a string of 50 MB"):
        yield (
            7,
            f"{name}, a small edit: KB written a step",
            "<=",
            64,
            lambda n=name: found.special("large_values", n, "KB put, mean"),
        )
    for seal in ("first seal", "later seals"):
        yield (
            7,
            f"CPU for each MB, {seal}: 100 MB over 12.5 MB",
            "<=",
            1.2,
            lambda s=seal: (
                found.special("large_values", "100 MB in twenty fields", f"ms of CPU a MB, {s}")
                / found.special("large_values", "12.5 MB in twenty fields", f"ms of CPU a MB, {s}")
            ),
        )
    for kind in ("array", "object"):
        yield (
            7,
            f"4 records edited in a 10 MB {kind}: KB that left (store and bag)",
            "<=",
            65.536,
            lambda k=kind: (
                max(found.special("edits", f"{k}_{w}", "cost") for w in ("adjacent", "apart")) / _KB
            ),
        )
    yield (
        7,
        "append to a 100 MB history over one of 100 KB: bytes and CPU, the larger ratio",
        "<=",
        1.25,
        lambda: max(
            _times(
                found.special("appends", "100_MB", name), found.special("appends", "100_KB", name)
            )
            for name in ("bytes", "cpu_median")
        ),
    )


def _upkeep(found: Figures) -> Iterator[_Claim]:
    yield (
        8,
        "10,000 results: times faster than boto3 with 50 threads",
        ">=",
        6,
        lambda: (
            found.special("gather", "boto3_all", "seconds")
            / found.special("gather", "stream_all", "seconds")
        ),
    )
    yield (
        8,
        "10,000 results: memory over that of 1,000",
        "<=",
        1.5,
        lambda: (
            found.special("gather", "stream_all", "memory")
            / found.special("gather", "stream_tenth", "memory")
        ),
    )
    yield (
        9,
        "cold process: times faster than boto3 to the first value read",
        ">=",
        5,
        lambda: (
            found.special("cold_start", "boto3", "wall")
            / found.special("cold_start", "statebag", "wall")
        ),
    )
    yield (
        10,
        "`fsck` of 20,000 packs: seconds",
        "<=",
        40,
        lambda: found.special("upkeep", "seconds"),
    )


def _as_before(found: Figures) -> Iterator[_Claim]:
    """What must not be worse than before packs were merged: measured then, by this benchmark."""
    only = "1 MB, one field opened"
    yield 11, f"{only}: GETs a step", "<=", 0.85, lambda: found.row(1, 0.2, _ONLY).gets
    yield 11, f"{only}: PUTs a step", "<=", 0.18, lambda: found.row(1, 0.2, _ONLY).puts
    yield (
        11,
        f"{only}: KB written a step",
        "<=",
        5.9,
        lambda: found.row(1, 0.2, _ONLY).bytes_put / _KB,
    )
    yield (
        11,
        "1 MB, warm process: share of steps without a GET",
        ">=",
        0.9,
        lambda: found.row(1, 0.2, _OURS, "warm").without_gets,
    )
    yield (
        11,
        "1 MB, warm process: PUTs a step",
        "<=",
        0.21,
        lambda: found.row(1, 0.2, _OURS, "warm").puts,
    )


class AbsentError(Exception):
    """The run left it out."""


class Figures:
    """Finds figures by what they are."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def row(self, megabytes: int, rewrites: float, way: str, situation: str = "cold") -> Summary:
        """The longest run's row of a synthetic state; 0 MB is the one of 100 KB."""
        return max(
            self._rows(megabytes, rewrites, way, situation).values(), key=lambda row: row.steps
        )

    def ratio(
        self,
        megabytes: int,
        rewrites: float,
        way: str,
        than: str,
        figure: Callable[[Summary], float],
        steps: int | None = None,
    ) -> float:
        """How many times another way's figure is of a way's, in the longest runs of one length.

        With `steps`, in runs of that length.
        """
        mine = self._rows(megabytes, rewrites, way)
        others = self._rows(megabytes, rewrites, than)
        lengths = {one for one in mine.keys() & others.keys() if one == (steps or one)}
        if not lengths:
            raise AbsentError
        ours, theirs = figure(mine[max(lengths)]), figure(others[max(lengths)])
        return _times(theirs, ours)

    def _rows(
        self, megabytes: int, rewrites: float, way: str, situation: str = "cold"
    ) -> dict[int, Summary]:
        """All rows of a synthetic state, by their steps."""
        size = megabytes * 1_000_000 or 100_000
        found: dict[int, Summary] = {}
        for key, row in self._results.rows.items():
            workload, its_way, its_situation = key.split("|")
            kind, its_size, _, its_rewrites = (*workload.split(":"), "")[:4]
            if (kind, its_size, its_way, its_situation) == (
                "synthetic",
                str(size),
                way,
                situation,
            ) and float(its_rewrites) == rewrites:
                found[row.steps] = row
        if not found:
            raise AbsentError
        return found

    def special(self, *names: str) -> float:
        """A special measurement's figure."""
        value = self._results.special
        for name in names:
            if name not in value:
                raise AbsentError
            value = value[name]
        return float(value)  # type: ignore[arg-type]  # the last name's value is a number

    def over_bare(self, megabytes: int, way: str, what: str) -> float:
        """A step over a bare GET of 64 KB beside it."""
        row = self.row(megabytes, 0.2, way)
        if row.bare_wall is None:
            raise AbsentError
        return float(getattr(row.step_wall, what) / getattr(row.bare_wall, what))


def _times(one: float, other: float) -> float:
    """Their ratio; a short run may count nothing at all."""
    if not other:
        return inf if one else 1.0
    return one / other


def _tail(row: Summary, figure: str) -> float:
    if row.tail is None:
        raise AbsentError
    return float(getattr(row.tail, figure))


def _over_change(row: Summary) -> float:
    return row.bytes_put / row.change
