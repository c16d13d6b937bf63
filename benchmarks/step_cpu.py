"""What a step's CPU consists of, beside that of one zstd object for the whole state.

    python -m benchmarks.step_cpu [bytes] [steps]

Both ways take the same steps in one process, one after the other, against a server on this
machine, so that their ratio says more than two runs would. Then the last state is taken apart: what
the libraries alone take for the same texts.
"""

from __future__ import annotations

import os
import sys
import uuid
from contextlib import contextmanager
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

from benchmarks import workloads
from benchmarks.server import running
from benchmarks.ways.one_object_way import OneObjectWay
from benchmarks.ways.statebag_way import StatebagWay
from statebag.format import codec, json_check, json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.ways.way import Way

__all__ = ["compared", "frames_of", "main", "parts"]

_ROUNDS = 25


def compared(ways: dict[str, Way], workload: workloads.Workload) -> dict[str, dict[str, float]]:
    """Return the median milliseconds of CPU of a step by each way, after a third of the steps.

    Args:
        ways: By name; each begins every step as a new process would.
        workload: The steps.
    """
    payloads = {name: way.first(workload.initial()) for name, way in ways.items()}
    times: dict[str, dict[str, list[float]]] = {
        name: {"open": [], "seal": [], "step": []} for name in ways
    }
    for change in workload.changes():
        for name, way in ways.items():
            way.forget()
            halves: dict[str, float] = {}

            @contextmanager
            def timer(half: str, halves: dict[str, float] = halves) -> Iterator[None]:
                began = process_time()
                yield
                halves[half] = 1000 * (process_time() - began)

            payloads[name] = way.step(payloads[name], change, timer)
            for half, taken in {**halves, "step": sum(halves.values())}.items():
                times[name][half].append(taken)
    first = workload.steps // 3
    return {
        name: {half: median(taken[first:]) for half, taken in halves.items()}
        for name, halves in times.items()
    }


def frames_of(read: Callable[[], object]) -> list[tuple[bytes, int, bytes | None]]:
    """Return each frame that a read inflates, with the size of its text and the base of a delta."""
    found: list[tuple[bytes, int, bytes | None]] = []
    inflate = codec._bounded  # noqa: SLF001

    def noted(frame: bytes, size: int, base: bytes | None = None) -> bytes | None:
        found.append((bytes(frame), size, base))
        return inflate(frame, size, base)

    codec._bounded = noted  # noqa: SLF001
    try:
        read()
    finally:
        codec._bounded = inflate  # noqa: SLF001
    return found


def parts(
    state: Any, frames: list[tuple[bytes, int, bytes | None]], rounds: int = _ROUNDS
) -> dict[str, float]:
    """Return the milliseconds of CPU that the libraries alone take for a state and its frames.

    Args:
        state: An opened state.
        frames: What an open of it inflates.
        rounds: How often each is done; the median counts.
    """
    text = json_text.encode(state)
    whole = codec.compress(text)
    digest = codec.sha256_hex(text)
    texts = [codec._bounded(*one) or b"" for one in frames]  # noqa: SLF001

    def cpu(work: Callable[[], object]) -> float:
        taken = []
        for _ in range(rounds):
            began = process_time()
            work()
            taken.append(1000 * (process_time() - began))
        return median(taken)

    return {
        "decode, one text": cpu(lambda: json_text.decode(text)),
        "inflate and digest, one frame": cpu(
            lambda: codec.decompress(whole, size=len(text), sha256=digest, where=None)
        ),
        "inflate, the bag's frames": cpu(lambda: [codec._bounded(*one) for one in frames]),  # noqa: SLF001
        "of it, making decoders": cpu(lambda: [codec._decoder() for _ in frames]),  # noqa: SLF001
        "digest, their texts": cpu(lambda: codec.digests_of(texts)),
        "check": cpu(lambda: json_check.check_json(state, strings=False)),
        "encode, one text": cpu(lambda: json_text.encode(state)),
        "compress, one frame": cpu(lambda: codec.compress(text)),
    }


def main() -> None:
    """Measure, and print."""
    size, steps = (*map(int, sys.argv[1:3]), *(1_000_000, 150)[len(sys.argv[1:3]) :])
    workload = workloads.synthetic(size, steps, 0.2)
    with running(0) as endpoint:
        os.environ.update(endpoint.environment)
        prefix = uuid.uuid4().hex
        ours = StatebagWay(f"s3://{endpoint.bucket}/{prefix}-bags")
        ways: dict[str, Way] = {
            "one zstd object": OneObjectWay(endpoint.bucket, prefix),
            "statebag": ours,
        }
        found = compared(ways, workload)
        payload = ours.first(workload.initial())
        for change in workload.changes():
            ours.forget()
            payload = ours.step(payload, change, _untimed)
        ours.forget()
        frames = frames_of(lambda: ours.read(payload))
        state = ours.read(payload)
    for name, halves in found.items():
        print(f"{name:<32}", *(f"{half} {taken:7.2f} ms " for half, taken in halves.items()))
    ratio = found["statebag"]["step"] / found["one zstd object"]["step"]
    print(f"{'statebag over one zstd object':<32} {ratio:.2f}")
    inflated, text = sum(size for _, size, _ in frames), len(json_text.encode(state))
    deltas = sum(base is not None for *_, base in frames)
    print(f"text {text:,} bytes; inflated {inflated:,} in {len(frames)} frames, {deltas} deltas")
    for name, taken in parts(state, frames).items():
        print(f"{name:<32} {taken:12.2f} ms")


@contextmanager
def _untimed(half: str) -> Iterator[None]:
    del half
    yield


if __name__ == "__main__":
    main()
