"""How much merging writes, and how much it must: `python -m benchmarks.least_merging`.

A workload runs without any merging, which shows how many bytes each pack still has that a bag
needs, after each step that wrote one. From this the least is computed that any rule could write,
also one that knows all later steps, so that no bag ever names more than so many packs. Then the
workload runs as it does by default.

The least counts frames alone, and a merge joins packs that were written one after another. That is
the binomial scheme of Bentley and Saxe, with what dies meanwhile taken into account.
"""

from __future__ import annotations

import argparse
from itertools import accumulate, product
from math import inf
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks.growth import GET, SCOPE, STORED, workloads
from statebag import Policy, Statebag
from statebag.opening.fetch import Fetcher
from statebag.opening.inspection import IndexReader, inspect
from statebag.opening.opener import Confinement
from statebag.sealing.compaction import which_move
from statebag.store.cache import BlobCache
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Run", "least", "main", "pieces", "run"]

_APART = Policy(max_packs=1_000_000)  # nothing merges
_OPENED_EVERY = 10  # steps
_WORKLOADS = ("1 MB, only=", "1 MB", "messages", "appends")
_PACKS = (2, 3, 4, 5)
_COUNTS = (50, 100, 200, 300)
_PIECE = 1000  # bytes

_Least: TypeAlias = "Callable[[int, int], float]"  # bytes, for a first and a last step


class Run:
    """What the steps of a run wrote.

    Attributes:
        steps: Their number.
        written: Bytes of all packs, without the first state's.
        live: After each step that wrote a pack, and after the first seal if that did: the bytes
            that the bag refers to in each pack, the oldest first. Of a run that was not traced,
            empty.
        first: Bytes that the first bag refers to.
        opens: The requests of an open of all after every tenth step.
    """

    def __init__(self) -> None:
        self.steps = self.written = self.first = 0
        self.live: list[list[int]] = []
        self.opens: list[int] = []


def run(first: Any, changes: Any, policy: Policy, *, traced: bool) -> Run:
    """Run a workload, each step with an empty memory.

    Args:
        first: The first state.
        changes: What each step does.
        policy: Of the client.
        traced: Whether to note what of each pack is still referred to; else all is opened now and
            then.
    """
    store, found, names = MemoryStore(), Run(), list[str]()

    def client() -> Statebag:
        forget()
        return Statebag(store, policy=policy)

    def trace(bag: Any) -> None:
        reader = IndexReader(Fetcher(store, BlobCache(0), policy), Confinement(None, ()))
        sizes = {one.name: one.bytes for one in inspect(bag, reader).packs}
        names.extend([name for name in sizes if name not in names])
        if names:
            found.live.append([sizes.get(name, 0) for name in names])

    bag = client().seal(first, scope=SCOPE)
    if traced:
        trace(bag)
        found.first = sum(sum(row) for row in found.live)
    for change in changes:
        with usage.measured() as cost:
            bag = change(client(), bag)
        found.steps += 1
        found.written += cost.bytes_put
        if traced and cost.puts:
            trace(bag)
        elif not traced and found.steps % _OPENED_EVERY == 0:
            with usage.measured() as cost:
                client().open(bag, scope=SCOPE)
            found.opens.append(cost.gets)
    return found


def least(live: Sequence[Sequence[int]], packs: int) -> float:
    """Return the least bytes to write, the first pack's too, so that no bag names more packs.

    Args:
        live: Of `Run`.
        packs: The number of packs.
    """
    below: _Least = _no_packs
    for _ in range(min(packs, len(live))):
        below = _with_one_more(live, below)
    return below(0, len(live) - 1)


def _no_packs(start: int, stop: int) -> float:
    return inf if start <= stop else 0.0


def _with_one_more(live: Sequence[Sequence[int]], below: _Least) -> _Least:
    """Return the least to write what is new from one step to another into packs of its own.

    When the oldest of these packs is written for the last time, it takes along all of them that are
    there. What comes later has one pack less.
    """
    sums = [[0, *accumulate(row)] for row in live]
    found: dict[tuple[int, int], float] = {}
    for start in range(len(live)):
        for stop in range(start, len(live)):
            found[start, stop] = min(
                [
                    found.get((start, last - 1), 0.0)
                    + (sums[last][last + 1] - sums[last][start])
                    + below(last + 1, stop)
                    for last in range(start, stop + 1)
                ]
            )
    return lambda start, stop: found.get((start, stop), 0.0)


def pieces(count: int, packs: int) -> tuple[float, float]:
    """Return how often the rule writes each of many equal pieces of which none dies, and the least.

    Args:
        count: The number of pieces.
        packs: The number of packs.
    """
    held: dict[str, int] = {}
    written = 0
    for n in range(count):
        moving = which_move(held, _PIECE, dict.fromkeys(held, 1), packs)
        size = _PIECE + sum(held.pop(name) for name in moving)
        held[str(n)] = size
        written += size
    growing = [[_PIECE] * (n + 1) for n in range(count)]
    return written / _PIECE / count, least(growing, packs) / _PIECE / count


def _dollars(packs: int, kilobytes: float) -> float:
    """Return the price of a million steps that open all, without that of their PUTs."""
    return GET * packs + STORED * kilobytes


def main() -> None:
    """Print a row for each workload; with `--pieces`, how near the rule comes to the least."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--pieces", action="store_true", help="of equal size, of which none dies")
    parser.add_argument("names", nargs="*", help="workloads of `benchmarks.growth`")
    chosen = parser.parse_args()
    if chosen.pieces:
        print("pieces  packs  each written by the rule  least")
        for count, packs in product(_COUNTS, _PACKS[2:]):
            by_rule, bound = pieces(count, packs)
            print(f"{count:6} {packs:6} {by_rule:25.2f} {bound:6.2f}", flush=True)
        return
    print(
        "KB a step                 unmerged  "
        + "  ".join(f"least, {packs} packs" for packs in _PACKS)
        + "  by default  GETs of an open: mean, most  least $/1M"
    )
    for name in chosen.names or _WORKLOADS:
        first, changes = workloads(chosen.steps)[name]
        apart = run(first, changes, _APART, traced=True)
        first, changes = workloads(chosen.steps)[name]
        ours = run(first, changes, Policy(), traced=False)
        bounds = [(least(apart.live, packs) - apart.first) / apart.steps / 1000 for packs in _PACKS]
        print(
            f"{name:26}{apart.written / apart.steps / 1000:8.1f}  "
            + "  ".join(f"{bound:14.1f}" for bound in bounds)
            + f"  {ours.written / ours.steps / 1000:10.1f}"
            + f"  {sum(ours.opens) / len(ours.opens):.1f} {max(ours.opens)}"
            + f"  {min(map(_dollars, _PACKS, bounds)):.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
