"""What a step cannot do without: the least work on its state, and the least of a request.

A step that opens all of it must at least inflate, digest and decode its text, and encode and
check it again when it seals. That and the requests' own time bound what can be reached. The state
is that of the 1 MB workload in the middle of its 1,000 steps, when its history has grown.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from benchmarks import workloads
from benchmarks.special.place import Place, run
from statebag.format import codec, json_check, json_text
from statebag.store.address import store_from_url

if TYPE_CHECKING:
    from collections.abc import Callable

_HALF = 500  # steps
_SIDE_BY_SIDE = 64
_MANY = 3000
_SMALL = 10_000  # bytes, as one result of a branch


def measure(place: Place) -> dict[str, Any]:
    """Milliseconds of CPU each; requests a second that the counting proxy can take; megabytes."""
    rounds = 5 if place.short else 60
    workload = workloads.synthetic(1_000_000, 20 if place.short else _HALF, 0.2)
    state = workload.initial()
    for change in workload.changes():
        change.apply(state)
    text = json_text.encode(state)
    frame, digest = codec.compress(text), codec.sha256_hex(text)

    def cpu(work: Callable[[], Any]) -> float:
        times = []
        for _ in range(rounds):
            began = process_time()
            work()
            times.append(1000 * (process_time() - began))
        return median(times)

    found = {
        "inflate and digest": cpu(
            lambda: codec.decompress(frame, size=len(text), sha256=digest, where=None)
        ),
        "decode": cpu(lambda: json_text.decode(text)),
        "check": cpu(lambda: json_check.check_json(state, strings=False)),
        "encode": cpu(lambda: json_text.encode(state)),
    }
    found["all of these"] = sum(found.values())
    return {
        "ms of CPU": {**found, **_requests(place, cpu)},
        "requests a second": _rate(place),
        "MB": {"text": len(text) / 1e6},
    }


def _requests(place: Place, cpu: Callable[[Callable[[], Any]], float]) -> dict[str, float]:
    import boto3  # noqa: PLC0415  # slow, and only this needs it

    control = place.control()
    control.set_delay(0)
    address = place.address()
    store = store_from_url(address)
    data = b"x" * 64 * 1024
    store.put("floors/one", data)
    s3 = boto3.client("s3")

    def get_by_boto3() -> bytes:
        return bytes(s3.get_object(**where)["Body"].read())

    where = {"Bucket": place.bucket, "Key": address.split("/", 3)[3] + "/floors/one"}
    return {
        "one GET": cpu(lambda: store.get_ranges("floors/one", [(0, len(data))])),
        "one PUT": cpu(lambda: store.put("floors/two", data)),
        "one GET by boto3": cpu(get_by_boto3),
        "one PUT by boto3": cpu(lambda: s3.put_object(**where, Body=data)),
    }


def _rate(place: Place) -> dict[str, float]:
    control = place.control()
    control.set_delay(0)
    store = store_from_url(place.address())
    store.put("floors/small", json.dumps("x" * _SMALL).encode())
    many = 200 if place.short else _MANY
    control.set_delay(place.delay_ms)
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        began = perf_counter()
        for _ in pool.map(lambda _: store.get_ranges("floors/small", [(0, _SMALL)]), range(many)):
            pass
        seconds = perf_counter() - began
    control.set_delay(0)
    return {
        "of 10 KB, 64 at once": many / seconds,
        "if only the delay counted": _SIDE_BY_SIDE / (place.delay_ms / 1000),
    }


if __name__ == "__main__":
    run(measure)
