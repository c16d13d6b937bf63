"""Small edits of one large value: `python -m benchmarks.large_values "text 50" "array 40"`.

A text is made of parts of one of 2 MB; `passages` of parts of one of 20 KB, so it repeats itself
much more; `lines` of fifty lines again and again.

Each step opens all of the value with an empty memory, changes about 100 bytes in a random place,
and seals. Counts are those of the requests that the library sends to a store in memory.
"""

from __future__ import annotations

import argparse
from time import process_time
from typing import Any

from benchmarks.synthetic import Writer
from statebag import Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.telemetry import usage
from statebag.testing.process import forget

__all__ = ["made", "main", "measure"]

_SCOPE = "benchmark/large"
_VALUES = (
    "text 1",
    "text 10",
    "text 25",
    "text 50",
    "passages 50",
    "lines 50",
    "array 40",
    "array 100",
)
_PART = 1500  # characters that are taken from one place of a shorter text
_SOURCE = 2_000_000
_PASSAGES = 20_000  # characters that passages are taken from
_LINES, _LINE = 50, 120  # different lines, and characters of one
_EDIT = 100
_MEGABYTE = 1_000_000
_POLICY = Policy(deadline_seconds=600)  # so that a slow machine does not fail the run


def made(kind: str, size: int, writer: Writer) -> Any:
    """Return a text, or an array of records, of so many bytes."""
    if kind == "array":
        rows = writer.records(min(size, _SOURCE))
        return [{**rows[n % len(rows)], "id": writer.identifier()} for n in range(size // 420)]
    if kind == "lines":
        lines = [writer.text(_LINE) + "\n" for _ in range(_LINES)]
        return "".join(writer.random.choices(lines, k=size // (_LINE + 1)))
    source = writer.text(min(size, _PASSAGES if kind == "passages" else _SOURCE))
    places = [writer.random.randrange(max(len(source) - _PART, 1)) for _ in range(size // _PART)]
    return "".join([source[place : place + _PART] for place in places])


def _edited(value: Any, writer: Writer) -> Any:
    place = writer.random.randrange(len(value))
    if isinstance(value, str):
        return value[:place] + writer.text(_EDIT) + value[place + _EDIT // 2 :]
    changed = {**value[place], "status": "edited", "notes": writer.text(_EDIT)}
    return [*value[:place], changed, *value[place + 1 :]]


def measure(kind: str, size: int, steps: int) -> dict[str, float]:
    """Return GETs, PUTs and KB a step, the KB of the largest step, and CPU seconds of a seal."""
    writer, store = Writer(9), MemoryStore()
    value = made(kind, size, writer)
    forget()
    bag = Statebag(store, policy=_POLICY).seal({"value": value}, scope=_SCOPE)
    written, seconds = [], []
    with usage.measured() as cost:
        for _ in range(steps):
            forget()
            client = Statebag(store, policy=_POLICY)
            state = client.open(bag, scope=_SCOPE)
            state["value"] = _edited(state["value"], writer)
            before, start = cost.bytes_put, process_time()
            bag = client.seal(state, scope=_SCOPE)
            seconds.append(process_time() - start)
            written.append((cost.bytes_put - before) / 1000)
    return {
        "gets": cost.gets / steps,
        "puts": cost.puts / steps,
        "kilobytes": sum(written) / steps,
        "largest": max(written),
        "seconds": min(seconds),
    }


def main() -> None:
    """Print a row for each value."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("values", nargs="*", help="such as `text 50`: its kind and megabytes")
    chosen = parser.parse_args()
    print("value          GET     PUT      KB  largest   CPU s of a seal")
    for name in chosen.values or _VALUES:
        kind, size = name.split()
        one = measure(kind, int(float(size) * _MEGABYTE), chosen.steps)
        print(
            f"{name:10} {one['gets']:7.2f} {one['puts']:7.3f} {one['kilobytes']:7.1f}"
            f" {one['largest']:8.1f}  {one['seconds']:8.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
