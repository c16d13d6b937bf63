"""A process's first seconds: import, client and first read, against boto3's.

Each is a new interpreter; its own start is not counted, since both pay it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median
from typing import Any

from benchmarks.special.place import Place, run
from benchmarks.synthetic import Writer
from statebag import Policy, Statebag

_SCOPE = "benchmark/cold"
_CLOCK = "import sys, time; cpu, wall = time.process_time(), time.perf_counter()"
_PRINT = """
print(time.perf_counter() - wall, time.process_time() - cpu, imported - wall, made - imported)
"""
_STATEBAG = """
import json
from statebag import Statebag
imported = time.perf_counter()
client = Statebag(sys.argv[1])
made = time.perf_counter()
client.open(json.loads(sys.argv[2]))
"""
_BOTO3 = """
import json
import boto3
imported = time.perf_counter()
client = boto3.client("s3")
made = time.perf_counter()
body = client.get_object(Bucket=sys.argv[1], Key=sys.argv[2])["Body"].read()
json.loads(body)
"""


def measure(place: Place) -> dict[str, Any]:
    """Medians in seconds, wall and CPU."""
    rounds = 2 if place.short else 15
    control = place.control()
    control.set_delay(0)
    address = place.address()
    value = Writer(3).text(60_000)
    bag = Statebag(address, policy=Policy(carry_bytes=0)).seal({"field": value}, scope=_SCOPE)
    key = address.split("/", 3)[3] + "/plain.json"
    _put(place.bucket, key, json.dumps({"field": value}))
    control.set_delay(place.delay_ms)
    found: dict[str, list[list[float]]] = {"statebag": [], "boto3": []}
    for _ in range(rounds):
        found["statebag"].append(_timed(_STATEBAG, address, json.dumps(bag)))
        found["boto3"].append(_timed(_BOTO3, place.bucket, key))
    control.set_delay(0)
    return {
        name: {
            "wall": median(one[0] for one in times),
            "cpu": median(one[1] for one in times),
            "wall_least": min(one[0] for one in times),
            "import": median(one[2] for one in times),
            "client": median(one[3] for one in times),
            "first_read": median(one[0] - one[2] - one[3] for one in times),
        }
        for name, times in found.items()
    }


def _timed(script: str, *arguments: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", f"{_CLOCK}\n{script}\n{_PRINT}", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return [float(figure) for figure in done.stdout.split()]


def _put(bucket: str, key: str, text: str) -> None:
    import boto3  # noqa: PLC0415  # slow, and this process measures none of it

    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())


if __name__ == "__main__":
    run(measure)
