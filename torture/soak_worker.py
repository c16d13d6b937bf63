"""One process of a soak: `python -m torture.soak_worker NAME`, until its standard input ends.

It runs steps on a server whose credentials change, and sends the same requests with boto3 in the
same environment. Its last line is what it found, as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

import statebag
from statebag import StatebagError
from statebag.default_client import from_environment
from statebag.testing.process import forget
from torture.life import STEPS, WrongStateError, state_after

__all__ = ["Found"]

_KEPT = 60  # bags that are opened again, at any time and at the end
_SECONDS = 120.0  # that a step has; on a machine that other work shares, seconds are short


@dataclass
class Found:
    """What a process found.

    Attributes:
        steps: Steps that ended well.
        reopened: Older bags that opened to what was sealed.
        failed: Steps and opens that raised an error of the library's.
        wrong: Anything else that must not be.
        twin_failed: How often boto3 failed with the same kind of request, and how often it asked.
        twin_asked: The same.
        memory: Kilobytes at most, after the first life and at the end.
        descriptors: Open ones, after the first life and at the end.
        stalled: Seconds, the longest time that the machine let this process wait for its turn.
    """

    name: str
    steps: int = 0
    reopened: int = 0
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    twin_failed: int = 0
    twin_asked: int = 0
    memory: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    stalled: float = 0.0


class _Context:
    """What Lambda gives a handler, as far as a step reads it."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + _SECONDS

    def get_remaining_time_in_millis(self) -> int:
        return int((self._ends - time.monotonic()) * 1000)


def _step(event: Any, number: int) -> Any:
    """One step: what it is given must be the state after the step before."""

    @statebag.step
    def handler(state: Any, _context: Any) -> Any:
        given = {name: value for name, value in state.items() if name != "execution_id"}
        if given != state_after(number - 1):
            raise WrongStateError(f"step {number} was given a state that nobody sealed")
        return {**state_after(number), "execution_id": state["execution_id"]}

    return handler(event, _Context())


def _first(scope: str) -> Any:
    state = {**state_after(0), "execution_id": scope}
    return from_environment().with_control("execution_id").seal(state, scope=scope)


class _Worker:
    def __init__(self, name: str, seed: int) -> None:
        self.found = Found(name)
        self._chance = random.Random(seed)
        self._kept: list[tuple[str, int, Any]] = []
        self._twin = boto3.Session().client("s3")
        place = from_environment().store.url.removeprefix("s3://")
        self._bucket, _, self._prefix = place.partition("/")

    def run(self, ended: threading.Event) -> Found:
        """Live until told to end, and open what was kept."""
        threading.Thread(target=self._watch, daemon=True).start()
        for life in range(10**9):
            self._live(f"soak/{self.found.name}-{life}", ended)
            if life == 0:
                self._measure()
            if ended.is_set():
                break
        forget()
        for kept in self._kept:
            self._reopen(kept)
        self._measure()
        return self.found

    def _live(self, scope: str, ended: threading.Event) -> None:
        bag: Any = None
        for number in range(STEPS + 1):
            if ended.is_set():
                return
            if self._chance.random() < 0.3:
                forget()  # as a new process
            try:
                bag = _first(scope) if number == 0 else _step(bag, number)
            except StatebagError as error:
                self.found.failed.append(f"{scope} {number}: {error.code} {error}")
                return  # an engine's Retry would go on; here each failure is to be seen
            except Exception as error:  # noqa: BLE001
                self.found.wrong.append(f"{scope} {number}: {type(error).__name__} {error}")
                return
            self.found.steps += 1
            self._keep((scope, number, json.loads(json.dumps(bag))))
            self._ask_twin(scope)
            if self._chance.random() < 0.2:
                forget()
                self._reopen(self._chance.choice(self._kept))

    def _keep(self, one: tuple[str, int, Any]) -> None:
        """Keep a sample of all bags, each with the same chance."""
        if len(self._kept) < _KEPT:
            self._kept.append(one)
        elif (place := self._chance.randrange(self.found.steps)) < _KEPT:
            self._kept[place] = one

    def _reopen(self, kept: tuple[str, int, Any]) -> None:
        scope, number, bag = kept
        try:
            state = from_environment().open(bag, scope=scope)
        except StatebagError as error:
            self.found.failed.append(f"reopen {scope} {number}: {error.code} {error}")
            return
        if state != {**state_after(number), "execution_id": scope}:
            self.found.wrong.append(f"reopen {scope} {number}: another state")
        self.found.reopened += 1

    def _ask_twin(self, scope: str) -> None:
        key = f"{self._prefix}/twin/{scope}"
        for ask in (
            lambda: self._twin.put_object(Bucket=self._bucket, Key=key, Body=b"x" * 2000),
            lambda: self._read_by_twin(key),
        ):
            self.found.twin_asked += 1
            try:
                ask()
            except (BotoCoreError, ClientError, RuntimeError):  # the last of keys that have ended
                self.found.twin_failed += 1

    def _read_by_twin(self, key: str) -> None:
        self._twin.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def _watch(self) -> None:
        """Note how late this thread is woken: so a failure of the machine is told from ours."""
        while True:
            began = time.monotonic()
            time.sleep(0.1)
            late = time.monotonic() - began - 0.1
            self.found.stalled = max(self.found.stalled, round(late, 1))

    def _measure(self) -> None:
        self.found.memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        self.found.descriptors.append(len(list(Path("/proc/self/fd").iterdir())))


def main() -> None:
    """Run until the parent closes the pipe."""
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    found = _Worker(sys.argv[1], seed=int(sys.argv[2])).run(ended)
    print(json.dumps(asdict(found)), flush=True)


if __name__ == "__main__":
    main()
