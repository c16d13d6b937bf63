"""Requests and bytes of a step while a state grows, counted at the server.

The workloads of `benchmarks.growth`, and three of them over 3,000 steps. No request is delayed.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.growth import LONG, LONG_STEPS, measure, workloads
from benchmarks.special.place import Place, run
from statebag.store.address import store_from_url
from statebag.telemetry.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.control import Control

_STEPS = 1000
_SHORT = 12
_SHORT_OF = ("1 MB", "appends")


def grown(place: Place) -> dict[str, Any]:
    """A row for each workload: counts a step, KB, dollars a million steps, and exponents."""
    control = place.control()
    control.set_delay(0)
    found: dict[str, Any] = {}
    for steps, names in ((_STEPS, ()), (LONG_STEPS, LONG)):
        count = _SHORT if place.short else steps
        for name, (first, changes) in workloads(count).items():
            if name not in (names or [name]) or (place.short and name not in _SHORT_OF):
                continue
            growth = measure(
                name,
                first,
                changes,
                store=store_from_url(place.address()),
                counting=partial(counted, control),
            )
            # Some workloads take fewer steps; a short run goes by the name of the whole one.
            named = steps if place.short else growth.steps
            found[f"{name}, {named:,} steps"] = growth.figures()
    return found


@contextmanager
def counted(control: Control) -> Iterator[Usage]:
    before, cost = control.counts(), Usage()
    yield cost
    after = control.counts()

    def sent(*kinds: str) -> int:
        return sum(
            after["requests"].get(kind, 0) - before["requests"].get(kind, 0) for kind in kinds
        )

    cost.gets, cost.puts = sent("GET", "HEAD", "LIST"), sent("PUT", "POST")
    cost.bytes_put = after["bytes_up"] - before["bytes_up"]


if __name__ == "__main__":
    run(grown)
