"""What the engine on this machine costs: CPU seconds and memory of runs.

`python -m benchmarks.engine_figures` runs each workload in new processes, and prints the least CPU
seconds of several runs, and the peak memory of a process with the engine and the workload.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_PASS = {"Type": "Pass", "End": True}


def _first() -> tuple[dict[str, Any], Any, dict[str, Any]]:
    states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}
    return {"StartAt": "A", "States": states}, {}, {}


def _transitions() -> tuple[dict[str, Any], Any, dict[str, Any]]:
    more = {"Variable": "$.n", "NumericLessThan": 2_500, "Next": "Add"}
    add = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "More"}
    states = {
        "Add": add,
        "More": {"Type": "Choice", "Choices": [more], "Default": "End"},
        "End": {"Type": "Succeed"},
    }
    return {"StartAt": "Add", "States": states}, {"n": 0}, {"type": "EXPRESS"}


def _inline() -> tuple[dict[str, Any], Any, dict[str, Any]]:
    each = {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "P", "States": {"P": _PASS}},
        "MaxConcurrency": 40,
        "End": True,
    }
    machine = {"StartAt": "Each", "States": {"Each": each}}
    return machine, list(range(10_000)), {"type": "EXPRESS"}


def _distributed() -> tuple[dict[str, Any], Any, dict[str, Any]]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket": "the-items", "Key": "items.jsonl"},
    }
    each = {
        "Type": "Map",
        "ItemReader": reader,
        "ItemProcessor": {"StartAt": "P", "States": {"P": _PASS}, "ProcessorConfig": config},
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "the-results", "Prefix": "results"},
        },
        "End": True,
    }
    folder = Path(os.environ["BUCKETS"])
    return {"StartAt": "Each", "States": {"Each": each}}, {}, {"buckets": folder, "timeout": 600}


_WORKLOADS = {
    "first": (_first, "first run of two states, in a new process"),
    "transitions": (_transitions, "5,000 transitions"),
    "inline": (_inline, "inline Map of 10,000"),
    "distributed": (_distributed, "distributed Map of 100,000, with reader and writer"),
}


def _measured(name: str) -> dict[str, float]:
    """Run a workload in this process: CPU seconds of the run, of the process, and peak MB."""
    from statebag.local import run  # noqa: PLC0415 - its import is part of what is measured

    machine, given, settings = _WORKLOADS[name][0]()
    began = time.process_time()
    execution = run(machine, input=given, **settings)
    seconds = time.process_time() - began
    assert execution.status == "SUCCEEDED", (execution.error, execution.cause)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"run": seconds, "process": time.process_time(), "memory": peak}


def main() -> None:
    """Print a line for each workload."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*_WORKLOADS, []], help="[all]")
    parser.add_argument("--times", type=int, default=5, help="processes for each [5]")
    parser.add_argument("--here", metavar="NAME", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(_measured(arguments.here)))
        return
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "the-items"), Path(folder, "the-results")
        source.mkdir()
        target.mkdir()
        lines = "".join(
            f'{{"id": {number}, "name": "item {number}"}}\n' for number in range(100_000)
        )
        (source / "items.jsonl").write_text(lines)
        for name in arguments.names or _WORKLOADS:
            command = [sys.executable, "-m", "benchmarks.engine_figures", "--here", name]
            variables = {**os.environ, "BUCKETS": folder}
            times = 1 if name == "distributed" else arguments.times
            found = [
                json.loads(
                    subprocess.run(command, check=True, capture_output=True, env=variables).stdout
                )
                for _ in range(times)
            ]
            run, process = (min(one[key] for one in found) for key in ("run", "process"))
            memory = min(one["memory"] for one in found)
            print(
                f"{_WORKLOADS[name][1]:55} {run:7.3f} s CPU the run, {process:7.3f} s the process, "
                f"{memory:4.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
