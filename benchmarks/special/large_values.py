"""States of up to 100 MB and a string of 50 MB, with a small edit a step.

For each, bytes that a step writes on average and at most, and the CPU of a seal for each
megabyte of the state: that of the first one, which writes all, and the median of the later ones.
Each step is a process of its own, as far as memory goes. The least that a later seal must do is
measured by itself: check the state, encode it, and compare each text with what is stored, by its
digest where the text is beyond the cache.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

from benchmarks.special.place import Place, run
from benchmarks.synthetic import Writer
from statebag import Statebag
from statebag.format import codec, json_check, json_text
from statebag.testing.process import forget

if TYPE_CHECKING:
    from collections.abc import Callable

_MB = 1_000_000
_SIZES = (12.5, 25, 50, 100)  # MB
_STRING = 50  # MB
_FIELDS = 20
_STEPS = 16
_ROUNDS = 5
_SCOPE = "benchmark/large"


def measure(place: Place) -> dict[str, Any]:
    """A row for each state."""
    shrunk = 100 if place.short else 1
    found = {
        f"{size:g} MB in twenty fields": _steps(place, _fields(int(size * _MB / shrunk)), _edited)
        for size in _SIZES
    }
    text = Writer(8).text(_STRING * _MB // shrunk)
    found["a string of 50 MB"] = _steps(place, {"text": text}, _spliced)
    return found


def _fields(size: int) -> dict[str, Any]:
    writer = Writer(7)
    share = size // _FIELDS
    return {
        f"field_{n:02d}": writer.records(share) if n % 2 else writer.keyed(share)
        for n in range(_FIELDS)
    }


def _edited(state: dict[str, Any], step: int, writer: Writer) -> None:
    name = f"field_{step * 7 % _FIELDS:02d}"
    state[name] = writer.edited(state[name])


def _spliced(state: dict[str, Any], step: int, writer: Writer) -> None:
    text = state["text"]
    at = len(text) * (step * 37 % 97) // 97
    state["text"] = text[:at] + writer.text(300) + text[at + 100 :]


def _steps(
    place: Place, state: dict[str, Any], edit: Callable[[dict[str, Any], int, Writer], None]
) -> dict[str, float]:
    control, address, writer = place.control(), place.address(), Writer(9)
    control.set_delay(0)
    forget()
    began = process_time()
    bag = Statebag(address).seal(state, scope=_SCOPE)
    first = process_time() - began
    written, gets, cpu = [], [], []
    size = len(json_text.encode(state)) / _MB
    for step in range(3 if place.short else _STEPS):
        forget()
        client = Statebag(address)
        before = control.counts()
        state = client.open(bag, scope=_SCOPE)
        edit(state, step, writer)
        began = process_time()
        bag = client.seal(state, scope=_SCOPE)
        cpu.append(process_time() - began)
        after = control.counts()
        written.append((after["bytes_up"] - before["bytes_up"]) / 1000)
        gets.append(after["requests"].get("GET", 0) - before["requests"].get("GET", 0))
    forget()
    assert Statebag(address).open(bag, scope=_SCOPE) == state
    check, encode, digest = _least(state)
    return {
        "KB put, mean": sum(written) / len(written),
        "KB put, most": max(written),
        "GET, mean": sum(gets) / len(gets),
        "ms of CPU a MB, first seal": 1000 * first / size,
        "ms of CPU a MB, later seals": 1000 * median(cpu) / size,
        "check": 1000 * check / size,
        "encode": 1000 * encode / size,
        "digest": 1000 * digest / size,
    }


def _least(state: dict[str, Any]) -> tuple[float, float, float]:
    """Return the seconds of CPU that it takes to check, to encode, and to digest a state."""
    texts: list[bytes] = []
    found: list[list[float]] = []
    for _ in range(_ROUNDS):
        texts.clear()
        at = [process_time()]
        json_check.check_json(state, strings=False)
        at.append(process_time())
        texts += map(json_text.encode, state.values())
        at.append(process_time())
        codec.digests_of(texts)
        at.append(process_time())
        found.append([after - before for before, after in pairwise(at)])
    check, encode, digest = map(median, zip(*found, strict=True))
    return check, encode, digest


if __name__ == "__main__":
    run(measure)
