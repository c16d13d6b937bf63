"""Writers and collectors that are killed at any moment, and steps that run twice at once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.store.address import store_from_url
from statebag.upkeep.fsck import fsck
from statebag.upkeep.gc import Rules, collect
from torture.life import SCOPE, STEPS, Outcome, Workflow, watched

if TYPE_CHECKING:
    from statebag.store.contract import Store

__all__ = ["duplicate_steps", "killed_collectors", "killed_writers", "wrong_clocks"]

# Runs the life over and over, and says each bag once it has it: then it is visible.
_WRITER = """
import json, sys
from statebag.store.address import store_from_url
from torture.life import STEPS, Workflow
workflow = Workflow(store_from_url(sys.argv[1]))
print("ready", flush=True)
while True:
    bag = workflow.first()
    print(json.dumps([0, bag]), flush=True)
    for number in range(1, STEPS + 1):
        bag = workflow.step(bag, number)
        print(json.dumps([number, bag]), flush=True)
"""

_COLLECTOR = """
import sys
from datetime import timedelta
from statebag.store.address import store_from_url
from statebag.upkeep.gc import Rules, collect
store = store_from_url(sys.argv[1])
print("ready", flush=True)
while True:
    collect(store, Rules(), dry_run=False)
"""

# Before anything of ours is loaded, so that every clock that Python shows is wrong.
_WRONG_CLOCK = """
import datetime, sys, time
def shifted(real, by):
    return lambda: real() + by
seconds = int(sys.argv[2])
time.time, time.time_ns = shifted(time.time, seconds), shifted(time.time_ns, seconds * 10**9)
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=seconds)
datetime.datetime = Shifted
"""
_ONE_LIFE = """
import json
from statebag.store.address import store_from_url
from torture.life import STEPS, Workflow
workflow = Workflow(store_from_url(sys.argv[1]))
print("ready", flush=True)
bag = workflow.first()
for number in range(1, STEPS + 1):
    bag = workflow.step(bag, number)
    print(json.dumps([number, bag]), flush=True)
"""
_MINUTES_OFF = 15


def killed_writers(address: str, place: str, times: int) -> Outcome:
    """kill -9 at random moments: the last bag that was visible opens, and no object is torn."""
    outcome = Outcome("a writer is killed", place)
    moment = random.Random(17)
    store = store_from_url(address)
    workflow = Workflow(store)
    for n in range(times):
        visible = _killed(_WRITER, address, moment.uniform(0, 0.12))
        outcome.staged += 1
        with watched(outcome, f"kill {n}"):
            if visible is not None and not workflow.opens_to(visible[1], visible[0]):
                outcome.wrong(f"kill {n}: a bag that was visible is not its state")
        if n % 25 == 0:
            _check(store, outcome, f"kill {n}")
    _check(store, outcome, "in the end")
    return outcome


def _check(store: Store, outcome: Outcome, what: str) -> None:
    report = fsck(store)
    if not report.whole:
        outcome.wrong(f"{what}: {report.faults[0].kind} {report.faults[0].name}")
    if report.others:
        outcome.wrong(f"{what}: a leftover is listed, {report.others[0]}")


def _killed(script: str, address: str, seconds: float) -> tuple[int, Any] | None:
    """Start, wait until it is ready and so long; kill; the last whole line that it said."""
    with _started(script, address) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        said = process.stdout.read()
    whole = [line for line in said.split(b"\n")[:-1] if line]
    if not whole:
        return None
    number, bag = json.loads(whole[-1])
    return number, bag


def _started(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": _path()},
    )


def _path() -> str:
    root = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))


def duplicate_steps(address: str, place: str, times: int) -> Outcome:
    """Each step runs in two threads of this process at once: one result, one set of objects."""
    outcome = Outcome("a step runs twice at once", place)
    store = store_from_url(address)
    workflow = Workflow(store)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(times):
            bag = workflow.first()
            for number in range(1, STEPS + 1):
                outcome.staged += 1
                with watched(outcome, f"step {number}"):
                    one, two = pool.map(lambda n, b=bag: workflow.step(b, n), (number, number))
                    if not (workflow.opens_to(one, number) and workflow.opens_to(two, number)):
                        outcome.wrong(f"step {number}: two results")
                    bag = one
    _check(store, outcome, "in the end")
    return outcome


def killed_collectors(folder: Path, place: str, times: int) -> Outcome:
    """Kill a collector at random moments while writers run; live objects must stay intact."""
    outcome = Outcome("a collector is killed while writers run", place)
    moment = random.Random(23)
    address = folder.as_uri()
    store = store_from_url(address)
    live = Workflow(store)
    bag = live.first()
    number = 0
    for n in range(times):
        old = [f"torture/old-{n}-{k}" for k in range(3)]
        for scope in old:
            live.client().seal({"a": [os.urandom(400).hex() for _ in range(5)]}, scope=scope)
            _aged(folder / scope, timedelta(days=600))
        collect(store, Rules(), dry_run=False)
        _aged(folder / "@gc", timedelta(days=8))
        number = number % STEPS + 1
        if number == 1:
            bag = live.first()
        _killed(_COLLECTOR, address, moment.uniform(0, 0.02))
        outcome.staged += 1
        with watched(outcome, f"collector {n}"):
            bag = live.step(bag, number)
            if not live.opens_to(bag, number):
                outcome.wrong(f"collector {n}: a live execution lost something")
    _aged(folder / "@gc", timedelta(days=8))
    for _ in range(3):
        collect(store, Rules(), dry_run=False)
        _aged(folder / "@gc", timedelta(days=8))
    left = {info.name for info in store.list() if not info.name.startswith(SCOPE)}
    if left:
        outcome.wrong(f"{len(left)} objects of executions that are over were never collected")
    _check(store, outcome, "in the end")
    return outcome


def wrong_clocks(address: str, place: str, lives: int) -> Outcome:
    """Writers 15 minutes ahead and behind, a collector off by as much the other way beside them."""
    outcome = Outcome(f"clocks are {_MINUTES_OFF} minutes off", place)
    store = store_from_url(address)
    workflow = Workflow(store)
    for life in range(lives):
        seconds = _MINUTES_OFF * 60 * (1 if life % 2 else -1)
        with (
            _started(_WRONG_CLOCK + _COLLECTOR, address, str(-seconds)) as collector,
            _started(_WRONG_CLOCK + _ONE_LIFE, address, str(seconds)) as writer,
        ):
            said, _ = writer.communicate()
            collector.kill()
        shown = [json.loads(line) for line in said.splitlines()[1:]]
        outcome.staged += STEPS
        if len(shown) != STEPS:
            outcome.wrong(f"life {life}: it ended after {len(shown)} steps")
        for number, bag in shown:
            with watched(outcome, f"life {life}, step {number}"):
                if not workflow.opens_to(bag, number):
                    outcome.wrong(f"life {life}: step {number} is another state")
    _check(store, outcome, "in the end")
    return outcome


def _aged(folder: Path, by: timedelta) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            then = file.stat().st_mtime - by.total_seconds()
            os.utime(file, (then, then))
