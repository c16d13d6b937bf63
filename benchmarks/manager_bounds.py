"""What the state data manager takes where a workflow is large.

`python -m benchmarks.manager_bounds` prints a table. Each row is one bound of
docs/state-data-manager.md: what was done, the figure, and the most that it may be. Every timed call
begins with empty memory, as in a process that has not seen the workflow, and the shortest of some
calls counts, since other work on the machine only adds to it. The store is an S3 server on this
machine: requests are real, and there is no network.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tracemalloc
from dataclasses import dataclass
from functools import partial
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.server import running
from statebag.default_client import from_environment
from statebag.format import json_text
from statebag.format.json_text import wire_size
from statebag.opening import process_memory
from statebag.state_data_manager import lambda_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Row", "rows", "table"]

SCOPE = "machine/execution"
_KB = 1024
_MB = 1_000_000
_TIMES = 100  # calls of some milliseconds
_TIMES_LONG = 5  # calls of some seconds


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: What was done.
        figure: Seconds or bytes.
        most: The bound.
        unit: `s`, `ms`, `KB` (of 1,024 bytes), `MB` or `times`.
    """

    what: str
    figure: float
    most: float
    unit: str

    @property
    def is_kept(self) -> bool:
        return self.figure <= self.most

    def shown(self) -> tuple[str, str]:
        """The figure and the bound as a reader reads them."""
        by = {"s": 1.0, "ms": 0.001, "KB": _KB, "MB": _MB, "times": 1.0}[self.unit]
        return f"{self.figure / by:.3g} {self.unit}", f"{self.most / by:g} {self.unit}"


def rows(*, short: bool = False) -> Iterator[Row]:
    """Measure one after another, in a store that the environment names.

    Args:
        short: A hundredth of each, to show that it runs; the texts say the numbers all the same.
    """
    part = 100 if short else 1
    for measure in (_chunks, _failed_children, _branches, _scheduling, _history, _snapshots):
        yield from measure(part)
    yield from _segments(part)


def table(found: list[Row]) -> str:
    """The rows as a table in Markdown."""
    lines = ["| what | figure | bound |", "| --- | --- | --- |"]
    for row in found:
        figure, most = row.shown()
        lines.append(f"| {row.what} | {figure} | {most} |")
    return "\n".join(lines)


def _chunks(part: int) -> Iterator[Row]:
    count = 10_000 // part
    text = _Text(1)
    chunks = [
        {"chunk_id": f"c{n}", "execution_order": n, "status": "FAILED", "error": text.of(120)}
        for n in range(count)
    ]
    event = {"action": "aggregate_distributed", "distributed_results": chunks}
    seconds, answer = _timed(lambda: _call(event, _state()), _TIMES_LONG)
    assert answer["final_status"] == "FAILED"
    yield Row(f"{count * part:,} failed chunks in the event: time", seconds, 1, "s")
    yield Row("the same: the answer", wire_size(answer), 64 * _KB, "KB")


def _failed_children(part: int) -> Iterator[Row]:
    seconds, stored, memory = [], [], []
    for size in (20_000, 20 * _MB // part):
        event = _map_run(size)
        before = _bytes_stored()
        _call(event, _state())
        stored.append(_bytes_stored() - before)
        seconds.append(_timed(partial(_call, event, _state()), _TIMES)[0])
        memory.append(_peak(partial(_call, event, _state())))
    name = "20 failed children of a 20 MB state, against 20 KB"
    yield Row(f"{name}: time", seconds[1] / seconds[0], 1.2, "times")
    yield Row(f"{name}: bytes stored", stored[1] / stored[0], 1.2, "times")
    yield Row(f"{name}: memory", memory[1] / memory[0], 1.2, "times")


def _branches(part: int) -> Iterator[Row]:
    count = 5_000 // part
    text = _Text(2)
    fork = {"shared": text.of(200), "kept": text.of(20_000)}
    results = [
        {
            "branch_id": f"b{n}",
            "status": "COMPLETE",
            "final_state": {**fork, f"result_{n}": text.of(400), "shared": n},
            "new_history_logs": [{"branch": n, "text": text.of(60)}],
        }
        for n in range(count)
    ]
    event = {"action": "aggregate_branches", "parallel_results": results}
    state = {**_state(), "current_state": fork}
    seconds, answer = _timed(lambda: _call(event, state), _TIMES_LONG)
    assert len(from_environment().open(answer["state_data"])["current_state"]) == count + 2
    yield Row(f"{count * part:,} branches joined: time", seconds, 5, "s")


def _scheduling(part: int) -> Iterator[Row]:
    count = 74_000 // part
    text = _Text(3)
    details = [{"batch": n, "model": "m", "items": text.of(250)} for n in range(count)]
    metadata = {"batch_details": details}
    size = len(json_text.encode(metadata))
    plain = _call({"action": "sync", "execution_result": {}}, _state())["state_data"]
    bag = _call(
        {"action": "sync", "execution_result": {}}, {**_state(), "scheduling_metadata": metadata}
    )["state_data"]
    assert bag["scheduling_summary"] == {"total_batches": count, "priority": 1}
    takes = wire_size(bag) - wire_size(plain)
    yield Row(
        f"{size * part // _MB} MB of scheduling metadata: its part of the bag", takes, _KB, "KB"
    )


def _history(part: int) -> Iterator[Row]:
    count = 1_000_000 // part
    client = from_environment()
    array = client.array_writer(SCOPE)
    for n in range(count):
        array.add(n, json_text.encode(_entry(n)))
    state = {**_state(), "state_history": array.finish()}
    bag = client.with_control("execution_id").seal(state, scope=SCOPE)
    result = {"new_history_logs": [_entry(count)]}
    event = {"action": "sync", "execution_result": result}
    seconds, answer = _timed(lambda: _call(event, bag), _TIMES)
    name = f"a history of {count * part:,} entries"
    yield Row(f"{name}: appending one", seconds, 0.010, "ms")
    after, index = answer["state_data"], count // 3
    path = ["state_history", index]
    seconds, entry = _timed(lambda: from_environment().get(after, path, SCOPE), _TIMES)
    assert entry == _entry(index)
    yield Row(f"{name}: reading one", seconds, 0.010, "ms")


def _snapshots(part: int) -> Iterator[Row]:
    count = 1_000 // part
    text = _Text(4)
    documents = {f"document_{n}": text.of(250_000) for n in range(20)}
    before = _bytes_stored()
    bag = {**_state(), "current_state": documents}
    for n in range(count):
        result = {
            "final_state": {"turn": n, "note": text.of(300)},
            "new_history_logs": [_entry(n)],
        }
        bag = _call({"action": "sync", "execution_result": result}, bag)["state_data"]
        bag = _call({"action": "create_snapshot", "snapshot_type": "pre"}, bag)["state_data"]
    what = f"{count * part:,} snapshots of a 5 MB state, one after each step: all that is stored"
    yield Row(what, _bytes_stored() - before, 25 * _MB, "MB")


def _segments(part: int) -> Iterator[Row]:
    count = 5_000 // part
    text = _Text(5)
    segments = [
        {"segment_id": n, "execution_order": n, "segment_config": {"nodes": [text.of(3_000)]}}
        for n in range(count)
    ]
    pointers = [
        {"segment_index": n, "segment_id": n, "total_segments": count} for n in range(count)
    ]
    state = {**_state(), "segments": segments, "segment_manifest": pointers}
    answer = _call({"action": "sync", "execution_result": {}}, state)
    largest = wire_size(answer)
    for n in (0, count // 2, count - 1):
        event = {"action": "hydrate_segment", "segment_pointer": pointers[n]}
        hydrated = _call(event, answer["state_data"])
        assert hydrated["segment_config"] == segments[n]["segment_config"]
        largest = max(largest, wire_size(hydrated))
    yield Row(f"{count * part:,} segments: the largest payload", largest, 64 * _KB, "KB")


def _state() -> dict[str, Any]:
    return {"execution_id": SCOPE, "segment_to_run": 0, "total_segments": 9, "loop_counter": 0}


def _entry(n: int) -> dict[str, Any]:
    """An entry of a history, as a segment that was executed leaves one."""
    said = f"segment {n % 40} was executed in {n % 977} ms"
    return {"n": n, "segment_id": n % 40, "status": "COMPLETE", "message": said}


def _call(event: dict[str, Any], state: Any) -> Any:
    return lambda_handler({**event, "state_data": state})


def _timed(call: Callable[[], Any], times: int) -> tuple[float, Any]:
    """The least seconds that a call takes with empty memory, and its answer."""
    taken = []
    for _ in range(times):
        process_memory.forget()
        began = perf_counter()
        answer = call()
        taken.append(perf_counter() - began)
    return min(taken), answer


def _peak(call: Callable[[], Any]) -> int:
    process_memory.forget()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _map_run(size: int) -> dict[str, Any]:
    """An event with the results of 20 failed children, whose input is the bag of a state."""
    client, text = from_environment(), _Text(size)
    state = {**_state(), "documents": [text.of(1_000) for _ in range(size // 1_000)]}
    bag = client.with_control("execution_id").seal(state, scope=SCOPE)
    records = [
        {
            "ExecutionArn": f"arn:aws:states:eu-west-1:111122223333:execution:m/L:c{n}",
            "Name": f"c{n}",
            "Status": "FAILED",
            "Error": "States.TaskFailed",
            "Cause": "it failed",
            "Input": json.dumps({"chunk_index": n, "state_data": {"bag": bag}}),
        }
        for n in range(20)
    ]
    bucket, _, prefix = client.store.url.removeprefix("s3://").partition("/")
    folder = f"results/{size}"
    files = {"FAILED": [{"Key": f"{prefix}/{folder}/FAILED_0.json", "Size": 1}], "SUCCEEDED": []}
    manifest = {"DestinationBucket": bucket, "MapRunArn": "arn", "ResultFiles": files}
    client.store.put(f"{folder}/FAILED_0.json", json.dumps(records).encode())
    client.store.put(f"{folder}/manifest.json", json.dumps(manifest).encode())
    details = {"Bucket": bucket, "Key": f"{prefix}/{folder}/manifest.json"}
    result = {"MapRunArn": "arn", "ResultWriterDetails": details}
    return {"action": "aggregate_distributed", "execution_result": result}


def _bytes_stored() -> int:
    return sum(one.size for one in from_environment().store.list())


class _Text:
    """Text that compresses to about half, as prose does, the same in each run."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def of(self, size: int) -> str:
        return self._random.randbytes(size // 2).hex()


def main() -> int:
    """Read the arguments, measure, and print the table; 1 if a bound is not kept."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.manager_bounds", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--short", action="store_true", help="a hundredth of each")
    arguments = parser.parse_args()
    found = []
    with running(0) as endpoint:
        environment = {**endpoint.environment, "AWS_ENDPOINT_URL": endpoint.server}
        os.environ.update(environment, STATEBAG_STORE=f"s3://{endpoint.bucket}/bounds")
        for row in rows(short=arguments.short):
            found.append(row)
            print(f"... {row.what}", file=sys.stderr, flush=True)
    print(table(found))
    return 0 if all(row.is_kept for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
