"""Requests and bytes of a step while a state grows: `python -m benchmarks.growth`.

Each step is a process of its own as far as memory goes: whatever is remembered is dropped before
it. Counts are those of the requests that the library sends to a store in memory.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from benchmarks.synthetic import Writer
from benchmarks.workloads import synthetic
from statebag import Statebag
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Growth", "main", "measure", "workloads"]

SCOPE = "benchmark/run-1"
_QUARTERS = 4
_MESSAGE = 6000  # bytes of the median message
_ENTRY = 2500  # bytes of the median entry that is appended
_PUT, _GET, _STORED = 5.0, 0.4, 0.023  # dollars a million requests, and a million KB a month


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

    def quarters(self) -> list[float]:
        """GETs a step in each quarter of the run."""
        size = len(self._steps) // _QUARTERS
        parts = [self._steps[n * size : (n + 1) * size] for n in range(_QUARTERS)]
        return [sum(one[0] for one in part) / len(part) for part in parts]

    def mean(self) -> tuple[float, float, float]:
        """GETs, PUTs and KB written a step."""
        steps = len(self._steps)
        gets, puts, written = (sum(one[n] for one in self._steps) / steps for n in range(3))
        return gets, puts, written

    def row(self) -> str:
        """A row of the table."""
        gets, puts, written = self.mean()
        dollars = puts * _PUT + gets * _GET + written * _STORED
        quarters = " ".join(f"{one:6.2f}" for one in self.quarters())
        return (
            f"{self.name:24} {quarters}  {puts:6.3f} {written:8.1f}  {dollars:6.2f}"
            f"  {self.last_open:4}"
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

    empty = {"messages": [], "status": "RUNNING"}
    million = synthetic(1_000_000, steps, 0.2).initial()
    return {
        "1 MB": (million, changes(1_000_000, 0.2, only=False)),
        "1 MB, 100% rewrites": (million, changes(1_000_000, 1.0, only=False)),
        "1 MB, only=": (million, changes(1_000_000, 0.2, only=True)),
        "messages": (empty, messages()),
        "appends": (empty, appends()),
    }


def _edited(state: Any, change: Any) -> Any:
    change.apply_fields(state)
    return state


def measure(name: str, first: Any, steps: Iterator[Any]) -> Growth:
    """Run a workload, each step with an empty memory."""
    store = MemoryStore()

    def client() -> Statebag:
        forget()
        return Statebag(store)

    growth = Growth(name)
    bag = client().seal(first, scope=SCOPE)
    for step in steps:
        with usage.measured() as cost:
            bag = step(client(), bag)
        growth.add(cost)
    with usage.measured() as cost:
        client().open(bag, scope=SCOPE)
    growth.last_open = cost.gets
    return growth


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("names", nargs="*", help="workloads; all of them by default")
    chosen = parser.parse_args()
    print("workload                 GETs a step, by quarter         PUT       KB     $/M  open all")
    for name, (first, steps) in workloads(chosen.steps).items():
        if not chosen.names or name in chosen.names:
            print(measure(name, first, steps).row(), flush=True)


if __name__ == "__main__":
    main()
