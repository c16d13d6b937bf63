"""Many fields of one size, of which a step edits one a little: requests and bytes of a step.

Fifty of 60 KB, each under its own name or all under one (`nodes.<id>.output`), and fifty of 2 KB
beside a large one. Each step is a process of its own, as far as memory goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.special.place import Place, run
from benchmarks.synthetic import Writer
from statebag import Statebag
from statebag.testing.process import forget

if TYPE_CHECKING:
    from collections.abc import Callable

_FIELDS = 50
_LARGE, _SMALL = 60_000, 2_000  # bytes
_BESIDE = 5_000_000  # bytes
_SCOPE = "benchmark/fields"


def measure(place: Place) -> dict[str, Any]:
    """A row for each kind of state."""
    size = _BESIDE // 50 if place.short else _BESIDE
    return {
        "50 of 60 KB, one name": _steps(place, lambda n: ("nodes", f"n{n}", "output"), _LARGE, 0),
        "50 of 60 KB, own names": _steps(
            place, lambda n: ("nodes", f"n{n}", f"output_{n}"), _LARGE, 0
        ),
        "50 of 2 KB beside 5 MB": _steps(place, lambda n: ("fields", f"f{n}"), _SMALL, size),
    }


def _steps(
    place: Place, path_of: Callable[[int], tuple[str, ...]], size: int, beside: int
) -> dict[str, float]:
    control, writer = place.control(), Writer(5)
    control.set_delay(0)
    state: dict[str, Any] = {"log": writer.records(beside)} if beside else {}
    for number in range(_FIELDS):
        *above, last = path_of(number)
        inside = state
        for name in above:
            inside = inside.setdefault(name, {})
        inside[last] = writer.text(size)
    address, steps = place.address(), 4 if place.short else 50
    forget()
    bag = Statebag(address).seal(state, scope=_SCOPE)
    before = control.counts()
    for step in range(steps):
        forget()
        client = Statebag(address)
        state = client.open(bag, scope=_SCOPE)
        *above, last = path_of(step * 7 % _FIELDS)
        inside = state
        for name in above:
            inside = inside[name]
        inside[last] = writer.edited(inside[last])
        bag = client.seal(state, scope=_SCOPE)
    after = control.counts()
    forget()
    assert Statebag(address).open(bag, scope=_SCOPE) == state

    def a_step(kind: str) -> float:
        return float(after["requests"].get(kind, 0) - before["requests"].get(kind, 0)) / steps

    return {
        "PUT": a_step("PUT"),
        "GET": a_step("GET"),
        "KB put": (after["bytes_up"] - before["bytes_up"]) / steps / 1000,
    }


if __name__ == "__main__":
    run(measure)
