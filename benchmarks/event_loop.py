"""How long seals and opens keep an event loop waiting.

`python -m benchmarks.event_loop` runs 200 seals and opens at once, with a store that takes 30 ms
for each call, and a coroutine that asks to be woken every millisecond. The lag is how much later it
was woken.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from benchmarks.synthetic import Writer
from statebag import Policy, Statebag
from statebag.store.memory import MemoryStore
from statebag.testing.process import forget

_CALLS = 200
_CALL_SECONDS = 0.03
_STATE_BYTES = 100_000


class SlowStore(MemoryStore):
    """Takes its time for each call."""

    def put(self, name: str, data: bytes) -> None:
        time.sleep(_CALL_SECONDS)
        super().put(name, data)

    def get(self, name: str) -> bytes:
        time.sleep(_CALL_SECONDS)
        return super().get(name)

    def get_ranges(self, name: str, spans: Any) -> Any:
        time.sleep(_CALL_SECONDS)
        return super().get_ranges(name, spans)


async def _watch(lags: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        lags.append(time.perf_counter() - began - 0.001)


async def _measured() -> tuple[float, list[float]]:
    texts = [Writer(seed).text(_STATE_BYTES) for seed in range(8)]
    sb = Statebag(SlowStore(), policy=Policy(carry_bytes=0, cache_bytes=0), replicas=())
    lags: list[float] = []
    await sb.aopen(await sb.aseal({"text": texts[0]}, scope="machine/0"))  # loads the modules
    watch = asyncio.create_task(_watch(lags))

    async def one(number: int) -> None:
        state = {"number": number, "text": texts[number % len(texts)] + str(number)}
        scope = f"machine/{number}"
        bag = await sb.aseal(state, scope=scope)
        assert await sb.aopen(bag, scope=scope) == state

    began = time.perf_counter()
    await asyncio.gather(*map(one, range(_CALLS)))
    seconds = time.perf_counter() - began
    watch.cancel()
    return seconds, sorted(lags)


def main() -> None:
    forget()
    seconds, lags = asyncio.run(_measured())
    at = {
        name: 1000 * lags[int(len(lags) * share)] for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    print(
        f"{_CALLS} seals and opens in {seconds:.2f} s; lag of the event loop: "
        f"p50 {at['p50']:.1f} ms, p99 {at['p99']:.1f} ms, most {1000 * lags[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
