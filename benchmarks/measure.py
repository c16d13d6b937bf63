"""Measures one way with one workload in a process of its own, so that CPU and memory are its own.

    python -m benchmarks.measure '<settings as JSON>'   prints the measurement as JSON

Runs in a peer's virtualenv too, so it imports nothing but the way that it measures.
"""

# ruff: noqa: PLC0415  # a way is imported only where it is measured; peers have other packages

from __future__ import annotations

import json
import sys
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from benchmarks import workloads
from benchmarks.control import Control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.ways.way import Way
    from benchmarks.workloads import Workload

__all__ = ["TAIL", "Measurement", "Settings", "main", "workload_named"]

_BARE_BYTES = 64 * 1024
TAIL = (20.0, 83.0)  # milliseconds: median and p99 of small requests to S3 in its own region


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to measure.

    Attributes:
        way: A name that `_way` knows, with its parameters after colons.
        workload: `synthetic:<bytes>:<steps>:<share of rewrites>` or `recorded:<name>:<steps>`,
            with an empty name for all recordings and 0 for as many steps as there are.
        endpoint: The proxy's address.
        bucket: On the server.
        cold: Whether each step is in a new process's situation.
        delay_ms: Of each request in a timed step.
        timed_every: Every so manieth step is timed at that delay; the others run without one.
            0: only the last.
        bare: Whether a bare GET is timed beside each timed step.
        tail_every: Every so manieth step, of those that are not timed at that delay, is timed
            with requests that take as long as a real store's: most 20 ms, some far longer.
            0: none.
    """

    way: str
    workload: str
    endpoint: str
    bucket: str
    cold: bool = True
    delay_ms: float = 15.0
    timed_every: int = 10
    bare: bool = False
    tail_every: int = 0


@dataclass
class Measurement:
    """What came out. Lists hold a figure a step; sizes in bytes, times in seconds.

    `open_wall`, `seal_wall`, `step_wall` and `bare_wall` hold the timed steps only, `tail_wall`
    those whose requests had a tail; CPU times are of all steps, of all threads of this process.
    """

    way: str
    workload: str
    cold: bool
    puts: list[int] = field(default_factory=list)
    gets: list[int] = field(default_factory=list)
    other: list[int] = field(default_factory=list)
    bytes_put: list[int] = field(default_factory=list)
    bytes_got: list[int] = field(default_factory=list)
    bag_bytes: list[int] = field(default_factory=list)
    open_cpu: list[float] = field(default_factory=list)
    seal_cpu: list[float] = field(default_factory=list)
    open_wall: list[float] = field(default_factory=list)
    seal_wall: list[float] = field(default_factory=list)
    step_wall: list[float] = field(default_factory=list)
    bare_wall: list[float] = field(default_factory=list)
    tail_wall: list[float] = field(default_factory=list)
    objects: int = 0
    errors: int = 0
    peak_rss: int = 0
    seconds: float = 0.0


def measure(settings: Settings) -> Measurement:
    """Run all steps, and check at the end that the state is the right one.

    Raises:
        SystemExit: It is not.
    """
    workload = workload_named(settings.workload)
    way = _way(settings)
    control = Control(settings.endpoint)
    control.set_delay(0)
    bare = _bare_get(settings) if settings.bare else None
    began = perf_counter()
    expected = workload.initial()
    payload = way.first(workload.initial())
    found = Measurement(way.name, workload.name, settings.cold)
    before = control.counts()
    objects, errors = before["objects"], before["errors"]
    for change in workload.changes():
        timed = change.number % (settings.timed_every or workload.steps) == 0
        if timed:
            control.set_delay(settings.delay_ms)
            if bare is not None:
                found.bare_wall.append(bare())
                before = control.counts()
        tailed = not timed and bool(settings.tail_every) and not change.number % settings.tail_every
        if tailed:
            control.set_tail(*TAIL)
        if settings.cold:
            way.forget()
        clock = _Clock()
        payload = way.step(payload, change, clock.timer)
        change.apply(expected)
        if timed:
            control.set_delay(0)
            found.open_wall.append(clock.wall["open"])
            found.seal_wall.append(clock.wall["seal"])
            found.step_wall.append(sum(clock.wall.values()))
        if tailed:
            control.set_delay(0)
            found.tail_wall.append(sum(clock.wall.values()))
        after = control.counts()
        _count(found, before, after)
        before = after
        found.open_cpu.append(clock.cpu["open"])
        found.seal_cpu.append(clock.cpu["seal"])
        found.bag_bytes.append(len(json.dumps(payload)))
    found.objects = before["objects"] - objects
    found.errors = before["errors"] - errors
    found.seconds = perf_counter() - began
    found.peak_rss = _peak()
    if way.read(payload) != expected:
        raise SystemExit(f"{way.name} did not give back the state of {workload.name}")
    return found


def _peak() -> int:
    """The most bytes of this process in memory; `ru_maxrss` would begin with its parent's."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


class _Clock:
    """Wall and CPU seconds of the halves of one step."""

    def __init__(self) -> None:
        self.wall = {"open": 0.0, "seal": 0.0}
        self.cpu = {"open": 0.0, "seal": 0.0}

    @contextmanager
    def timer(self, half: str) -> Iterator[None]:
        cpu, wall = process_time(), perf_counter()
        yield
        self.wall[half] += perf_counter() - wall
        self.cpu[half] += process_time() - cpu


def _count(found: Measurement, before: dict[str, Any], after: dict[str, Any]) -> None:
    requests = {
        kind: count - before["requests"].get(kind, 0) for kind, count in after["requests"].items()
    }
    found.puts.append(requests.pop("PUT", 0) + requests.pop("POST", 0))
    found.gets.append(requests.pop("GET", 0))
    found.other.append(sum(requests.values()))
    found.bytes_put.append(after["bytes_up"] - before["bytes_up"])
    found.bytes_got.append(after["bytes_down"] - before["bytes_down"])


def workload_named(text: str) -> Workload:
    """The workload of a name as in `Settings.workload`."""
    kind, *rest = text.split(":")
    if kind == "synthetic":
        size, steps, rewrites = rest
        return workloads.synthetic(int(size), int(steps), float(rewrites))
    name, steps = rest
    workload = workloads.recorded(name or None, int(steps) or None)
    if workload is None:
        raise SystemExit("the recorded runs are absent")
    return workload


def _way(settings: Settings) -> Way:
    """Each is imported only where it is measured: peers live in virtualenvs of their own."""
    name, *parameters = settings.way.split(":")
    prefix = uuid.uuid4().hex
    if name == "statebag":
        from benchmarks.ways.statebag_way import StatebagWay

        return StatebagWay(f"s3://{settings.bucket}/{prefix}", parameters)
    if name in {"audited", "whole"}:
        from benchmarks.ways.audited_way import AuditedWay
        from benchmarks.ways.boto3_objects import Boto3Objects
        from benchmarks.ways.whole_way import WholeWay

        objects = Boto3Objects(settings.bucket, prefix)
        if name == "whole":
            return WholeWay(objects)
        return AuditedWay(objects, skip_unchanged="skip" in parameters)
    if name == "one-object":
        from benchmarks.ways.one_object_way import OneObjectWay

        return OneObjectWay(settings.bucket, prefix)
    if name == "langgraph":
        from benchmarks.ways.langgraph_way import LanggraphWay

        return LanggraphWay(settings.bucket, prefix)
    if name == "sqs":
        from benchmarks.ways.sqs_way import SqsWay

        return SqsWay(settings.bucket)
    if name == "temporal":
        from benchmarks.ways.temporal_way import TemporalWay

        return TemporalWay(settings.bucket)
    raise SystemExit(f"there is no way named {name}")


def _bare_get(settings: Settings) -> Any:
    """A function that reads one object of 64 KB with a client that is kept, and its seconds."""
    from statebag.store.address import store_from_url

    store = store_from_url(f"s3://{settings.bucket}/{uuid.uuid4().hex}")
    store.put("bare", b"b" * _BARE_BYTES)

    def get() -> float:
        began = perf_counter()
        store.get_ranges("bare", [(0, _BARE_BYTES)])
        return perf_counter() - began

    return get


def main() -> None:
    """Measure what the settings in the first argument say."""
    settings = Settings(**json.loads(sys.argv[1]))
    json.dump(asdict(measure(settings)), sys.stdout)


if __name__ == "__main__":
    main()
