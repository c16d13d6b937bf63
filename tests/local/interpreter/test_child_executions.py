from __future__ import annotations

import boto3
import pytest

from statebag.local import run
from tests.local.interpreter.events import types
from tests.local.machines import chain, task

CHILD = "arn:aws:states:us-east-1:123456789012:stateMachine:Child"


def nested(pattern="", machine=CHILD, **fields):
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::states:startExecution{pattern}",
        "Parameters": {"StateMachineArn": machine, "Input.$": "$"},
        **fields,
    }


def machines():
    return {
        "Child": chain(
            ("W", {"Type": "Wait", "Seconds": 500}),
            ("P", {"Type": "Pass", "Parameters": {"n.$": "$.n", "ok": True}}),
        )
    }


@pytest.mark.parametrize(
    ("pattern", "picked", "value"),
    [
        (".sync:2", "$.Output", {"n": 1, "ok": True}),
        (".sync", "$.Output", '{"n":1,"ok":True}'.replace("True", "true")),
        (".sync", "$.Status", "SUCCEEDED"),
        (".sync:2", "$.Input", {"n": 1}),
    ],
)
def test_a_nested_execution_is_awaited(pattern, picked, value):
    state = nested(pattern, ResultSelector={"v.$": picked})
    execution = run(chain(("N", state)), input={"n": 1}, machines=machines())
    assert execution.output == {"v": value}
    assert types(execution)[2:6] == [
        "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded",
    ]  # fmt: skip
    began, ended = execution.history[0]["timestamp"], execution.history[-1]["timestamp"]
    assert 500 <= (ended - began).total_seconds() < 510


def test_one_that_is_only_started_runs_on():
    told = {}
    execution = run(
        chain(("N", nested())), input={"n": 1}, machines=machines(),
        on_event=lambda arn, event: told.setdefault(arn, []).append(event["type"]),
    )  # fmt: skip
    child = execution.output["ExecutionArn"]
    assert ":execution:Child:" in child
    assert told[child][-1] == "ExecutionSucceeded"


def test_one_that_fails_fails_the_task():
    execution = run(
        chain(("N", nested(".sync:2"))),
        machines={"Child": chain(("F", {"Type": "Fail", "Error": "Mine", "Cause": "why"}))},
    )
    assert execution.error == "States.TaskFailed"
    assert '"Error":"Mine"' in execution.cause


def test_a_task_that_times_out_aborts_the_execution():
    told = []
    state = nested(".sync:2", TimeoutSeconds=100)
    execution = run(
        chain(("N", state)), input={"n": 1}, machines=machines(),
        on_event=lambda arn, event: told.append((arn.split(":")[6], event["type"])),
    )  # fmt: skip
    assert execution.error == "States.Timeout"
    assert ("Child", "ExecutionAborted") in told
    assert ("Child", "PassStateEntered") not in told


def test_a_machine_that_is_not_there():
    state = nested(".sync:2", machine=CHILD.replace("Child", "Gone"))
    execution = run(chain(("N", state)), machines=machines())
    assert execution.error == "StepFunctions.StateMachineDoesNotExistException"


def test_a_function_starts_one_and_another_one_sees_how_it_ended():
    def start(_event, _context):
        client = boto3.client("stepfunctions", region_name="us-east-1")
        return client.start_execution(stateMachineArn=CHILD, input='{"n": 3}')["executionArn"]

    def look(arn, _context):
        client = boto3.client("stepfunctions", region_name="us-east-1")
        return client.describe_execution(executionArn=arn)["status"]

    definition = chain(
        ("S", task("start")),
        ("First", task("look", ResultPath=None, ResultSelector={"s.$": "$"})),
        ("W", {"Type": "Wait", "Seconds": 1000}),
        ("L", task("look")),
    )
    execution = run(definition, machines=machines(), functions={"start": start, "look": look})
    assert execution.output == "SUCCEEDED"


def test_the_machine_may_start_itself():
    stop = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericEquals": 0, "Next": "End"}],
        "Default": "Less",
    }
    less = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, -1)"}, "Next": "Again"}
    again = nested(".sync:2", machine=CHILD.replace("Child", "Main"), End=True)
    definition = {
        "StartAt": "Stop",
        "States": {"Stop": stop, "Less": less, "Again": again, "End": {"Type": "Succeed"}},
    }
    assert run(definition, input={"n": 3}).status == "SUCCEEDED"
