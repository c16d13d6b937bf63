"""What is written after four records of a 10 MB value were changed."""

from __future__ import annotations

from random import Random
from typing import Any

from benchmarks.special.place import Place, run
from benchmarks.synthetic import Writer
from statebag import Statebag
from statebag.format import json_text
from statebag.testing.process import forget

_BYTES = 10_000_000
_EDITED = 4
_SCOPE = "benchmark/edits"


def measure(place: Place) -> dict[str, Any]:
    """Bytes and PUTs of the second seal: array or object, neighbours or records far apart."""
    control = place.control()
    control.set_delay(0)
    writer = Writer(5)
    size = 1_000_000 if place.short else _BYTES
    values: dict[str, Any] = {"array": writer.records(size), "object": writer.keyed(size)}
    found: dict[str, Any] = {}
    for kind, value in values.items():
        for where in ("adjacent", "apart"):
            address = place.address()
            bag = Statebag(address).seal({"data": value}, scope=_SCOPE)
            forget()
            client = Statebag(address)
            state = client.open(bag, scope=_SCOPE)
            data = state["data"]
            keys = list(data) if isinstance(data, dict) else list(range(len(data)))
            middle = len(keys) // 2
            chosen = (
                keys[middle : middle + _EDITED]
                if where == "adjacent"
                else Random(3).sample(keys, _EDITED)
            )
            for key in chosen:
                data[key] = {**data[key], "status": "edited", "notes": writer.text(200)}
            before = control.counts()
            edited = client.seal(state, scope=_SCOPE)
            after = control.counts()
            puts = after["requests"].get("PUT", 0) - before["requests"].get("PUT", 0)
            found[f"{kind}_{where}"] = {
                "bytes": after["bytes_up"] - before["bytes_up"],
                "puts": puts,
                "bag_growth": len(json_text.encode(edited)) - len(json_text.encode(bag)),
            }
            # What was not written may travel instead.
            one = found[f"{kind}_{where}"]
            one["cost"] = one["bytes"] + max(one["bag_growth"], 0)
            forget()
            assert Statebag(address).open(edited, scope=_SCOPE) == state
    return found


if __name__ == "__main__":
    run(measure)
