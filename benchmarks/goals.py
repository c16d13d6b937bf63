"""The goals that the figures are held against, each a ratio within one run."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from benchmarks.peers import PEERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.suite import Results
    from benchmarks.summary import Summary

__all__ = ["AbsentError", "Figures", "Goal", "judged"]

_KB = 1000


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

    ours = ("statebag", "statebag:65536")
    for way, limit, fewer, label in (
        (ours[0], 0.25, 50, "default"),
        (ours[1], 0.15, 80, "carry 64 KB"),
    ):
        add(1, f"1 MB: PUTs a step, {label}", "<=", limit, lambda w=way: found.row(1, 0.2, w).puts)
        add(
            1,
            f"1 MB: times fewer PUTs than the audited way, {label}",
            ">=",
            fewer,
            lambda w=way: found.ratio(1, 0.2, w, "audited", lambda row: row.puts),
        )
    for rewrites, fewer in ((0.2, 100), (1.0, 50)):
        share = f"1 MB, {rewrites:.0%} rewrites"
        add(
            2,
            f"{share}: growth exponent of bytes written, less the change's (either way)",
            "<=",
            0.05,
            lambda r=rewrites: abs(found.row(1, r, ours[0]).growth),
        )
        add(
            2,
            f"{share}: times fewer bytes written than the audited way",
            ">=",
            fewer,
            lambda r=rewrites: found.ratio(1, r, ours[0], "audited", lambda row: row.bytes_put),
        )
        add(
            2,
            f"{share}: bytes written over the compressed change",
            "<=",
            2,
            lambda r=rewrites: _over_change(found.row(1, r, ours[0])),
        )
    for way, opened in (("statebag", "all opened"), ("statebag:only", "one field opened")):
        for size, median, mean in ((1, 1.3, 1.6), (10, 1.6, 2.0)):
            label = f"{size} MB, {opened}: a cold step over a bare GET"
            add(
                3,
                f"{label}, median",
                "<=",
                median,
                lambda s=size, w=way: found.over_bare(s, w, "median"),
            )
            add(
                3,
                f"{label}, mean",
                "<=",
                mean,
                lambda s=size, w=way: found.over_bare(s, w, "mean"),
            )
        for other, times in (("audited", 20), *((peer.way, 2) for peer in PEERS)):
            add(
                3,
                f"1 MB, {opened}: times faster than {other}",
                ">=",
                times,
                lambda w=way, o=other: found.ratio(1, 0.2, w, o, lambda row: row.step_wall.median),
            )
    for size in (1, 10):
        for way, less, label in (
            ("statebag:only", 30, "one field opened"),
            ("statebag", 8, "all opened"),
        ):
            add(
                4,
                f"{size} MB: times less CPU a step than the audited way, {label}",
                ">=",
                less,
                lambda s=size, w=way: found.ratio(
                    s, 0.2, w, "audited", lambda row: row.step_cpu.mean
                ),
            )
    for way, opened in (
        ("statebag:65536", "all opened"),
        ("statebag:65536:only", "one field opened"),
    ):
        add(
            5,
            f"100 KB, carry 64 KB, {opened}: share of steps without a request, cold",
            ">=",
            0.5,
            lambda w=way: found.row(0, 0.2, w).without_requests,
        )
    add(
        5,
        "1 MB, warm process: share of steps without a GET",
        ">=",
        0.9,
        lambda: found.row(1, 0.2, ours[0], "warm").without_gets,
    )
    for kind, label in (("one_pack", "of one seal"), ("twenty_packs", "of twenty seals")):
        add(
            6,
            f"20 stored fields {label} over one: time to open",
            "<=",
            1.3,
            lambda k=kind: found.special("fields", k) / found.special("fields", "one"),
        )
    add(
        7,
        "10,000 results: times faster than boto3 with 50 threads",
        ">=",
        6,
        lambda: (
            found.special("gather", "boto3_all", "seconds")
            / found.special("gather", "stream_all", "seconds")
        ),
    )
    add(
        7,
        "10,000 results: memory over that of 1,000",
        "<=",
        1.5,
        lambda: (
            found.special("gather", "stream_all", "memory")
            / found.special("gather", "stream_tenth", "memory")
        ),
    )
    add(
        8,
        "cold process: times faster than boto3 to the first value read",
        ">=",
        5,
        lambda: (
            found.special("cold_start", "boto3", "wall")
            / found.special("cold_start", "statebag", "wall")
        ),
    )
    for kind in ("array", "object"):
        add(
            9,
            f"4 records edited in a 10 MB {kind}: KB that left (store and bag)",
            "<=",
            65.536,
            lambda k=kind: (
                max(found.special("edits", f"{k}_{w}", "cost") for w in ("adjacent", "apart")) / _KB
            ),
        )
    add(
        9,
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
    return goals


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
    ) -> float:
        """How many times another way's figure is of a way's, in the longest runs of one length."""
        mine = self._rows(megabytes, rewrites, way)
        others = self._rows(megabytes, rewrites, than)
        lengths = mine.keys() & others.keys()
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
    return one / other if other else inf


def _over_change(row: Summary) -> float:
    return row.bytes_put / row.change
