"""A Task without a function: the call through a function, in a whole workflow and alone."""

import json
import re

import boto3
import pytest
from moto import mock_aws

from statebag import InvalidState, NotPermitted, Policy, Statebag, step
from statebag.lint.linter import Options, lint
from statebag.local import run as run_workflow
from statebag.sdk_task import lambda_handler
from statebag.store.file import FileStore
from statebag.testing.process import forget
from tests.bags import noise

LIMIT = 262_144
OBJECTS = 260  # whose keys, of 1,004 bytes, are together over the limit
LIST = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
    "Parameters": {"Bucket.$": "$.bucket"},
    "Retry": [{"ErrorEquals": ["S3.SdkClientException"], "MaxAttempts": 1}],
    "Catch": [{"ErrorEquals": ["S3.NoSuchBucketException"], "ResultPath": "$.e", "Next": "None"}],
    "ResultPath": "$.objects",
    "End": True,
}
NONE = {"Type": "Pass", "Result": "there is no such bucket", "End": True}


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("STATEBAG_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("STATEBAG_SDK_CALLS", "s3:listObjectsV2,s3:getObject,athena:getQueryResults")
    forget()
    with mock_aws():
        yield


@pytest.fixture
def sb(tmp_path):
    return Statebag(FileStore(tmp_path / "store"))


@pytest.fixture
def bucket():
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="box")
    for number in range(OBJECTS):
        s3.put_object(Bucket="box", Key=f"{number:03}/{noise(1000, number)}", Body=b"x")
    return s3


def through_a_function(task, path):
    """The Task as the hint of `lint` says, with nothing else changed."""
    definition = {"StartAt": "A", "States": {"A": task, "None": NONE}}
    path.write_text(json.dumps(definition))
    (finding,) = (one for one in lint([path], Options()).findings if one.code == "SB105")
    field = "Arguments" if "Arguments" in task else "Parameters"
    shown = re.search(rf"the {field} (\{{.*\}}), with the present ones in parameters", finding.fix)
    assert "a function whose handler is statebag.sdk_task.lambda_handler" in finding.fix
    parameters = json.loads(shown[1])
    parameters["parameters"] = task[field]
    return {**task, "Resource": "call", field: parameters}


def run(task, input_value, **more):
    definition = {"StartAt": "A", "States": {"A": task, "None": NONE}, **more}
    functions = {"call": lambda_handler}
    return run_workflow(definition, functions=functions, input=input_value, execution_name="run-1")


def test_before_it_fails_and_after_lints_hint_it_gives_the_same(sb, bucket, tmp_path):
    before = run(LIST, {"bucket": "box"})
    assert (before.status, before.error) == ("FAILED", "States.DataLimitExceeded")
    after = run(through_a_function(LIST, tmp_path / "m.asl.json"), {"bucket": "box"})
    assert (after.status, after.cause) == ("SUCCEEDED", None)
    assert len(json.dumps(after.output)) < LIMIT // 2
    direct = bucket.list_objects_v2(Bucket="box")
    forget()
    opened = Statebag(sb.store).open(after.output["objects"], scope="Main/run-1")
    times = [one.pop("LastModified") for one in opened["Contents"]]
    assert times == [
        one.pop("LastModified").isoformat().replace("+00:00", "Z") for one in direct["Contents"]
    ]
    del direct["ResponseMetadata"]
    assert opened == direct
    assert len(json.dumps(opened)) > LIMIT


def test_in_jsonata(sb, bucket, tmp_path):
    task = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "Arguments": {"Bucket": "{% $states.input.bucket %}"},
        "End": True,
    }
    assert run(task, {"bucket": "box"}).error == "States.DataLimitExceeded"
    after = run(through_a_function(task, tmp_path / "m.asl.json"), {"bucket": "box"})
    assert (after.status, after.cause) == ("SUCCEEDED", None)
    assert len(sb.open(after.output)["Contents"]) == OBJECTS


def test_a_catch_takes_the_error_under_the_name_that_aws_gives_it(tmp_path):
    after = run(through_a_function(LIST, tmp_path / "m.asl.json"), {"bucket": "no-such-bucket"})
    assert (after.status, after.output) == ("SUCCEEDED", "there is no such bucket")


def test_lint_has_nothing_to_say_of_it_then(tmp_path):
    task = through_a_function(LIST, tmp_path / "m.asl.json")
    task["Retry"] = [{"ErrorEquals": ["StoreUnavailable"], "MaxAttempts": 5}]
    definition = {"StartAt": "A", "States": {"A": task, "None": NONE}}
    (tmp_path / "after.asl.json").write_text(json.dumps(definition))
    assert lint([tmp_path / "after.asl.json"], Options()).findings == []


def test_a_control_path_of_an_answer_stays_plain(sb, bucket, monkeypatch):
    monkeypatch.setenv("STATEBAG_CONTROL", "$.KeyCount,$.IsTruncated")
    bag = lambda_handler(event("s3:listObjectsV2", {"Bucket": "box"}), None)
    assert (bag["KeyCount"], bag["IsTruncated"]) == (OBJECTS, False)
    assert len(json.dumps(bag)) < LIMIT // 2


def event(call, parameters, **more):
    return {"execution_id": "Main/run-1", "call": call, "parameters": parameters, **more}


def test_parameters_that_an_earlier_step_sealed(sb, bucket):
    bucket.put_object(Bucket="box", Key="a key", Body=b"found")
    sealing = Statebag(sb.store, policy=Policy(strict=True, carry_bytes=0))
    sealed = sealing.seal({"Bucket": "box", "Key": "a key"}, scope="Main/run-1")
    assert "a key" not in json.dumps(sealed)
    forget()
    bag = lambda_handler(event("s3:getObject", sealed), None)
    assert sb.open(bag)["Body"] == "found"


def test_parameters_of_another_execution_are_not_opened(sb):
    sealing = Statebag(sb.store, policy=Policy(strict=True, carry_bytes=0))
    other = sealing.seal({"Bucket": "box", "Key": "k"}, scope="Main/run-2")
    forget()
    with pytest.raises(NotPermitted):
        lambda_handler(event("s3:getObject", other), None)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (None, InvalidState),
        ([], InvalidState),
        ({"call": "s3:listObjectsV2", "parameters": {"Bucket": "box"}}, InvalidState),
        (event("s3:listObjectsV2", {"Bucket": "box"}, parametres={}), InvalidState),
        (event("s3:deleteObject", {"Bucket": "box", "Key": "k"}), NotPermitted),
        ({"execution_id": 5, "call": "s3:listObjectsV2"}, InvalidState),
    ],
)
def test_events_of_another_form(given, error):
    with pytest.raises(error):
        lambda_handler(given, None)


def test_an_object_of_the_store_is_not_read_past_its_scope(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "s3://box/state")
    asked = event("s3:getObject", {"Bucket": "box", "Key": "state/Main/run-2/pack"})
    with pytest.raises(NotPermitted, match="an object of the store"):
        lambda_handler(asked, None)


def test_nothing_is_allowed_where_nothing_is_named(monkeypatch):
    monkeypatch.delenv("STATEBAG_SDK_CALLS")
    with pytest.raises(NotPermitted, match="STATEBAG_SDK_CALLS is not set"):
        lambda_handler(event("s3:listObjectsV2", {"Bucket": "box"}), None)


def test_plain_mode_gives_what_the_service_gives(bucket, monkeypatch):
    monkeypatch.setenv("STATEBAG_PLAIN", "1")
    answer = lambda_handler(event("s3:listObjectsV2", {"Bucket": "box"}), None)
    assert len(answer["Contents"]) == OBJECTS


def test_a_retry_stores_the_same(sb, bucket):
    bags = []
    for _ in range(2):
        forget()
        bags.append(lambda_handler(event("s3:listObjectsV2", {"Bucket": "box"}), None))
    assert bags[0] == bags[1]


def test_a_job_and_then_its_result(sb):
    """`.sync` stays as it is, since its answer is small; the result is read by one more Task."""
    rows = [{"Data": [{"VarCharValue": noise(400, number)}]} for number in range(900)]
    columns = [{"Name": "text", "Type": "varchar"}]
    athena = boto3.client("athena")
    started = athena.start_query_execution(
        QueryString="SELECT text", ResultConfiguration={"OutputLocation": "s3://box/"}
    )["QueryExecutionId"]
    from moto.athena.models import QueryResults, athena_backends

    backend = athena_backends["123456789012"]["us-east-1"]
    backend.query_results[started] = QueryResults(rows=rows, column_info=columns)
    task = {
        "Type": "Task",
        "Resource": "call",
        "Parameters": {
            "execution_id.$": "$$.Execution.Id",
            "call": "athena:getQueryResults",
            "parameters": {"QueryExecutionId.$": "$.id"},
        },
        "End": True,
    }
    ended = run(task, {"id": started})
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    direct = athena.get_query_results(QueryExecutionId=started)["ResultSet"]
    assert len(json.dumps(direct)) > LIMIT
    forget()
    assert Statebag(sb.store).open(ended.output)["ResultSet"] == direct


def test_the_next_function_reads_it(sb, bucket, tmp_path):
    @step(bag_path="$.objects")
    def count(state, context):
        return {"count": len(state["Contents"])}

    then = {
        "Type": "Task",
        "Resource": "count",
        "Parameters": {"execution_id.$": "$$.Execution.Id", "objects.$": "$.objects"},
        "End": True,
    }
    listing = through_a_function(LIST, tmp_path / "m.asl.json")
    del listing["End"]
    ended = run_workflow(
        {"StartAt": "A", "States": {"A": {**listing, "Next": "B"}, "B": then, "None": NONE}},
        functions={"call": lambda_handler, "count": count},
        input={"bucket": "box"},
        strict=False,
    )
    assert (ended.status, ended.output) == ("SUCCEEDED", {"count": OBJECTS})
