"""From a measurement's lists to the figures of a table."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from statistics import mean, median, quantiles
from typing import Any

__all__ = [
    "DOLLARS_PER_BYTE_MONTH",
    "DOLLARS_PER_GET",
    "DOLLARS_PER_PUT",
    "Spread",
    "Summary",
    "growth",
    "summarized",
]

# AWS, S3 Standard, us-east-1: https://aws.amazon.com/s3/pricing/
DOLLARS_PER_PUT = 0.005 / 1000
DOLLARS_PER_GET = 0.0004 / 1000
DOLLARS_PER_BYTE_MONTH = 0.023 / 1e9
_MILLION = 1_000_000


@dataclass(frozen=True)
class Spread:
    """Times of many steps, in milliseconds."""

    median: float
    mean: float
    tenth: float
    ninetieth: float

    @classmethod
    def of(cls, seconds: list[float]) -> Spread:
        """From seconds; at least one."""
        tenths = (
            quantiles(seconds, n=10, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 9
        )
        figures = (median(seconds), mean(seconds), tenths[0], tenths[-1])
        return cls(*(1000 * figure for figure in figures))


@dataclass(frozen=True)
class Tail:
    """Times of steps whose requests take as long as a real store's, in milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, seconds: list[float]) -> Tail:
        """From seconds; at least two."""
        hundredths = quantiles(seconds, n=100, method="inclusive")
        return cls(1000 * hundredths[49], 1000 * hundredths[98])


@dataclass(frozen=True)
class Summary:
    """One row. Sizes in bytes a step, times in milliseconds.

    Attributes:
        dollars: For a million steps: requests, and what they write kept for 30 days.
        change: What the step changed, compressed.
        growth: Exponent of the bytes written over the step's number, less that of the change.
        last_gets: GETs a step in the last quarter of the run.
        gets_growth: Exponent of the GETs over the step's number.
        tail: Times with a tail; None where they were not measured.
        without_requests: Share of the steps that sent none.
        without_gets: Share of the steps that read nothing.
    """

    way: str
    workload: str
    situation: str
    steps: int
    puts: float
    gets: float
    other: float
    bytes_put: float
    bytes_got: float
    dollars: float
    objects: int
    bag_max: int
    change: float
    growth: float
    without_requests: float
    without_gets: float
    open_cpu: Spread
    seal_cpu: Spread
    step_cpu: Spread
    step_wall: Spread
    open_wall: Spread
    seal_wall: Spread
    bare_wall: Spread | None
    peak_rss: int
    last_gets: float
    gets_growth: float
    tail: Tail | None

    @classmethod
    def loaded(cls, saved: dict[str, Any]) -> Summary:
        """From its own `asdict`."""
        spreads = {
            name: (Tail if name == "tail" else Spread)(**value)
            for name, value in saved.items()
            if isinstance(value, dict)
        }
        return cls(**{**saved, **spreads})


def growth(per_step: list[float]) -> float:
    """The exponent b with which `per_step` grows as step**b, from its first and last quarter."""
    quarter = len(per_step) // 4
    if not quarter:
        return 0.0
    first, last = mean(per_step[:quarter]), mean(per_step[-quarter:])
    if not first or not last:
        return 0.0
    middle = (quarter + 1) / 2
    return log(last / first) / log((len(per_step) - quarter + middle) / middle)


def summarized(found: dict[str, Any], changes: list[int]) -> Summary:
    """The row for a measurement.

    Args:
        found: What `benchmarks.measure` printed.
        changes: The compressed change of each step.
    """
    steps = len(found["puts"])
    puts, gets = mean(found["puts"]), mean(found["gets"])
    written = mean(found["bytes_put"])
    requests = [
        sum(all_) for all_ in zip(found["puts"], found["gets"], found["other"], strict=True)
    ]
    cpu = [sum(both) for both in zip(found["open_cpu"], found["seal_cpu"], strict=True)]
    own = growth([float(size) for size in changes[:steps]])
    raw = growth([float(size) for size in found["bytes_put"]])
    return Summary(
        way=found["way"],
        workload=found["workload"],
        situation="cold" if found["cold"] else "warm",
        steps=steps,
        puts=puts,
        gets=gets,
        other=mean(found["other"]),
        bytes_put=written,
        bytes_got=mean(found["bytes_got"]),
        dollars=_MILLION
        * (
            puts * DOLLARS_PER_PUT
            + (gets + mean(found["other"])) * DOLLARS_PER_GET
            + written * DOLLARS_PER_BYTE_MONTH
        ),
        objects=found["objects"],
        bag_max=max(found["bag_bytes"]),
        change=mean(changes[:steps]),
        growth=raw - own if raw else 0.0,  # 0 where a quarter wrote nothing
        without_requests=requests.count(0) / steps,
        without_gets=found["gets"].count(0) / steps,
        open_cpu=Spread.of(found["open_cpu"]),
        seal_cpu=Spread.of(found["seal_cpu"]),
        step_cpu=Spread.of(cpu),
        step_wall=Spread.of(found["step_wall"]),
        open_wall=Spread.of(found["open_wall"]),
        seal_wall=Spread.of(found["seal_wall"]),
        bare_wall=Spread.of(found["bare_wall"]) if found["bare_wall"] else None,
        peak_rss=found["peak_rss"],
        last_gets=mean(found["gets"][-max(steps // 4, 1) :]),
        gets_growth=growth([float(count) for count in found["gets"]]),
        tail=Tail.of(found["tail_wall"]) if len(found["tail_wall"]) > 1 else None,
    )
