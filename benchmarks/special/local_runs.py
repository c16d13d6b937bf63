"""What a run of `statebag.local.run` takes: CPU seconds and the peak of memory, of each kind.

`python -m benchmarks.special.local_runs`: each kind runs in a process of its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

KINDS = ("first", "transitions", "inline_map", "distributed_map")
ITEMS = 100_000


def _pass(**fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", **fields}


def _machine(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def first() -> None:
    """Run a machine of two states, without services."""
    from statebag.local import run  # noqa: PLC0415 - its import is part of what is measured

    machine = _machine(A=_pass(Next="B"), B={"Type": "Task", "Resource": "f", "End": True})
    assert run(machine, functions={"f": lambda event, _: event}).status == "SUCCEEDED"


def transitions() -> None:
    """Go through 5,000 states of a loop."""
    from statebag.local import run  # noqa: PLC0415 - its import is part of what is measured

    machine = _machine(
        A=_pass(Parameters={"n.$": "States.MathAdd($.n, 1)"}, Next="B"),
        B={
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericLessThan": 2_500, "Next": "A"}],
            "Default": "C",
        },
        C={"Type": "Succeed"},
    )
    assert run(machine, input={"n": 0}, type="EXPRESS").status == "SUCCEEDED"


def inline_map() -> None:
    """Map 10,000 items in the execution."""
    from statebag.local import run  # noqa: PLC0415 - its import is part of what is measured

    processor = _machine(P=_pass(End=True))
    machine = _machine(M={"Type": "Map", "ItemProcessor": processor, "End": True})
    ran = run(machine, input=list(range(10_000)), type="EXPRESS")
    assert len(ran.output) == 10_000


def distributed_map() -> None:
    """Read 100,000 items from S3, run a child for each, and write what they gave to S3."""
    from statebag.local import run  # noqa: PLC0415 - its import is part of what is measured

    lines = "".join(json.dumps({"id": n, "name": f"item-{n}"}) + "\n" for n in range(ITEMS))
    processor = _machine(P=_pass(End=True))
    processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    machine = _machine(
        M={
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSONL"},
                "Parameters": {"Bucket": "items", "Key": "all.jsonl"},
            },
            "ItemProcessor": processor,
            "ResultWriter": {
                "Resource": "arn:aws:states:::s3:putObject",
                "Parameters": {"Bucket": "results", "Prefix": "out"},
            },
            "End": True,
        }
    )
    seeds = {"buckets": {"items": {"all.jsonl": lines}}}
    ran = run(machine, seeds=seeds, timeout=None)
    assert ran.status == "SUCCEEDED", ran.cause


def measured(kind: str) -> None:
    """Run one kind here, and print what it took."""
    # Of the first run, all counts from the beginning of the process; of the others, the run.
    if kind == "first":
        globals()[kind]()
        seconds = time.process_time()
    else:
        first()
        before = time.process_time()
        globals()[kind]()
        seconds = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{kind:16} {seconds:7.3f} s CPU {peak:7.1f} MB")


def main() -> None:
    """Run each kind in a process of its own."""
    if len(sys.argv) > 1:
        measured(sys.argv[1])
        return
    for kind in KINDS:
        command = [sys.executable, "-m", "benchmarks.special.local_runs", kind]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
