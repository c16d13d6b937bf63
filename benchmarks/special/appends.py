"""Appending to a history of 100 MB, against one of 100 KB; nothing is read for either."""

from __future__ import annotations

from statistics import mean, median
from time import perf_counter, process_time
from typing import Any

from benchmarks.special.place import Place, run
from benchmarks.synthetic import Writer
from statebag import Statebag
from statebag.format import json_text
from statebag.testing.process import forget

_SIZES = {"100_KB": 100_000, "100_MB": 100_000_000}
_SCOPE = "benchmark/appends"


def measure(place: Place) -> dict[str, Any]:
    """For each size: requests, bytes, CPU and wall time of an append of three entries."""
    steps = 20 if place.short else 200
    sizes = {"100_KB": 100_000, "100_MB": 2_000_000} if place.short else _SIZES
    return {name: _appends(place, size, steps) for name, size in sizes.items()}


def _appends(place: Place, size: int, steps: int) -> dict[str, float]:
    control, address, writer = place.control(), place.address(), Writer(5)
    control.set_delay(0)
    forget()
    bag = _history(Statebag(address), writer, size)
    cpu, wall, bags = [], [], []
    control.set_delay(place.delay_ms)
    before = control.counts()
    for step in range(steps):
        forget()
        client = Statebag(address)
        entries = [writer.entry(step, 600) for _ in range(3)]
        began_cpu, began = process_time(), perf_counter()
        bag = client.append(bag, "$.state_history", entries, scope=_SCOPE)
        cpu.append(process_time() - began_cpu)
        wall.append(perf_counter() - began)
        bags.append(len(json_text.encode(bag)))
    after = control.counts()
    control.set_delay(0)

    def requests(kind: str) -> int:
        return int(after["requests"].get(kind, 0) - before["requests"].get(kind, 0))

    return {
        "puts": requests("PUT") / steps,
        "gets": requests("GET") / steps,
        "bytes": (after["bytes_up"] - before["bytes_up"]) / steps,
        "cpu_median": median(cpu),
        "wall_median": median(wall),
        "wall_mean": mean(wall),
        "bag_bytes": max(bags),
    }


def _history(client: Statebag, writer: Writer, size: int) -> Any:
    """A bag whose history has `size` bytes."""
    array = client.array_writer(_SCOPE)
    samples = [writer.entry(i, 600) for i in range(2000)]
    written = place = 0
    while written < size:
        entry = {**samples[place % 2000], "call": writer.identifier(), "step": place}
        text = json_text.encode(entry)
        array.add(place, text)
        written += len(text)
        place += 1
    return client.seal({"state_history": array.finish()}, scope=_SCOPE)


if __name__ == "__main__":
    run(measure)
