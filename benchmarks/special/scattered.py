"""Fifty edits in random places of a table of 100,000 records: bytes of a step over its change.

The tables of `benchmarks.scattered`, counted at the server. No request is delayed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.scattered import KINDS, ROWS, scattered
from benchmarks.special.growing import counted
from benchmarks.special.place import Place, run
from statebag.store.address import store_from_url

_STEPS = 100


def measured(place: Place) -> dict[str, Any]:
    """A row for each kind of table."""
    control = place.control()
    control.set_delay(0)
    rows, steps = (ROWS // 100, 4) if place.short else (ROWS, _STEPS)

    def row(kind: str) -> dict[str, float]:
        found, change = scattered(
            kind,
            rows,
            steps,
            store=store_from_url(place.address()),
            counting=partial(counted, control),
        )
        gets, puts, written = found.mean()
        return {
            "GET": gets,
            "PUT": puts,
            "KB put": written,
            "KB changed": change / 1000,
            "times the change": 1000 * written / change,
            "GETs to open all at the end": found.last_open,
        }

    return {kind: row(kind) for kind in KINDS}


if __name__ == "__main__":
    run(measured)
