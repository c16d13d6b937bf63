from __future__ import annotations

import pytest

from statebag.errors import ConfigurationError, InvalidState
from statebag.local import run
from tests.local.interpreter.events import details, types
from tests.local.machines import chain, task

SQS = "arn:aws:states:::sqs:sendMessage"


def test_attempts_take_the_outcomes_in_turn():
    mocks = {"T": [{"Throw": {"Error": "A"}}, {"Return": {"n": 1}}]}
    state = task(Retry=[{"ErrorEquals": ["A"]}])
    execution = run(chain(("T", state)), mocks=mocks)
    assert execution.output == {"n": 1}
    assert types(execution).count("LambdaFunctionScheduled") == 2


def test_one_outcome_is_for_all_attempts():
    state = {"Type": "Map", "ItemProcessor": chain(("T", task()))}
    assert run(chain(("M", state)), input=[1, 2], mocks={"T": {"Return": 5}}).output == [5, 5]


def test_any_resource_can_be_mocked():
    for resource in (SQS, f"{SQS}.waitForTaskToken", "arn:aws:states:::bedrock:invokeModel",
                     "arn:aws:states:::ecs:runTask.sync", "${Placeholder}"):  # fmt: skip
        state = {"Type": "Task", "Resource": resource, "Parameters": {}}
        assert run(chain(("T", state)), mocks={"T": {"Return": 1}}).output == 1


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("work", ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"]),
        (SQS, ["TaskScheduled", "TaskStarted", "TaskSucceeded"]),
        (
            f"{SQS}.waitForTaskToken",
            ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"],
        ),
        (
            "arn:aws:states:us-east-1:123456789012:activity:chop",
            ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"],
        ),
    ],
)
def test_the_events_are_those_of_the_resource(resource, expected):
    state = {"Type": "Task", "Resource": resource}
    execution = run(chain(("T", state)), mocks={"T": {"Return": 1}})
    assert types(execution)[2:-2] == expected


def test_a_timeout_passes_its_time():
    state = {"Type": "Task", "Resource": SQS, "TimeoutSeconds": 900, "HeartbeatSeconds": 300}
    execution = run(chain(("T", state)), mocks={"T": [{"Throw": {"Error": "States.Timeout"}}]})
    scheduled, late = execution.history[2], execution.history[4]
    assert late["type"] == "TaskTimedOut"
    assert 300 <= (late["timestamp"] - scheduled["timestamp"]).total_seconds() < 310
    assert details(scheduled)["timeoutInSeconds"] == 900
    assert details(scheduled)["heartbeatInSeconds"] == 300


def test_a_mock_that_is_used_up_is_named():
    state = {"Type": "Map", "ItemProcessor": chain(("T", task()))}
    with pytest.raises(ConfigurationError, match="'T' has 1 mocked outcomes") as caught:
        run(chain(("M", state)), input=[1, 2], mocks={"T": [{"Return": 5}]})
    fixed = {"Return": 5}  # what the hint says
    assert "without a list" in caught.value.hint
    assert run(chain(("M", state)), input=[1, 2], mocks={"T": fixed}).output == [5, 5]


@pytest.mark.parametrize(
    "mock", [{}, {"Return": 1, "Throw": {}}, 5, [7], {"Throw": "text"}, {"Throw": {"Message": 1}}]
)
def test_a_mock_of_another_form_is_refused(mock):
    with pytest.raises(ConfigurationError, match="T"):
        run(chain(("T", task())), mocks={"T": mock})


def test_a_mock_that_json_cannot_hold_is_refused():
    with pytest.raises(InvalidState, match="the mock of T"):
        run(chain(("T", task())), mocks={"T": {"Return": {1, 2}}})


def test_a_mock_of_no_task_is_refused():
    with pytest.raises(ConfigurationError, match="no Task state U") as caught:
        run(chain(("T", task())), mocks={"U": {"Return": 1}, "T": {"Return": 1}})
    assert "T" in caught.value.hint


JOB = "arn:aws:states:::glue:startJobRun.sync"


def two_ways():
    """A machine whose Choice leads to a mocked Task, or to one that nobody answers."""
    rule = {"Variable": "$.rare", "BooleanEquals": True, "Next": "Job"}
    return {
        "StartAt": "C",
        "States": {
            "C": {"Type": "Choice", "Choices": [rule], "Default": "T"},
            "T": {"Type": "Task", "Resource": "work", "End": True},
            "Job": {"Type": "Task", "Resource": JOB, "Parameters": {}, "End": True},
        },
    }


@pytest.mark.parametrize("resource", [JOB, "${Function}", "gone", "arn:aws:states:::http:invoke"])
def test_a_case_mocks_the_states_on_its_way_alone(resource):
    """As in mock files: a test case names the states that it visits."""
    definition = two_ways()
    definition["States"]["Job"]["Resource"] = resource
    mocks = {"T": {"Return": 1}}
    assert run(definition, input={"rare": False}, mocks=mocks).output == 1
    with pytest.raises(ConfigurationError) as refused:
        run(definition, input={"rare": True}, mocks=mocks)
    assert refused.value.path == "$.States.Job.Resource"
    assert "mocks={'Job': {'Return': ...}}" in refused.value.hint
    with pytest.raises(ConfigurationError) as before:
        run(definition, input={"rare": False}, functions={"work": lambda *_: 1})
    assert before.value.path == "$.States.Job.Resource"


def test_a_refused_task_that_is_reached_ends_the_run_past_its_catch():
    definition = two_ways()
    definition["States"]["Job"]["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": "T"}]
    events = []
    with pytest.raises(ConfigurationError, match=r"'Job' calls .*startJobRun\.sync"):
        run(
            definition,
            input={"rare": True},
            mocks={"T": {"Return": 1}},
            on_event=lambda _, event: events.append(event["type"]),
        )
    assert events[-1] == "ExecutionAborted"


def test_the_advice_for_a_function_has_the_answer_of_the_service_around_the_result():
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "gone"},
        "OutputPath": "$.Payload",
    }
    with pytest.raises(ConfigurationError) as refused:
        run(chain(("T", state)))
    assert "mocks={'T': {'Return': {'Payload': ...}}}" in refused.value.hint
    assert run(chain(("T", state)), mocks={"T": {"Return": {"Payload": 5}}}).output == 5


def test_a_placeholder_may_stand_for_an_action_that_takes_a_token():
    state = {
        "Type": "Task",
        "Resource": "${Action}",
        "Parameters": {"MessageBody": {"Token.$": "$$.Task.Token"}},
    }
    assert run(chain(("T", state)), mocks={"T": {"Return": 5}}).output == 5
