"""Opening twenty stored fields, against opening one of them."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.special.place import Place, run
from benchmarks.synthetic import Writer
from statebag import Policy, Statebag
from statebag.testing.process import forget

if TYPE_CHECKING:
    from collections.abc import Callable

_FIELDS = 20
_FIELD_BYTES = 40_000
_SCOPE = "benchmark/fields"


def measure(place: Place) -> dict[str, Any]:
    """Medians in seconds; fields that lie in one pack, and fields that lie in one each."""
    rounds = 3 if place.short else 25
    address, policy = place.address(), Policy(carry_bytes=0)
    writer = Writer(11)
    fields = {f"field_{i:02d}": writer.text(_FIELD_BYTES) for i in range(_FIELDS)}
    control = place.control()
    control.set_delay(0)
    sealer = Statebag(address, policy=policy)
    together = sealer.seal(fields, scope=_SCOPE)
    apart = {
        name: sealer.seal({"value": text}, scope=f"{_SCOPE}/{name}")
        for name, text in ((name, writer.text(_FIELD_BYTES)) for name in fields)
    }
    control.set_delay(place.delay_ms)
    found: dict[str, list[float]] = {"one": [], "one_pack": [], "twenty_packs": []}

    def timed(name: str, work: Callable[[Statebag], Any]) -> None:
        forget()
        began = perf_counter()
        work(Statebag(address, policy=policy))
        found[name].append(perf_counter() - began)

    for _ in range(rounds):
        timed("one", lambda client: client.open(together, only=["field_07"]))
        timed("one_pack", lambda client: client.open(together))
        timed("twenty_packs", lambda client: client.open(apart))
    control.set_delay(0)
    assert Statebag(address, policy=policy).open(together) == fields
    return {name: median(times) for name, times in found.items()}


if __name__ == "__main__":
    run(measure)
