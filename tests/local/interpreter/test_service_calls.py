"""Services of AWS in this process: what a Task gives and gets, as recorded on AWS."""

from __future__ import annotations

import ast
import json
import os
import re

import boto3
import pytest
from moto import mock_aws

from statebag.errors import ConfigurationError
from statebag.local import load_mocks, run
from tests.local.machines import chain, task


def sdk(service, action, parameters=None, **fields):
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::aws-sdk:{service}:{action}",
        "Parameters": parameters or {},
        **fields,
    }


QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/gone"
BUCKET = sdk("s3", "createBucket", {"Bucket": "box"}, ResultPath=None)


@pytest.mark.parametrize(
    ("body", "text"),
    [("hello", "hello"), ({"n": [1, True]}, '{"n":[1,true]}'), (3, "3"), (True, "true")],
)
def test_a_body_goes_in_as_json_and_comes_out_as_text(body, text):
    put = sdk("s3", "putObject", {"Bucket": "box", "Key": "k", "Body": body}, ResultPath=None)
    get = sdk("s3", "getObject", {"Bucket": "box", "Key": "k"})
    execution = run(chain(("B", BUCKET), ("P", put), ("G", get)))
    assert execution.output["Body"] == text
    assert execution.output["LastModified"].startswith("20")
    assert "ResponseMetadata" not in execution.output


@pytest.mark.parametrize(
    ("state", "error", "cause"),
    [
        (
            sdk("s3", "getObject", {"Bucket": "gone", "Key": "k"}),
            "S3.NoSuchBucketException",
            "The specified bucket does not exist (Service: S3, Status Code: 404, Request ID:",
        ),
        (
            sdk("dynamodb", "putItem", {"TableName": "gone", "Item": {"id": {"S": "1"}}}),
            "DynamoDb.ResourceNotFoundException",
            "(Service: DynamoDb, Status Code: 400",
        ),
        (
            {**sdk("x", "y", {"TableName": "gone", "Key": {"id": {"S": "1"}}}),
             "Resource": "arn:aws:states:::dynamodb:getItem"},
            "DynamoDB.ResourceNotFoundException",
            "(Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ResourceNotFoundException;",
        ),
        (
            sdk("secretsmanager", "getSecretValue", {"SecretId": "gone"}),
            "SecretsManager.ResourceNotFoundException",
            "(Service: SecretsManager,",
        ),
        (sdk("sqs", "sendMessage", {"QueueUrl": QUEUE, "MessageBody": "m"}),
         "Sqs.QueueDoesNotExistException", "(Service: Sqs,"),
        (sdk("dynamodb", "putItem", {}), "DynamoDb.DynamoDbException", "TableName"),
    ],
)  # fmt: skip
def test_errors_have_the_names_of_the_sdk(state, error, cause):
    caught = run(
        chain(
            ("T", {**state, "Catch": [{"ErrorEquals": [error], "Next": "C"}]}),
            ("C", {"Type": "Pass"}),
        )
    )
    assert caught.output["Error"] == error
    assert cause in caught.output["Cause"]


def test_optimised_integrations_take_objects_and_tell_of_the_response():
    queue = sdk("sqs", "createQueue", {"QueueName": "q"})
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl.$": "$.QueueUrl", "MessageBody": {"a": [1]}},
        "ResultPath": "$.sent",
    }
    receive = sdk("sqs", "receiveMessage", {"QueueUrl.$": "$.QueueUrl"}, ResultPath="$.got")
    output = run(chain(("Q", queue), ("S", send), ("R", receive))).output
    assert output["sent"]["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert output["sent"]["MessageId"] == output["got"]["Messages"][0]["MessageId"]
    assert output["got"]["Messages"][0]["Body"] == '{"a":[1]}'


def test_parameters_are_in_pascal_case_for_every_service():
    group = sdk("cloudwatchlogs", "createLogGroup", {"LogGroupName": "g"}, ResultPath=None)
    listed = sdk("cloudwatchlogs", "describeLogGroups", {"LogGroupNamePrefix": "g"})
    output = run(chain(("G", group), ("L", listed))).output
    assert [one["LogGroupName"] for one in output["LogGroups"]] == ["g"]


def test_a_handler_sees_the_same_world():
    def work(_event, _context):
        client = boto3.client("s3", region_name="us-east-1")
        client.put_object(Bucket="box", Key="k", Body=b"from the handler")

    get = sdk("s3", "getObject", {"Bucket": "box", "Key": "k"}, OutputPath="$.Body")
    execution = run(chain(("B", BUCKET), ("T", task()), ("G", get)), functions={"work": work})
    assert execution.output == "from the handler"


def test_a_world_that_is_there_is_used_and_kept():
    get = sdk("s3", "getObject", {"Bucket": "mine", "Key": "k"}, OutputPath="$.Body")
    put = sdk("s3", "putObject", {"Bucket": "mine", "Key": "new", "Body": "x"}, ResultPath=None)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="mine")
        client.put_object(Bucket="mine", Key="k", Body=b"before")
        assert run(chain(("P", put), ("G", get))).output == "before"
        assert client.get_object(Bucket="mine", Key="new")["Body"].read() == b"x"


def test_a_run_inside_of_a_world_leaves_the_environment_as_it_was(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    before = dict(os.environ)
    listed = sdk("s3", "listBuckets")
    with mock_aws():
        assert run(chain(("L", listed))).status == "SUCCEEDED"
    assert run(chain(("L", listed))).status == "SUCCEEDED"
    assert dict(os.environ) == before


def test_each_run_has_a_world_of_its_own():
    listed = sdk("s3", "listBuckets", OutputPath="$.Buckets")
    assert run(chain(("B", BUCKET), ("L", listed))).output[0]["Name"] == "box"
    assert run(chain(("L", listed))).output == []


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:states:::bedrock:invokeModel",
        "arn:aws:states:::ecs:runTask.sync",
        "arn:aws:states:::aws-sdk:nosuchservice:doIt",
        "arn:aws:states:::aws-sdk:s3:noSuchAction",
        "arn:aws:states:::http:invoke",
        "arn:aws:states:::states:stopExecution",
    ],
)
def test_what_is_not_played_is_refused_before_the_run_by_name(resource):
    called = []
    state = {"Type": "Task", "Resource": resource, "Parameters": {}}
    definition = chain(("First", task()), ("T", state))
    with pytest.raises(ConfigurationError) as caught:
        run(definition, functions={"work": lambda *_: called.append(1)})
    assert called == []
    assert caught.value.path == "$.States.T.Resource"
    mocks = {"First": {"Return": 1}, "T": {"Return": 2}}
    assert run(definition, mocks=mocks).output == 2


def test_step_functions_lists_the_machines_of_the_run():
    state = sdk("sfn", "listStateMachines", OutputPath="$.StateMachines[0].Type")
    assert run(chain(("L", state))).output == "STANDARD"


NEEDS_A_MOCK = [
    "batch:submitJob.sync",
    "glue:startJobRun.sync",
    "ecs:runTask.sync",
    "codebuild:startBuild.sync",
    "sagemaker:createTrainingJob.sync",
    "athena:startQueryExecution.sync",
    "elasticmapreduce:addStep.sync",
    "emr-serverless:startJobRun.sync",
    "databrew:startJobRun.sync",
    "mediaconvert:createJob.sync",
    "bedrock:invokeModel",
    "eks:runJob.sync",
    "http:invoke",
    "apigateway:invoke",
    "aws-sdk:braket:createQuantumTask",
]


@pytest.mark.parametrize("name", NEEDS_A_MOCK)
def test_what_is_not_played_is_refused_with_a_way_out_that_works(name, tmp_path):
    """Both ways that the hint names are followed to the letter."""
    definition = chain(("It's a job", task(f"arn:aws:states:::{name}", Parameters={})))
    with pytest.raises(ConfigurationError) as refused:
        run(definition, input={})
    hint = refused.value.hint
    assert name in str(refused.value)
    advice = re.search(r"mocks=(\{.*?\}\})", hint)[1]
    answer = {"JobId": "1", "Status": "SUCCEEDED"}
    mocks = ast.literal_eval(advice.replace("...", repr(answer)))
    assert run(definition, input={}, mocks=mocks).output == answer

    assert "statebag run --mocks FILE --case NAME" in hint
    (tmp_path / "m.asl.json").write_text(json.dumps(definition))
    file = {
        "StateMachines": {"m": {"TestCases": {"Good": {"It's a job": "Done"}}}},
        "MockedResponses": {"Done": {"0": {"Return": answer}}},
    }
    (tmp_path / "mocks.json").write_text(json.dumps(file))
    mocks = load_mocks(tmp_path / "mocks.json", "Good")
    assert run(definition, input={}, mocks=mocks).output == answer


def test_another_server_is_no_way_out_for_a_job():
    """Nothing here asks such a server whether the job has ended."""
    definition = chain(("Job", task("arn:aws:states:::batch:submitJob.sync", Parameters={})))
    with pytest.raises(ConfigurationError) as refused:
        run(definition, input={}, endpoint="http://localhost:1")
    assert "endpoint" not in refused.value.hint
