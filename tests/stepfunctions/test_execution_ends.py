"""When executions ended, asked of a Step Functions that runs in this process."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from statebag import ConfigurationError, NotPermitted, StoreUnavailable
from statebag.stepfunctions.execution_ends import execution_ends

PREFIX = "arn:aws:states:us-east-1:123456789012"


@pytest.fixture
def states(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield boto3.client("stepfunctions", region_name="us-east-1")


def test_running_ended_and_unknown(states):
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    machine = states.create_state_machine(
        name="machine",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    states.start_execution(stateMachineArn=machine, name="one")
    arn = f"{PREFIX}:execution:machine:one"
    while states.describe_execution(executionArn=arn)["status"] == "RUNNING":
        pass
    ended = execution_ends(PREFIX)
    when = ended("machine/one")
    assert datetime.now(UTC) - when < timedelta(minutes=5)
    assert ended("machine/another") == "unknown"


class Refusing:
    def __init__(self, code):
        self.code = code

    def describe_execution(self, **_):
        from botocore.exceptions import ClientError

        raise ClientError({"Error": {"Code": self.code}}, "DescribeExecution")


class Answering:
    def __init__(self, answer):
        self.answer = answer

    def describe_execution(self, executionArn):  # noqa: N803 (the service's own name)
        assert executionArn == f"{PREFIX}:execution:my machine:run/1"
        return self.answer


def test_an_execution_that_goes_on_or_may_be_redriven():
    for status in ("RUNNING", "PENDING_REDRIVE"):
        ended = execution_ends(PREFIX, Answering({"status": status}))
        assert ended("my%20machine/run%2F1") == "running"


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDeniedException", NotPermitted), ("ThrottlingException", StoreUnavailable)],
)
def test_no_answer_is_no_permission_to_delete(code, error):
    with pytest.raises(error):
        execution_ends(PREFIX, Refusing(code))("machine/one")


@pytest.mark.parametrize(
    "prefix", ["", "arn:aws:states:us-east-1", "arn:aws:s3:::x", PREFIX + ":x"]
)
def test_a_prefix_that_is_none(prefix):
    with pytest.raises(ConfigurationError):
        execution_ends(prefix)


@pytest.mark.parametrize("prefixes", [(), (PREFIX, ""), (PREFIX, "arn:aws:s3:::x")])
def test_prefixes_of_which_one_is_none(prefixes):
    with pytest.raises(ConfigurationError):
        execution_ends(prefixes)


def test_one_scope_is_asked_for_once_in_a_row():
    asked = []

    class Counting:
        def describe_execution(self, executionArn):  # noqa: N803 (the service's own name)
            asked.append(executionArn)
            began = datetime(2026, 1, 1, tzinfo=UTC)
            return {"status": "FAILED", "startDate": began, "stopDate": began.replace(day=2)}

    other = PREFIX.replace("us-east-1", "eu-west-1")
    ends = execution_ends([PREFIX, other], Counting())
    assert ends.arn_prefixes == (PREFIX, other)
    assert ends("m/e") == datetime(2026, 1, 2, tzinfo=UTC)
    assert ends.started("m/e") == datetime(2026, 1, 1, tzinfo=UTC)
    assert asked == [f"{PREFIX}:execution:m:e", f"{other}:execution:m:e"]
