"""Gathering the results of many branches, each stored by another process, in one step.

Each way is measured in a process of its own (`way` in the settings): `open`, a list of stubs
opened at once; `stream`, opened one after another and written to one array, so that they never
stand in memory together; `boto3`, plain objects read by 50 threads; `bare`, the same objects by the
client of this library and nothing done with them, the least that this server takes. Each
request is delayed, so the reads in flight count.
"""

# ruff: noqa: PLC0415  # what one way imports must not be in the other's memory

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from benchmarks.special.place import Place, run
from benchmarks.synthetic import Writer

_RESULT_BYTES = 10_000
_SCOPE = "benchmark/gather"
_THREADS = 50


def measure(place: Place) -> dict[str, Any]:
    """For `prepare`: the list of what was stored. Else seconds, CPU seconds and bytes."""
    way = place.settings["way"]
    if way == "prepare":
        return _prepare(place)
    listed = json.loads(Path(place.settings["listed"]).read_text("utf-8"))
    count = place.settings["count"]
    work = {"open": _open, "stream": _stream, "boto3": _boto3, "bare": _bare}[way]
    start = _resident("VmRSS")
    control = place.control()
    control.set_delay(place.delay_ms)
    cpu, wall = process_time(), perf_counter()
    gathered = work(place, listed, count)
    found = {"seconds": perf_counter() - wall, "cpu": process_time() - cpu}
    control.set_delay(0)
    assert gathered == count
    return {**found, "memory": _resident("VmHWM") - start}


def _prepare(place: Place) -> dict[str, Any]:
    import boto3

    from statebag import Statebag

    address, count = place.address(), place.settings["count"]
    client, writer = Statebag(address), Writer(9)
    s3, prefix = boto3.client("s3"), uuid.uuid4().hex
    text = writer.text(200_000)

    def one(number: int) -> tuple[Any, str]:
        start = number * 37 % 180_000
        result = {"branch": number, "id": f"{number:032x}", "text": text[start : start + 9_900]}
        # A branch's share of what an engine lets all of them return.
        bag = client.seal(result, scope=f"{_SCOPE}/{number}", budget=1100)
        key = f"{prefix}/{number}.json"
        s3.put_object(Bucket=place.bucket, Key=key, Body=json.dumps(result).encode())
        return bag, key

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(one, range(count)))
    listed = {
        "address": address,
        "bags": [bag for bag, _ in made],
        "keys": [key for _, key in made],
    }
    Path(place.settings["listed"]).write_text(json.dumps(listed), "utf-8")
    return {"count": count}


def _open(place: Place, listed: dict[str, Any], count: int) -> int:
    from statebag import Statebag

    del place
    return len(Statebag(listed["address"]).open(listed["bags"][:count]))


def _stream(place: Place, listed: dict[str, Any], count: int) -> int:
    from statebag import Statebag
    from statebag.format import json_text

    del place
    client = Statebag(listed["address"])
    array = client.array_writer(_SCOPE)
    for number, result in enumerate(client.open_each(listed["bags"][:count])):
        array.add(number, json_text.encode(result))
    return array.finish().count


def _boto3(place: Place, listed: dict[str, Any], count: int) -> int:
    import boto3
    from botocore.config import Config

    s3 = boto3.client("s3", config=Config(max_pool_connections=_THREADS))

    def one(key: str) -> Any:
        return json.loads(s3.get_object(Bucket=place.bucket, Key=key)["Body"].read())

    with ThreadPoolExecutor(_THREADS) as pool:
        return len(list(pool.map(one, listed["keys"][:count])))


def _bare(place: Place, listed: dict[str, Any], count: int) -> int:
    from statebag.store.address import store_from_url

    store = store_from_url(f"s3://{place.bucket}")
    with ThreadPoolExecutor(_THREADS) as pool:
        return len(list(pool.map(store.get, listed["keys"][:count])))


def _resident(name: str) -> int:
    """Bytes of this process in memory, now (VmRSS) or at most (VmHWM)."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    run(measure)
