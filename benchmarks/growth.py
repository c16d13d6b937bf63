"""Requests and bytes of a step while a state grows: `python -m benchmarks.growth`.

Each step is a process of its own as far as memory goes: whatever is remembered is dropped before
it; but for the writers that only seal, whose processes stay, or name the parent bag. Counts are
those of the requests that the library sends to a store in memory; `python -m benchmarks --only
growing` counts the same at a server.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from benchmarks.summary import growth
from benchmarks.synthetic import Writer
from benchmarks.workloads import synthetic
from statebag import Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from statebag.store.contract import Store

__all__ = [
    "GET",
    "LONG",
    "LONG_STEPS",
    "PUT",
    "STORED",
    "Growth",
    "main",
    "measure",
    "workloads",
]

SCOPE = "benchmark/run-1"
_QUARTERS = 4
_MESSAGE = 6000  # bytes of the median message
_ENTRY = 2500  # bytes of the median entry that is appended
_ROWS = 20_000  # of the table with scattered edits
_SCATTERED = 20  # rows that a step edits
_MOST_STEPS_OF_ROWS = 300  # of such a table: each step opens all of it
LONG = ("1 MB", "appends", "1 MB, seal only")  # measured for 3,000 steps as well
LONG_STEPS = 3000
PUT, GET, STORED = 5.0, 0.4, 0.023  # dollars a million requests, and a million KB a month


class Growth:
    """What the steps of one run sent.

    Args:
        name: Of the workload.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._steps: list[tuple[int, int, float]] = []
        self.last_open = 0

    def add(self, cost: usage.Usage) -> None:
        """Count one step."""
        self._steps.append((cost.gets, cost.puts, cost.bytes_put / 1000))

    @property
    def steps(self) -> int:
        """How many steps were counted."""
        return len(self._steps)

    def quarters(self) -> list[float]:
        """GETs a step in each quarter of the run."""
        size = len(self._steps) // _QUARTERS
        parts = [self._steps[n * size : (n + 1) * size] for n in range(_QUARTERS)]
        return [sum(one[0] for one in part) / len(part) for part in parts]

    def exponents(self) -> tuple[float, float]:
        """With which the GETs, and the KB written, grow over the number of the step."""
        gets, _, written = zip(*self._steps, strict=True)
        return growth(list(gets)), growth(list(written))

    def mean(self) -> tuple[float, float, float]:
        """GETs, PUTs and KB written a step."""
        steps = len(self._steps)
        gets, puts, written = (sum(one[n] for one in self._steps) / steps for n in range(3))
        return gets, puts, written

    def figures(self) -> dict[str, float]:
        """What a table shows: counts of a step, KB, dollars a million steps, and exponents."""
        gets, puts, written = self.mean()
        quarters, (growth_of_gets, growth_of_written) = self.quarters(), self.exponents()
        return {
            "GET, first quarter": quarters[0],
            "GET, last quarter": quarters[-1],
            "growth of GET": growth_of_gets,
            "PUT": puts,
            "KB put": written,
            "growth of KB": growth_of_written,
            "$/1M": puts * PUT + gets * GET + written * STORED,
            "GETs to open all at the end": self.last_open,
        }

    def row(self) -> str:
        """A row of the table."""
        gets, puts, written = self.mean()
        dollars = puts * PUT + gets * GET + written * STORED
        quarters = " ".join(f"{one:6.2f}" for one in self.quarters())
        return (
            f"{self.name:24} {quarters}  {puts:6.3f} {written:8.1f}  {dollars:6.2f}"
            f"  {self.last_open:4}  " + " ".join(f"{one:+6.2f}" for one in self.exponents())
        )


def _opened(step_state: Callable[[Any], None], client: Statebag, bag: Any) -> Any:
    state = client.open(bag, scope=SCOPE)
    step_state(state)
    return client.seal(state, scope=SCOPE)


def workloads(steps: int) -> dict[str, tuple[Any, Iterator[Any]]]:
    """First states, and what each step does, by the workload's name."""

    def changes(size: int, rewrites: float, *, only: bool) -> Iterator[Any]:
        for change in synthetic(size, steps, rewrites).changes():
            if only:
                yield lambda client, bag, change=change: client.seal(
                    _edited(client.open(bag, only=change.paths, scope=SCOPE), change),
                    scope=SCOPE,
                    append={"$.state_history": change.entries},
                )
            else:
                yield lambda client, bag, change=change: _opened(change.apply, client, bag)

    def messages() -> Iterator[Any]:
        writer = Writer(3)
        for n in range(steps * 2 // 5):  # a thousand give seven megabytes
            new = [writer.entry(n, _MESSAGE) for _ in range(3)]
            yield lambda client, bag, new=new: _opened(
                lambda state: state["messages"].extend(new), client, bag
            )

    def appends() -> Iterator[Any]:
        writer = Writer(3)
        for n in range(steps):
            new = [writer.entry(n, _ENTRY)]
            yield lambda client, bag, new=new: client.append(bag, "$.messages", new, scope=SCOPE)

    def sealed_only(*, cold: bool) -> Iterator[Any]:
        synthesized = synthetic(1_000_000, steps, 0.2)
        state = synthesized.initial()
        for change in synthesized.changes():
            change.apply(state)
            yield lambda client, bag, state=state: client.seal(
                state, scope=SCOPE, parent=bag if cold else None
            )

    def scattered() -> Iterator[Any]:
        writer = Writer(3)
        for _ in range(min(steps, _MOST_STEPS_OF_ROWS)):
            places = writer.random.sample(range(_ROWS), _SCATTERED)
            values = {place: writer.identifier() for place in places}

            def edit(state: Any, values: dict[int, str] = values) -> None:
                for place, value in values.items():
                    state["rows"][place]["status"] = value

            yield lambda client, bag, edit=edit: _opened(edit, client, bag)

    rows = Writer(4)
    table = {"rows": [{"id": rows.identifier(), "status": "open"} for _ in range(_ROWS)]}
    empty = {"messages": [], "status": "RUNNING"}
    million = synthetic(1_000_000, steps, 0.2).initial()
    return {
        "1 MB": (million, changes(1_000_000, 0.2, only=False)),
        "1 MB, 100% rewrites": (million, changes(1_000_000, 1.0, only=False)),
        "1 MB, only=": (million, changes(1_000_000, 0.2, only=True)),
        "messages": (empty, messages()),
        "appends": (empty, appends()),
        "1 MB, seal only": (million, sealed_only(cold=False)),
        "1 MB, seal with parent=": (million, sealed_only(cold=True)),
        "scattered edits": (table, scattered()),
    }


def _edited(state: Any, change: Any) -> Any:
    change.apply_fields(state)
    return state


def measure(
    name: str,
    first: Any,
    steps: Iterator[Any],
    *,
    store: Store | None = None,
    counting: Callable[[], AbstractContextManager[usage.Usage]] = usage.measured,
    policy: Policy | None = None,
) -> Growth:
    """Run a workload, each step with an empty memory, unless its writer only seals.

    Args:
        name: Of the workload.
        first: Its first state.
        steps: What each step does.
        store: An empty one; by default in memory.
        counting: Counts the requests of what runs inside; by default those that are sent.
        policy: Of each step.
    """
    store = store or MemoryStore()
    stays = name.endswith("seal only")

    def client() -> Statebag:
        if not stays:
            forget()
        return Statebag(store, policy=policy)

    growth = Growth(name)
    bag = client().seal(first, scope=SCOPE)
    for step in steps:
        with counting() as cost:
            bag = step(client(), bag)
        growth.add(cost)
    forget()
    with counting() as cost:
        client().open(bag, scope=SCOPE)
    growth.last_open = cost.gets
    return growth


def main() -> None:
    """Print the table; with `--long`, that of three workloads over 3,000 steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--long", action="store_true", help="3,000 steps of three workloads")
    parser.add_argument("--packs", type=int, default=Policy().max_packs, help="that a bag may name")
    parser.add_argument("names", nargs="*", help="workloads; all of them by default")
    chosen = parser.parse_args()
    count, names = (LONG_STEPS, LONG) if chosen.long else (chosen.steps, ())
    print(
        "workload                 GETs a step, by quarter         PUT       KB     $/M"
        "  open all, exponents of GETs and KB"
    )
    for name, (first, steps) in workloads(count).items():
        if name in (chosen.names or names or [name]):
            policy = Policy(max_packs=chosen.packs)
            print(measure(name, first, steps, policy=policy).row(), flush=True)


if __name__ == "__main__":
    main()
