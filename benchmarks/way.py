"""The way of a value through the library: how many files, functions and moves a call takes.

A *move* is a call into another file than that of the call before it: what a reader who follows a
value has to do. A profiler counts each call of a Python function of this library in the calling
thread, so the figures are the same on each run of one Python. The pool of threads is left out: how
many it starts is chance.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import statebag
from statebag import Statebag
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["Way", "measured", "table", "ways"]

_ROOT = str(Path(statebag.__file__).parent)
_POOL = "work_threads.py"
_SMALL = {"a": 1, "b": "two", "c": [3]}


class Way(msgspec.Struct, frozen=True):
    """What one call took.

    Attributes:
        files: Files of the library that it went through.
        functions: Functions in them.
        moves: Calls into another file than that of the call before.
        calls: Calls of functions of the library.
    """

    files: int
    functions: int
    moves: int
    calls: int


def measured(call: Callable[[], object]) -> Way:
    """Return the way of a call."""
    codes: dict[Any, str] = {}
    files: set[str] = set()
    calls = moves = 0
    last = ""

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls, moves, last
        file = frame.f_code.co_filename
        if event != "call" or not file.startswith(_ROOT) or file.endswith(_POOL):
            return
        codes[frame.f_code] = file
        files.add(file)
        calls += 1
        moves += bool(last) and file != last
        last = file

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(before)
    return Way(len(files), len(codes), moves, calls)


def ways() -> dict[str, Way]:
    """Return the ways of a seal, an open and a step; each on its own begins with no memory."""
    return {name: _of(prepared) for name, prepared in _CASES.items()}


def table(found: dict[str, Way]) -> str:
    """Return the figures as lines of text."""
    rows = [f"{'the way of a value':<26} {'files':>6} {'functions':>10} {'moves':>6} {'calls':>6}"]
    rows += [
        f"{name:<26} {way.files:>6} {way.functions:>10} {way.moves:>6} {way.calls:>6}"
        for name, way in found.items()
    ]
    return "\n".join(rows)


def _of(prepared: Callable[[], Callable[[], object]]) -> Way:
    for _ in range(2):  # the first time things are imported, looked up and set up
        call = prepared()
        forget()
        way = measured(call)
    return way


def _client() -> Statebag:
    return Statebag(MemoryStore(), replicas=(), signing_keys={}, encryption_keys=())


def _large() -> dict[str, Any]:
    """A state of 1.2 MB, most of it one long list, as an agent's history is."""
    numbers = random.Random(7)  # the same state each time, and nothing secret
    history = [
        {"n": n, "step": f"s{n % 7}", "text": numbers.randbytes(200).hex() + "word " * 30}
        for n in range(2000)
    ]
    messages = [{"role": "user", "content": numbers.randbytes(50).hex()} for _ in range(50)]
    return {"status": "open", "history": history, "note": "x" * 10_000, "messages": messages}


def _seal(state: dict[str, Any]) -> Callable[[], object]:
    client = _client()
    return lambda: client.seal(state, scope="machine/execution")


def _open() -> Callable[[], object]:
    client = _client()
    bag = client.seal(_large(), scope="machine/execution")
    return lambda: client.open(bag, scope="machine/execution")


def _step() -> Callable[[], object]:
    client = _client()

    @client.step
    def handler(state: dict[str, Any], context: object) -> dict[str, Any]:
        del context
        return {**state, "a": 2}

    event = client.seal({**_SMALL, "execution_id": "machine/execution"}, scope="machine/execution")
    return lambda: handler(event, None)


_CASES: dict[str, Callable[[], Callable[[], object]]] = {
    "seal of three small keys": lambda: _seal(_SMALL),
    "seal of 1.2 MB": lambda: _seal(_large()),
    "open of 1.2 MB": _open,
    "step with three small keys": _step,
}


if __name__ == "__main__":
    sys.stdout.write(f"{table(ways())}\n")
