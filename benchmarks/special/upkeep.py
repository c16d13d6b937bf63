"""`fsck` of 20,000 packs whose reads are delayed: seconds, and packs a second."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time
from typing import Any

from benchmarks.special.place import Place, run
from benchmarks.synthetic import Writer
from statebag import Policy, Statebag
from statebag.store.address import store_from_url
from statebag.upkeep.fsck import fsck

_PACKS, _SHORT = 20_000, 200
_BYTES = 6_000  # of the value in each


def measure(place: Place) -> dict[str, Any]:
    """Seconds of wall and CPU, and packs a second."""
    control, address = place.control(), place.address()
    control.set_delay(0)
    count = _SHORT if place.short else _PACKS
    client = Statebag(address, policy=Policy(carry_bytes=0, field_limit=1024))
    text = Writer(5).text(200_000)

    def one(number: int) -> None:
        start = number * 37 % 180_000
        value = {"number": number, "text": text[start : start + _BYTES]}
        client.seal(value, scope=f"benchmark/run-{number // 10:05}")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, range(count)))
    store = store_from_url(address)
    control.set_delay(place.delay_ms)
    cpu, wall = process_time(), perf_counter()
    report = fsck(store)
    found = {"seconds": perf_counter() - wall, "cpu": process_time() - cpu}
    control.set_delay(0)
    assert report.whole
    assert report.objects == {"pack": count}
    return {**found, "packs a second": count / found["seconds"]}


if __name__ == "__main__":
    run(measure)
