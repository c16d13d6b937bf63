"""Small definitions for tests of the engine."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from statebag.local import run as run_workflow

LIMIT = 262_144


def chain(*states: tuple[str, dict[str, Any]], **machine: Any) -> dict[str, Any]:
    """A machine whose states follow each other in the order given."""
    named = dict(states)
    names = list(named)
    for name, following in pairwise(names):
        if "Next" not in named[name] and named[name]["Type"] not in ("Choice", "Succeed", "Fail"):
            named[name] = {**named[name], "Next": following}
    last = names[-1]
    if named[last]["Type"] not in ("Succeed", "Fail", "Choice"):
        named[last] = {**named[last], "End": True}
    return {"StartAt": names[0], "States": named, **machine}


def task(function: str = "work", **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": function, **fields}


def invoke(function: str = "work", **fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
        **fields,
    }


def text_of(size: int) -> str:
    """A string whose JSON text has `size` bytes, most of them in two-byte characters."""
    assert size % 2 == 0
    return "é" * ((size - 2) // 2)


def run(definition: dict[str, Any], input_value: Any = None, functions: Any = None, **options: Any):
    return run_workflow(
        definition,
        functions=functions or {},
        input={} if input_value is None else input_value,
        **options,
    )
