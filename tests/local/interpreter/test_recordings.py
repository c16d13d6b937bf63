"""Executions that AWS recorded, run here with what their tasks resulted in."""

from __future__ import annotations

import importlib.util
import json

import pytest

from statebag.local import run
from tests import shared_data

# Recorded up to July 2024, when the exit of a distributed Map followed MapRunSucceeded. Since
# November 2024 it follows MapRunStarted, and so it does here.
OLDER_DISTRIBUTED_MAPS = "event 7 MapStateExited follows 4, on AWS 5"


def comparison():
    (script,) = shared_data.files("aws-recordings/replay.py")
    spec = importlib.util.spec_from_file_location("recordings_replay", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", shared_data.parameters("aws-recordings/*.jsonl"))
def test_an_execution_is_as_aws_recorded_it(file):
    compare = comparison()
    different = []
    for line in file.read_text("utf-8").splitlines():
        case = json.loads(line)
        verdict = compare.judged(case, compare.by_run(run, case))
        problems = [*verdict["why"], verdict["cause"]]
        if verdict["previous"] != OLDER_DISTRIBUTED_MAPS or case["recorded"] > "2024-08":
            problems.append(verdict["previous"])
        different += [(case["id"], one) for one in problems if one]
    assert different == []
