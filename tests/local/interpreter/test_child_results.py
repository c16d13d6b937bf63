from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from statebag.local.interpreter.child_results import (
    RunResult,
    result_objects,
    returned_results,
)
from statebag.local.interpreter.result_writer import Writer

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:Flow/Each"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OK = RunResult(ARN, "a", "SUCCEEDED", "1", "[1,2]", None, None, AT, AT)
OTHER = RunResult(ARN, "b", "SUCCEEDED", "2", '{"é":1}', None, None, AT, AT)
FAILED = RunResult(ARN, "c", "FAILED", "3", None, "E", None, AT, AT)
PENDING = RunResult(ARN, "d", "PENDING", "4")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Writer("COMPACT", "JSON"), '[[1,2],{"é":1}]'),
        (Writer("COMPACT", "JSONL"), '[1,2]\n{"é":1}\n'),
        (Writer("FLATTEN", "JSON"), '[1,2,{"é":1}]'),
        (Writer("FLATTEN", "JSONL"), '1\n2\n{"é":1}\n'),
    ],
)
def test_results_are_written_in_each_form(form, text):
    objects = result_objects(
        [OK, OTHER], form, bucket="box", prefix="out/", map_run_arn="arn:x:mapRun:F/E:run-1"
    )
    (key, body), (manifest, listing) = objects
    assert key == f"out/run-1/SUCCEEDED_0.{form.output_type.lower()}"
    assert body.read().decode() == text
    assert manifest == "out/run-1/manifest.json"
    assert json.load(listing)["ResultFiles"] == {
        "FAILED": [],
        "PENDING": [],
        "SUCCEEDED": [{"Key": key, "Size": len(text.encode())}],
    }


def test_children_are_described_as_the_service_does():
    described = returned_results([OTHER, FAILED, PENDING], "NONE")
    assert [list(one) for one in described] == [sorted(one) for one in described]
    assert described[0] == {
        "ExecutionArn": f"{ARN.replace('stateMachine', 'execution')}:b",
        "Input": "2",
        "InputDetails": {"Included": True},
        "Name": "b",
        "Output": '{"é":1}',
        "OutputDetails": {"Included": True},
        "RedriveCount": 0,
        "RedriveStatus": "NOT_REDRIVABLE",
        "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        "StartDate": "2026-01-02T03:04:05.000Z",
        "StateMachineArn": ARN,
        "Status": "SUCCEEDED",
        "StopDate": "2026-01-02T03:04:05.000Z",
    }
    assert (described[1]["Error"], described[1]["Cause"]) == ("E", "")
    assert "StartDate" not in described[2]


def test_what_failed_is_described_in_every_form():
    found = returned_results([OK, FAILED], "FLATTEN")
    assert found[:2] == [1, 2]
    assert found[2]["Status"] == "FAILED"


@pytest.mark.parametrize("output_type", ["JSON", "JSONL"])
def test_many_results_are_in_several_objects(monkeypatch, output_type):
    monkeypatch.setattr("statebag.local.interpreter.child_results._OBJECT_BYTES", 20)
    children = [RunResult("m", str(n), "SUCCEEDED", "1", f'"{n}{"x" * 9}"') for n in range(5)]
    form = Writer("COMPACT", output_type)
    *objects, (_, manifest) = result_objects(
        children, form, bucket="b", prefix="p", map_run_arn="a:b"
    )
    assert [key for key, _ in objects] == [
        f"p/b/SUCCEEDED_{n}.{output_type.lower()}" for n in (0, 1, 2)
    ]
    listed = json.loads(manifest.read())["ResultFiles"]["SUCCEEDED"]
    bodies = [body.read() for _, body in objects]
    assert [one["Size"] for one in listed] == [len(body) for body in bodies]
    read = [json.loads(body) for body in bodies] if output_type == "JSON" else [
        [json.loads(line) for line in body.splitlines()] for body in bodies
    ]  # fmt: skip
    assert [one for part in read for one in part] == [f"{n}{'x' * 9}" for n in range(5)]
