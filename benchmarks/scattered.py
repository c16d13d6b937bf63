"""Edits in random places of a large table: `python -m benchmarks.scattered`.

Each step opens all of it with an empty memory, edits 50 records, and seals. What it writes is held
against its change: the new values, compressed. Counts are those of the requests that the library
sends to a store in memory.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from benchmarks.growth import SCOPE, Growth, measure
from benchmarks.synthetic import Writer
from statebag.format.codec import compress
from statebag.format.json_text import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["KINDS", "ROWS", "main", "scattered"]

KINDS = ("array", "object", "array that grows")
ROWS = 100_000
_EDITED = 50
_NEW = 20  # records that a step adds to an array that grows


def scattered(kind: str, rows: int, steps: int, **at: Any) -> tuple[Growth, float]:
    """Return what the steps of a run sent, and the mean bytes of their changes.

    Args:
        kind: One of `KINDS`.
        rows: Records of the table.
        steps: How many.
        at: The store, and what counts, as for `benchmarks.growth.measure`.
    """
    writer = Writer(4)

    def record() -> dict[str, Any]:
        return {"id": writer.identifier(), "status": "open"}

    table: Any = [record() for _ in range(rows)]
    if kind == "object":
        table = {writer.identifier(): one for one in table}
    keys = list(table) if kind == "object" else range(rows)
    changes: list[int] = []

    def steps_of() -> Iterator[Any]:
        for _ in range(steps):
            values = {
                key: writer.identifier()
                for key in writer.random.sample(keys, min(_EDITED, len(keys)))
            }
            new = [record() for _ in range(_NEW)] if kind == "array that grows" else []
            changes.append(len(compress(encode([*values.values(), *new]))))

            def step(client: Any, bag: Any, values: Any = values, new: Any = new) -> Any:
                state = client.open(bag, scope=SCOPE)
                for key, value in values.items():
                    state["rows"][key]["status"] = value
                if new:
                    state["rows"].extend(new)
                return client.seal(state, scope=SCOPE)

            yield step

    found = measure(kind, {"rows": table}, steps_of(), **at)
    return found, sum(changes) / steps


def main() -> None:
    """Print a row for each kind of table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("kinds", nargs="*", help="tables; all of them by default")
    chosen = parser.parse_args()
    print("table                 GET     PUT  KB put  KB changed  times   GETs of an open")
    for kind in chosen.kinds or KINDS:
        found, change = scattered(kind, chosen.rows, chosen.steps)
        gets, puts, written = found.mean()
        print(
            f"{kind:18}{gets:7.2f} {puts:7.3f} {written:7.1f} {change / 1000:11.2f}"
            f" {1000 * written / change:6.1f} {found.last_open:17}",
            flush=True,
        )


if __name__ == "__main__":
    main()
