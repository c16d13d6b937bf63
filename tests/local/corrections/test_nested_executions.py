from __future__ import annotations

from tests.local.machines import chain, run, task


def test_a_nested_execution_is_awaited():
    child = chain(("W", {"Type": "Wait", "Seconds": 1}), ("T", task()))
    for condition, picked in (("sync:2", "$.Output.n"), ("sync", "$.Status")):
        state = {
            "Type": "Task",
            "Resource": f"arn:aws:states:::states:startExecution.{condition}",
            "Parameters": {
                "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:Child",
                "Input.$": "$",
            },
            "ResultSelector": {"v.$": picked},
        }
        execution = run(
            chain(("N", state)),
            {"n": 1},
            {"work": lambda event, _: {"n": event["n"] + 1}},
            machines={"Child": child},
            wait_scale=0.01,
        )
        assert execution.output == {"v": 2 if condition == "sync:2" else "SUCCEEDED"}


def test_a_nested_execution_that_fails_fails_the_task():
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {
            "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:Child",
        },
    }
    child = chain(("F", {"Type": "Fail", "Error": "Mine"}))
    execution = run(chain(("N", state)), machines={"Child": child})
    assert execution.error == "States.TaskFailed"
    assert "Mine" in execution.cause
