"""What a reader of the page wants to know first: is it better than one object, and when not?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.goals import AbsentError, Figures
from benchmarks.suite import ONE_OBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.suite import Results
    from benchmarks.summary import Summary

__all__ = ["COLUMNS", "answered", "rows"]

COLUMNS = ("state", "way", "$ a million steps", "KB written", "GET", "p50 ms", "p99 ms", "CPU ms")
_SIZES = ((0, "100 KB", 1000), (1, "1 MB", 1000), (10, "10 MB", 300))
_WAYS = (
    ("statebag:only", "statebag, `only=`"),
    ("statebag", "statebag, all opened"),
    (ONE_OBJECT, "one zstd object"),
)


def rows(results: Results) -> Iterator[list[str]]:
    """A row for each size and way, of runs of one length, each step in a new process's memory."""
    for label, named in _compared(results):
        for way, title in _WAYS:
            if way not in named:
                continue
            row = named[way]
            tail = ("-", "-") if row.tail is None else (row.tail.p50, row.tail.p99)
            yield [
                label,
                title,
                f"{row.dollars:,.2f}",
                f"{row.bytes_put / 1000:,.1f}",
                f"{row.gets:.1f}",
                *(one if isinstance(one, str) else f"{one:.0f}" for one in tail),
                f"{row.step_cpu.median:.1f}",
            ]


def answered(results: Results) -> str:
    """The answer in sentences: cost, time and CPU, and where one object is the better choice."""
    costs, quicker, slower, busier = [], [], [], []
    for label, named in _compared(results):
        ours, other = named.get("statebag"), named.get(ONE_OBJECT)
        if ours is None or other is None:
            continue
        costs.append(f"{other.dollars / ours.dollars:.0f} times less at {label}")
        if ours.tail is not None and other.tail is not None:
            for figure in ("p50", "p99"):
                mine, theirs = getattr(ours.tail, figure), getattr(other.tail, figure)
                text = f"{figure} at {label} ({mine:.0f} against {theirs:.0f} ms)"
                (quicker if mine <= theirs else slower).append(text)
        if ours.step_cpu.median > other.step_cpu.median:
            ratio = ours.step_cpu.median / other.step_cpu.median
            busier.append(f"{ratio:.1f} times at {label}")
    if not costs:
        return ""
    beside = (
        "The strongest simple way is one zstd object for the whole state, written by msgspec and "
        f"obstore in each step. Beside it, statebag costs {_listed(costs)}, if each step opens "
        "everything."
    )
    parts = [beside]
    if quicker:
        parts.append(f"It is faster in {_listed(quicker)}.")
    if slower:
        parts.append(f"It is **slower** in {_listed(slower)}.")
    if busier:
        parts.append(
            f"It takes **more CPU**: {_listed(busier)}. It verifies what it reads, and checks what "
            "it seals; one object does neither."
        )
    if _only_is_fastest(results):
        parts.append(
            "A step that names what it opens (`only=`) is faster than both in p50, at each size."
        )
    parts.append(
        "Keep one object if your state stays small, every step reads all of it, and you need no "
        "check of what you read."
    )
    return " ".join(parts)


def _compared(results: Results) -> Iterator[tuple[str, dict[str, Summary]]]:
    figures = Figures(results)
    for size, label, steps in _SIZES:
        named: dict[str, Summary] = {}
        for way, _ in _WAYS:
            try:
                row = figures.row(size, 0.2, way)
            except AbsentError:
                continue
            if row.steps >= min(steps, max(one.steps for one in results.rows.values())):
                named[way] = row
        if named:
            yield label, named


def _only_is_fastest(results: Results) -> bool:
    tails = [
        {way: row.tail.p50 for way, row in named.items() if row.tail is not None}
        for _, named in _compared(results)
    ]
    return all(
        len(one) == len(_WAYS) and min(one, key=one.__getitem__) == _WAYS[0][0] for one in tails
    )


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
