"""The integrations that AWS has, and those that it has not."""

import pytest

from statebag.lint.integrations import integration_of, resource_problems
from tests.lint.machines import codes, found, machine

ARN = "arn:aws:states:::"
PASSED = {
    "lambda:invoke": {"FunctionName": "f"},
    "sqs:sendMessage": {"QueueUrl": "q", "MessageBody": "m"},
    "dynamodb:getItem": {"TableName": "t", "Key": {}},
    "states:startExecution": {"StateMachineArn": "a"},
    "ecs:runTask": {"TaskDefinition": "t"},
}


def problems(name, parameters=None, *, express=False):
    given = PASSED.get(name.partition(".")[0], {}) if parameters is None else parameters
    return [*resource_problems(ARN + name, given, express=express)]


@pytest.mark.parametrize(
    "name",
    [
        "lambda:invoke",
        "lambda:invoke.waitForTaskToken",
        "states:startExecution.sync",
        "states:startExecution.sync:2",
        "ecs:runTask.sync",
        "http:invoke",
        "aws-sdk:s3:listObjectsV2",
        "aws-sdk:sfn:startExecution.waitForTaskToken",
        "aws-sdk:cloudwatchlogs:getLogEvents",
        "aws-sdk:aserviceofthefuture:doIt",
    ],
)
def test_these_are_there(name):
    assert problems(name) == []


@pytest.mark.parametrize(
    "name",
    [
        "dynamodb:scan",
        "lambda:Invoke",
        "lambda:invoke.sync",
        "sqs:sendMessage.sync",
        "ecs:runTask.sync:2",
        "states:startExecution:2",
        "states:startExecution.sync:3",
        "s3:getObject",
        "lambda",
        "aws-sdk:s3:listObjectsV2.sync",
        "aws-sdk:s3:listObject",
        "aws-sdk:dynamodb:Scan",
    ],
)
def test_these_are_not(name):
    assert problems(name)


def test_a_near_name_is_shown():
    assert "did you mean getItem" in problems("dynamodb:getItems")[0]
    assert "did you mean listObjects" in problems("aws-sdk:s3:listObject")[0]


@pytest.mark.parametrize("name", PASSED)
def test_what_it_must_be_given(name):
    assert len(problems(name, {})) == len(PASSED[name])
    assert problems(name, {f"{one}.$": "$.x" for one in PASSED[name]}) == []
    assert problems(name, "{% $states.input %}") == []


@pytest.mark.parametrize("arn", ["arn:aws:s3:::bucket", "arn:aws:lambda:r:1:layer:x"])
def test_other_arns(tmp_path, arn):
    assert "SB010" in codes(found(tmp_path, machine(A={"Type": "Task", "Resource": arn})))


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:lambda:us-east-1:123456789012:function:f:live",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:f",
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "${Placeholder}",
        "arn:${AWS::Partition}:states:::dynamodb:scan${Rest}",
        "a-function-of-this-machine",
    ],
)
def test_what_is_no_integration_is_not_taken_for_one(tmp_path, resource):
    assert codes(found(tmp_path, machine(A={"Type": "Task", "Resource": resource}))) == []


def test_the_name_of_an_integration():
    assert integration_of(ARN + "sqs:sendMessage") == "sqs:sendMessage"
    assert integration_of("arn:aws:states:us-east-1:123456789012:activity:a") is None
    assert integration_of("arn:aws:lambda:us-east-1:123456789012:function:f") is None
