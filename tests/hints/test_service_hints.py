"""The hints about calls of AWS: APIs that a function calls for a Task, and executions to start."""

import base64
import functools
import json

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from statebag import Policy, Statebag
from statebag.aws_sdk import call_api
from statebag.aws_sdk.sdk_settings import sdk_settings
from statebag.environment import policy_from_environment
from statebag.sdk_task import lambda_handler
from statebag.stepfunctions import query, start_execution
from statebag.store.file import FileStore
from statebag.store.memory import MemoryStore
from tests.bags import noise
from tests.hints.trial import Trial, check_trial

ALL = ("s3:*", "iam:*", "dynamodb:*", "athena:*", "cloudwatchlogs:*", "nosuch:*")
POLICY = Policy(max_open_bytes=20_000_000)
BUCKET = {"Bucket": "box"}
BINARY = b"\x89PNG\xff"


@pytest.fixture(autouse=True)
def _aws(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="box")
        for number in range(9):
            s3.put_object(Bucket="box", Key=f"a/{number}", Body=b"text")
        s3.put_object(Bucket="box", Key="image", Body=BINARY)
        yield


def call(name, parameters=None, policy=POLICY, *, allowed=ALL, remaining_seconds=60.0, **more):
    event = {"call": name, "parameters": parameters, **more}
    return call_api(event, allowed, policy, remaining_seconds)


def listed(policy=POLICY, **more):
    pages = more.pop("pages", None)
    seconds = more.pop("remaining_seconds", 60.0)
    given = {**BUCKET, **more}
    return call("s3:listObjectsV2", given, policy, pages=pages, remaining_seconds=seconds)


def in_a_function(read):
    """What a function of one's own reads, after a step sealed it and the next one opened it."""
    sb = Statebag(MemoryStore())
    bag = sb.step(lambda *_: {"read": read()})({"execution_id": "m/e"}, None)
    return sb.open(bag, scope="m/e")["read"]


def selected():
    """The records of an answer that is a stream of events."""
    answer = boto3.client("s3").select_object_content(
        Bucket="box",
        Key="rows",
        Expression="SELECT * FROM s3object",
        ExpressionType="SQL",
        InputSerialization={"JSON": {"Type": "LINES"}},
        OutputSerialization={"JSON": {}},
    )
    events = [event["Records"]["Payload"] for event in answer["Payload"] if "Records" in event]
    return json.loads(b"".join(events))


def stream_in_a_function():
    boto3.client("s3").put_object(Bucket="box", Key="rows", Body=b'{"n": 1}\n')
    assert in_a_function(selected) == {"n": 1}


def binary_in_a_function():
    s3 = boto3.client("s3")
    body = s3.get_object(Bucket="box", Key="image")["Body"].read
    assert base64.b64decode(in_a_function(lambda: base64.b64encode(body()).decode())) == BINARY
    head = call("s3:headObject", {"Bucket": "box", "Key": "image"})
    assert head["ContentLength"] == len(BINARY)


def with_profile(world):
    config = world.file("config", "[profile orders]\nregion = us-east-1\n")
    world.setenv("AWS_CONFIG_FILE", str(config))
    world.setenv("AWS_PROFILE", "orders")
    assert listed()["KeyCount"] == 10


def item(value):
    client = boto3.client("dynamodb")
    if not client.list_tables()["TableNames"]:
        client.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    given = {"TableName": "t", "Item": {"id": {"S": "1"}, "value": value}}
    call("dynamodb:putItem", given)


def nested(levels):
    return functools.reduce(lambda inner, _: {"L": [inner]}, range(levels), {"S": "x"})


def job_and_result():
    started = boto3.client("athena").start_query_execution(
        QueryString="SELECT 1", ResultConfiguration={"OutputLocation": "s3://box/"}
    )
    asked = {"QueryExecutionId": started["QueryExecutionId"]}
    assert "ResultSet" in call("athena:getQueryResults", asked)


def environment(world, **variables):
    for name, value in variables.items():
        world.setenv(f"STATEBAG_{name}", value)


def task(world, event, calls="s3:*", store=None):
    environment(world, STORE=store or str(world.folder / "store"), SDK_CALLS=calls)
    return lambda_handler(event, None)


def event(name, parameters, **more):
    return {"execution_id": "Main/run-1", "call": name, "parameters": parameters, **more}


def from_a_bag(world):
    """Parameters that an earlier step stored; nothing of them is in the bag."""
    sb = Statebag(FileStore(world.folder / "store"), policy=Policy(strict=True, carry_bytes=0))
    text = noise(4000, 1)
    sealed = sb.seal({"Bucket": "box", "Key": "copy", "Body": text}, scope="Main/run-1")
    assert text not in json.dumps(sealed)
    task(world, event("s3:putObject", sealed))
    assert boto3.client("s3").get_object(Bucket="box", Key="copy")["Body"].read() == text.encode()


def from_settings(world, calls):
    environment(world, SDK_CALLS=calls)
    return call("s3:listObjectsV2", BUCKET, allowed=sdk_settings().sdk_calls)


def bounded(world, name, value, **more):
    environment(world, **{name: value})
    return listed(policy_from_environment(), **more)


class Orders:
    """Step Functions with one state machine, as a role sees it that may not do everything."""

    def __init__(self, *, may_describe=True, shows_input=True):
        self._client = boto3.client("stepfunctions")
        self._may_describe = may_describe
        self._shows_input = shows_input
        definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
        self.arn = self._client.create_state_machine(
            name="Orders",
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::123456789012:role/r",
        )["stateMachineArn"]
        self.start_execution = self._client.start_execution

    def describe_execution(self, **asked):
        if not self._may_describe:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeExecution")
        found = self._client.describe_execution(**asked)
        if not self._shows_input:
            del found["input"]
        return found


def started(name, value, **rights):
    orders = Orders(**rights)
    return start_execution(Statebag(MemoryStore()), orders.arn, value, name=name, client=orders)


def started_twice(then, *, name="run-1", ended=False, **rights):
    """Start an execution, let it end, and start one again."""
    arn = started("run-1", {"n": 1})
    if ended:
        boto3.client("stepfunctions").stop_execution(executionArn=arn)
    return started(name, then, **rights)


def learnt_which():
    with pytest.raises(Exception, match="of this name was started with another input"):
        started_twice({"n": 2})
    assert started("run-2", {"n": 2}, may_describe=False).endswith(":run-2")


def output_and_again():
    arn = f"{Orders().arn.replace(':stateMachine:', ':execution:')}:run-1"

    class Ended(Orders):
        """moto does not run a definition: the output is that of its only state."""

        def describe_execution(self, **asked):
            found = super().describe_execution(**asked)
            return {**found, "status": "SUCCEEDED", "output": found["input"]}

    assert query(Statebag(MemoryStore()), arn, client=Ended()) == {"n": 1}
    assert started("run-2", {"n": 1}).endswith(":run-2")


TRIALS = (
    Trial(
        "Name the service and the API action: s3:listObjectsV2.",
        lambda _: call(None),
        lambda _: call("s3:listObjectsV2", BUCKET),
    ),
    Trial(
        "Write s3:listObjectsV2, for example.",
        lambda _: call("s3.list_objects_v2", BUCKET),
        lambda _: call("s3:listObjectsV2", BUCKET),
    ),
    Trial(
        "Start the job in a Task of its own, and call the action that reads its result.",
        lambda _: call("athena:startQueryExecution.sync", {"QueryString": "SELECT 1"}),
        lambda _: job_and_result(),
    ),
    Trial(
        "Write it as in a definition: {}.",
        lambda _: call("s3:ListObjectsV2", BUCKET),
        lambda _: call("s3:listObjectsV2", BUCKET),
        "Write it as in a definition: listObjectsV2",
    ),
    Trial(
        "Write the service as in a definition, such as cloudwatchlogs; or update boto3.",
        lambda _: call("nosuch:describeLogGroups"),
        lambda _: call("cloudwatchlogs:describeLogGroups"),
    ),
    Trial(
        "Call it in a function of your own.",
        lambda _: call("s3:selectObjectContent", {"Bucket": "box", "Key": "rows"}),
        lambda _: stream_in_a_function(),
    ),
    Trial(
        "Name the calls there, such as s3:listObjectsV2, and allow them in its role.",
        lambda w: from_settings(w, ""),
        lambda w: from_settings(w, "s3:listObjectsV2"),
    ),
    Trial(
        "Write s3:listObjectsV2 or s3:list*, separated by commas.",
        lambda w: from_settings(w, "s3;listObjectsV2"),
        lambda w: [
            from_settings(w, calls)
            for calls in ("s3:listObjectsV2", "s3:list*", "s3:get*,s3:listObjectsV2")
        ],
    ),
    Trial(
        "It names {}.",
        lambda _: call("s3:deleteBucket", BUCKET, allowed=("s3:listObjectsV2",)),
        lambda _: call("s3:listObjectsV2", BUCKET, allowed=("s3:listObjectsV2",)),
        "It names s3:listObjectsV2.",
    ),
    Trial(
        "Check AWS_PROFILE, AWS_CONFIG_FILE, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL.",
        lambda w: (w.setenv("AWS_PROFILE", "orders"), listed()),
        with_profile,
    ),
    Trial(
        "Pass what the Task had in Parameters or Arguments.",
        lambda _: call("s3:listObjectsV2", ["box"]),
        lambda _: call("s3:listObjectsV2", BUCKET),
    ),
    Trial(
        "Leave parameters out.",
        lambda _: call("iam:getAccountSummary", BUCKET),
        lambda _: call("iam:getAccountSummary"),
    ),
    Trial(
        "The API requires {}.",
        lambda _: call("s3:getObject", {"Bucket": "box"}),
        lambda _: call("s3:getObject", {"Bucket": "box", "Key": "a/1"}),
        "The API requires Bucket, Key.",
    ),
    Trial(
        "It has {}. | It takes no parameters.",
        lambda _: listed(MaximumKeys=1),
        lambda _: listed(MaxKeys=1),
        "It has Bucket, ",
    ),
    Trial(
        "Give the type that the API's reference names.",
        lambda _: listed(MaxKeys="1"),
        lambda _: listed(MaxKeys=1),
    ),
    Trial(
        "Compare them with the API's reference: a value is out of range.",
        lambda _: call("s3:getObject", {"Bucket": "box", "Key": ""}),
        lambda _: call("s3:getObject", {"Bucket": "box", "Key": "a/1"}),
    ),
    Trial(
        "Pass the inner part as text.",
        lambda _: item(nested(2000)),
        lambda _: item({"S": json.dumps(nested(200))}),
    ),
    Trial(
        "true gathers all pages, false asks for one.",
        lambda _: listed(pages="all"),
        lambda _: (listed(pages=True), listed(pages=False)),
    ),
    Trial(
        "Leave pages out.",
        lambda _: call("s3:getObject", {"Bucket": "box", "Key": "a/1"}, pages=True),
        lambda _: call("s3:getObject", {"Bucket": "box", "Key": "a/1"}),
    ),
    Trial(
        "JSON cannot hold them: read them in a function of your own, or call an action that answers"
        " with text.",
        lambda _: call("s3:getObject", {"Bucket": "box", "Key": "image"}),
        lambda _: binary_in_a_function(),
    ),
    Trial(
        "Narrow the call, or raise STATEBAG_MAX_OPEN_BYTES and the memory of the functions.",
        lambda w: bounded(w, "MAX_OPEN_BYTES", "1000"),
        lambda w: (
            bounded(w, "MAX_OPEN_BYTES", "1000", MaxKeys=1),
            bounded(w, "MAX_OPEN_BYTES", "10000"),
        ),
    ),
    Trial(
        "Narrow the call, or raise STATEBAG_MAX_OPEN_REQUESTS.",
        lambda w: bounded(w, "MAX_OPEN_REQUESTS", "2", MaxKeys=1, pages=True),
        lambda w: (
            bounded(w, "MAX_OPEN_REQUESTS", "2", MaxKeys=1, Prefix="image", pages=True),
            bounded(w, "MAX_OPEN_REQUESTS", "10", MaxKeys=1, pages=True),
        ),
    ),
    Trial(
        "Narrow the call, or raise the function's Timeout.",
        lambda _: listed(MaxKeys=1, pages=True, remaining_seconds=0.0),
        lambda _: (
            listed(MaxKeys=1, Prefix="image", pages=True, remaining_seconds=0.0),
            listed(MaxKeys=1, pages=True, remaining_seconds=900.0),
        ),
    ),
    Trial(
        "Pass the bag: parameters may hold one, and a step opens it.",
        lambda w: task(
            w,
            event("s3:getObject", {"Bucket": "box", "Key": "state/Main/run-1/pack"}),
            store="s3://box/state",
        ),
        from_a_bag,
    ),
    Trial(
        "Its fields are {}.",
        lambda w: (environment(w, PLAIN="1"), task(w, ["s3:listObjectsV2"])),
        lambda w: task(w, event("s3:listObjectsV2", BUCKET)),
        "Its fields are execution_id, call, ",
    ),
    Trial(
        "The known fields are {}; arguments of the API go into parameters.",
        lambda w: task(w, event("s3:listObjectsV2", None, **BUCKET)),
        lambda w: task(w, event("s3:listObjectsV2", BUCKET)),
    ),
    Trial(
        "`statebag query` reads its output; to run it again, start with another name.",
        lambda _: started_twice({"n": 1}, ended=True),
        lambda _: output_and_again(),
    ),
    Trial(
        "Start with another name.",
        lambda _: started_twice({"n": 2}),
        lambda _: started_twice({"n": 2}, name="run-2"),
    ),
    Trial(
        "Start with another name.",
        lambda _: started_twice({"n": 2}, shows_input=False),
        lambda _: started_twice({"n": 2}, name="run-2", shows_input=False),
    ),
    Trial(
        "Allow states:DescribeExecution to learn which, or start with another name.",
        lambda _: started_twice({"n": 2}, may_describe=False),
        lambda _: learnt_which(),
    ),
)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: (trial.shown or trial.hint)[:60])
def test_a_hint_is_given_and_helps(trial, tmp_path, monkeypatch):
    check_trial(trial, tmp_path, monkeypatch)
