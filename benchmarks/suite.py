"""Which measurements a run makes, one after the other, on one server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import measure, workloads
from benchmarks.change_size import ChangeSize
from benchmarks.peers import PEERS, python_of
from benchmarks.summary import Summary, summarized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.server import Endpoint

__all__ = ["ONE_OBJECT", "SPECIAL", "Results", "Run", "chosen", "loaded", "run"]

_MB = 1_000_000
_OURS = ("statebag", "statebag:65536", "statebag:only", "statebag:65536:only", "statebag:0")
SPECIAL = (
    "growing", "scattered", "many_fields", "large_values", "fields", "edits", "appends",
    "cold_start", "archive_start", "gather", "upkeep", "floors",
)  # fmt: skip
ONE_OBJECT = "one-object"
_SECONDS = 3000
_RECORDED = "recorded runs"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One way with one workload."""

    way: str
    workload: str
    cold: bool = True
    timed_every: int = 10
    tail_every: int = 0

    @property
    def key(self) -> str:
        """For JSON."""
        return f"{self.workload}|{self.way}|{'cold' if self.cold else 'warm'}"


@dataclass
class Results:
    """All figures of one invocation.

    Attributes:
        delay_ms: Of each timed request.
        rows: Summaries by the key of their run.
        series: Bytes written, PUTs and GETs of each step, by key, for charts.
        special: Figures by measurement.
        skipped: What could not run, and why.
        invocations: How many these were made in.
    """

    delay_ms: float
    short: bool
    rows: dict[str, Summary] = field(default_factory=dict)
    series: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    special: dict[str, Any] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    invocations: int = 1

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def chosen(*, short: bool, most_steps: int | None = None) -> Iterator[Run]:
    """The runs, and with how many steps: long ones where a figure depends on the length.

    What costs most a step is given fewer steps of the 10 MB state; a run's length is in its name.
    """

    most = 24 if short else most_steps or 10**9

    def synthetic(size: int, steps: int, rewrites: float) -> str:
        return f"synthetic:{size}:{min(steps, most)}:{rewrites}"

    def of(
        ways: tuple[str, ...], workload: str, *, cold: bool = True, tail: int = 0
    ) -> Iterator[Run]:
        for way in ways:
            timed = 8 if short else 10
            yield Run(way=way, workload=workload, cold=cold, timed_every=timed, tail_every=tail)

    others = ("audited", "audited:skip", "whole")
    peers = tuple(peer.way for peer in PEERS)
    yield from of((ONE_OBJECT, *_OURS[:4]), synthetic(_MB, 1000, 0.2), tail=3)
    yield from of(_OURS[:2], synthetic(_MB, 1000, 0.2), cold=False)
    yield from of(others[:1], synthetic(_MB, 1000, 0.2))
    if short:
        return
    yield from of((ONE_OBJECT, _OURS[0], _OURS[2]), synthetic(_MB, 600, 0.2), tail=3)
    yield from of((ONE_OBJECT, _OURS[0], _OURS[2]), synthetic(10 * _MB, 100, 0.2), tail=2)
    # So long for the p99 alone: of a hundred steps it is nearly the slowest one.
    yield from of((ONE_OBJECT, _OURS[0], _OURS[2]), synthetic(10 * _MB, 300, 0.2), tail=1)
    # Compared are runs of one length.
    yield from of((_OURS[0], _OURS[2], _OURS[4], *others, *peers), synthetic(_MB, 300, 0.2))
    yield from of(_OURS[:2], synthetic(_MB, 1000, 1.0))
    yield from of(others[:1], synthetic(_MB, 1000, 1.0))
    yield from of(_OURS[:4], synthetic(_MB // 10, 1000, 0.2), tail=3)
    yield from of(_OURS[:2], synthetic(_MB // 10, 1000, 0.2), cold=False)
    yield from of(_OURS[:2], synthetic(_MB // 10, 1000, 1.0))
    yield from of((*others, ONE_OBJECT), synthetic(_MB // 10, 1000, 0.2), tail=3)
    for rewrites in (0.2, 1.0):
        yield from of(_OURS[:4], synthetic(10 * _MB, 100, rewrites), tail=2 if rewrites < 1 else 0)
    yield from of((_OURS[0], _OURS[2], *others, *peers), synthetic(10 * _MB, 60, 0.2))
    if workloads.data_folder() is not None:
        yield from of((*_OURS[:2], "audited", *peers), "recorded:large:0")
        yield from of((*_OURS[:2], "audited"), f"recorded::{min(500, most)}")


def run(
    endpoint: Endpoint,
    *,
    delay_ms: float,
    short: bool,
    say: Callable[[str], None],
    save: Callable[[Results], None],
    only: str = "",
    runs: Iterable[Run],
    special: Iterable[str] = SPECIAL,
) -> Results:
    """Make all measurements; what can't run is noted and left out.

    Args:
        endpoint: The running server.
        delay_ms: Of each timed request.
        short: Whether only to show that everything runs.
        say: Is told what runs now.
        save: Is given what there is after each measurement.
        only: Runs and special measurements whose key holds this.
        runs: Ways with workloads.
        special: Measurements of single operations.
    """
    results = Results(delay_ms, short)
    if workloads.data_folder() is None:
        results.skipped[_RECORDED] = "the recordings are absent (STATEBAG_TEST_DATA)"
    pythons: dict[str, str] = {}
    changes: dict[str, list[int]] = {}
    for one in dict.fromkeys(runs):
        if only not in one.key:
            continue
        python = _python(one.way, pythons, results)
        if python is None:
            continue
        if one.workload not in changes:
            changes[one.workload] = _changes(one.workload)
        say(one.key)
        found = _measured(python, one, endpoint, delay_ms)
        if isinstance(found, str):
            if python == sys.executable:  # of our own, so nothing that a machine may lack
                raise SystemExit(f"{one.key}: {found}")
            results.skipped[one.key] = found
            continue
        results.rows[one.key] = summarized(found, changes[one.workload])
        results.series[one.key] = {name: found[name] for name in ("bytes_put", "puts", "gets")}
        save(results)
    for name in special:
        if only not in name:
            continue
        say(name)
        if name == "gather":
            results.special[name] = _gathered(endpoint, delay_ms, short=short)
        else:
            found = _special(endpoint, delay_ms, name, short=short)
            if "skipped" in found:
                results.skipped[name] = found["skipped"]
                continue
            results.special[name] = found
        save(results)
    return results


def _python(way: str, pythons: dict[str, str], results: Results) -> str | None:
    peer = next((one for one in PEERS if one.way == way), None)
    if peer is None:
        return sys.executable
    if way not in pythons:
        found = python_of(peer)
        if isinstance(found, str):
            results.skipped[way] = found
            pythons[way] = ""
        else:
            pythons[way] = str(found)
    return pythons[way] or None


def _changes(text: str) -> list[int]:
    workload = measure.workload_named(text)
    sizes = ChangeSize(workload.initial())
    return [sizes.of(change) for change in workload.changes()]


def _measured(python: str, one: Run, endpoint: Endpoint, delay_ms: float) -> dict[str, Any] | str:
    settings = measure.Settings(
        way=one.way,
        workload=one.workload,
        endpoint=endpoint.url,
        bucket=endpoint.bucket,
        cold=one.cold,
        delay_ms=delay_ms,
        timed_every=one.timed_every,
        tail_every=one.tail_every,
        bare=one.way.startswith("statebag") and one.cold,
    )
    return _printed([python, "-m", "benchmarks.measure"], asdict(settings), endpoint)


def _special(
    endpoint: Endpoint, delay_ms: float, name: str, *, short: bool, **more: Any
) -> dict[str, Any]:
    settings = {"endpoint": endpoint.url, "bucket": endpoint.bucket, "delay_ms": delay_ms}
    command = [sys.executable, "-m", f"benchmarks.special.{name}"]
    found = _printed(command, {**settings, "short": short, **more}, endpoint)
    if isinstance(found, str):
        raise SystemExit(f"{name}: {found}")
    return found


def _gathered(endpoint: Endpoint, delay_ms: float, *, short: bool) -> dict[str, Any]:
    """Each way and count in a process of its own."""
    count = 200 if short else 10_000
    with tempfile.TemporaryDirectory() as folder:
        listed = str(Path(folder) / "listed.json")

        def gather(way: str, number: int) -> dict[str, Any]:
            return _special(
                endpoint, delay_ms, "gather", short=short, way=way, count=number, listed=listed
            )

        gather("prepare", count)
        return {
            f"{way}_{'tenth' if number < count else 'all'}": gather(way, number)
            for way in ("open", "stream", "boto3", "bare")
            for number in (count // 10, count)
        }


def _printed(
    command: list[str], settings: dict[str, Any], endpoint: Endpoint
) -> dict[str, Any] | str:
    """The JSON that a command prints; the last line of its complaint where it failed."""
    done = subprocess.run(
        [*command, json.dumps(settings)],
        env={**os.environ, **endpoint.environment, "PYTHONPATH": _path()},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["it failed without a word"])[-1]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _path() -> str:
    """This checkout first, so that a peer's interpreter finds the benchmark too."""
    root = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))


def loaded(files: list[Path]) -> Results:
    """The figures of earlier runs, which wrote them as JSON; a later file wins."""
    results: Results | None = None
    for file in files:
        saved = json.loads(file.read_text("utf-8"))
        if results is None:
            results = Results(saved["delay_ms"], saved["short"])
        results.rows |= {key: Summary.loaded(row) for key, row in saved["rows"].items()}
        results.series |= saved["series"]
        results.special |= saved["special"]
        results.skipped |= saved["skipped"]
    assert results is not None
    if any(key.startswith("recorded") for key in results.rows):
        results.skipped.pop(_RECORDED, None)  # one of the runs had them
    results.invocations = len(files)
    return results
