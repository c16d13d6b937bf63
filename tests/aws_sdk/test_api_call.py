"""Calls of AWS APIs: against services in this process, and against what they may answer."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from statebag import (
    ConfigurationError,
    InvalidState,
    LimitExceeded,
    NotPermitted,
    Policy,
    StatebagError,
)
from statebag.aws_sdk import api_call
from statebag.aws_sdk.api_call import call_api

ALL = ("s3:*", "sfn:*", "dynamodb:*", "cloudformation:*", "athena:*", "iam:*", "ecs:*", "kms:*")
POLICY = Policy(max_open_bytes=20_000_000)


@pytest.fixture(autouse=True)
def _aws(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture
def bucket():
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="box")
    for number in range(25):
        s3.put_object(Bucket="box", Key=f"a/{number:02}", Body=b"x" * number)
    for number in range(5):
        s3.put_object(Bucket="box", Key=f"b{number}/k", Body=b"x")
    return s3


def call(name, parameters=None, policy=POLICY, **more):
    event = {"call": name, **more}
    if parameters is not None:
        event["parameters"] = parameters
    return call_api(event, ALL, policy)


def without_metadata(answer):
    del answer["ResponseMetadata"]
    text = json.dumps(answer, default=lambda time: time.astimezone(UTC).isoformat())
    return json.loads(text.replace("+00:00", "Z"))


def test_it_answers_what_boto3_does(bucket):
    direct = without_metadata(bucket.list_objects_v2(Bucket="box"))
    assert len(direct["Contents"]) == 30
    assert call("s3:listObjectsV2", {"Bucket": "box"}) == direct
    assert call("aws-sdk:s3:listObjectsV2", {"Bucket": "box"}) == direct


def test_pages_are_gathered(bucket, monkeypatch):
    whole = without_metadata(bucket.list_objects_v2(Bucket="box", Delimiter="/"))
    paged = call("s3:listObjectsV2", {"Bucket": "box", "Delimiter": "/", "MaxKeys": 2}, pages=True)
    assert paged.pop("MaxKeys") == 2
    assert whole.pop("MaxKeys") == 1000
    assert paged == whole
    direct = call("s3:listObjectsV2", {"Bucket": "box"})
    paged = call("s3:listObjectsV2", {"Bucket": "box", "MaxKeys": 7}, pages=True)
    assert paged | {"MaxKeys": 1000} == direct
    assert (paged["KeyCount"], paged["IsTruncated"]) == (30, False)


def test_a_limit_or_a_beginning_in_the_parameters_is_kept(bucket):
    first = call("s3:listObjectsV2", {"Bucket": "box", "MaxKeys": 2})
    assert (len(first["Contents"]), first["IsTruncated"]) == (2, True)
    then = {"Bucket": "box", "ContinuationToken": first["NextContinuationToken"]}
    assert call("s3:listObjectsV2", then)["KeyCount"] == 28
    one = call("s3:listObjectsV2", {"Bucket": "box"}, pages=False)
    assert one["KeyCount"] == 30


def test_counts_of_a_query_are_of_all_pages():
    client = boto3.client("dynamodb")
    client.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(9):
        client.put_item(TableName="t", Item={"id": {"S": str(number)}, "flag": {"BOOL": True}})
    found = call("dynamodb:scan", {"TableName": "t", "Limit": 4}, pages=True)
    assert (found["Count"], found["ScannedCount"], len(found["Items"])) == (9, 9, 9)
    assert "LastEvaluatedKey" not in found
    assert found["Items"][0]["flag"] == {"Bool": True}  # as the SDK for Java names it
    values = {":id": {"S": "3"}}
    asked = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": values}
    one = call("dynamodb:query", {"TableName": "t", **asked})
    assert (one["Count"], one["ScannedCount"], one["Items"][0]["id"]) == (1, 1, {"S": "3"})


@pytest.fixture
def cloudformation(monkeypatch):
    """A server that answers as CloudFormation does to GetTemplate."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = ANSWER.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", address)
    yield
    server.shutdown()
    thread.join()
    server.server_close()


TEMPLATE = '{\n  "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}\n}'
ANSWER = f"""<GetTemplateResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
<GetTemplateResult><TemplateBody>{TEMPLATE}</TemplateBody>
<StagesAvailable><member>Original</member></StagesAvailable></GetTemplateResult>
<ResponseMetadata><RequestId>R-1</RequestId></ResponseMetadata></GetTemplateResponse>"""


def test_a_template_is_the_text_that_was_given(cloudformation):
    """boto3 makes an object of it, where it is JSON."""
    found = call("cloudformation:getTemplate", {"StackName": "stack"})
    assert found == {"TemplateBody": TEMPLATE, "StagesAvailable": ["Original"]}
    direct = boto3.client("cloudformation").get_template(StackName="stack")["TemplateBody"]
    assert direct == json.loads(TEMPLATE)


def test_names_are_pascal_case_for_every_service():
    machine = boto3.client("stepfunctions").create_state_machine(
        name="Orders",
        definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}),
        roleArn="arn:aws:iam::123456789012:role/r",
    )
    arn = machine["stateMachineArn"]
    found = call("sfn:describeStateMachine", {"StateMachineArn": arn})
    assert found["StateMachineArn"] == arn
    assert datetime.fromisoformat(found["CreationDate"]).tzinfo is not None
    assert call("sfn:listStateMachines")["StateMachines"][0]["Name"] == "Orders"


@pytest.mark.parametrize(
    ("name", "parameters", "error"),
    [
        ("s3:listObjectsV2", {"Bucket": "no-such-bucket"}, "S3.NoSuchBucketException"),
        ("s3:getObject", {"Bucket": "box", "Key": "CANARY"}, "S3.NoSuchKeyException"),
        ("s3:headObject", {"Bucket": "box", "Key": "CANARY"}, "S3.NoSuchKeyException"),
        ("dynamodb:query", {"TableName": "CANARY"}, "DynamoDb.DynamoDbException"),
        ("dynamodb:describeTable", {"TableName": "CANARY"}, "DynamoDb.ResourceNotFoundException"),
        ("iam:getRole", {"RoleName": "CANARY"}, "Iam.NoSuchEntityException"),
    ],
)
def test_what_aws_refuses_has_its_name_in_step_functions(bucket, name, parameters, error):
    with pytest.raises(StatebagError) as caught:
        call(name, parameters)
    assert type(caught.value).__name__ == error
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({}, "$.call"),
        ({"call": None}, "$.call"),
        ({"call": {"s3": 1}}, "$.call"),
        ({"call": "s3:dropTables"}, "$.call"),
        ({"call": "s3:getObject", "parameters": []}, "$.parameters"),
        ({"call": "s3:getObject", "parameters": "CANARY"}, "$.parameters"),
        ({"call": "s3:getObject", "parameters": {"Bucket": "CANARY"}}, "$.parameters"),
        ({"call": "s3:listObjectsV2", "parameters": {"Bucket": "b"}, "pages": "yes"}, "$.pages"),
        ({"call": "s3:getObject", "parameters": {"Bucket": "box", "Key": "k"}, "pages": True},
         "$.pages"),
        ({"call": "s3:getObject", "parameters": {"Bucket": "", "Key": ""}}, "$.parameters"),
    ],
)  # fmt: skip
def test_events_of_another_form(event, path):
    with pytest.raises(InvalidState) as caught:
        call_api(event, ALL, POLICY)
    assert caught.value.path == path
    assert caught.value.hint
    assert "CANARY" not in str(caught.value)


def test_a_service_that_is_not_there():
    with pytest.raises(InvalidState, match="does not know the service nosuch"):
        call_api({"call": "nosuch:getThing"}, ("nosuch:*",), POLICY)


def test_what_is_not_allowed_is_not_called(bucket):
    doing = {"call": "s3:deleteObject", "parameters": {"Bucket": "box", "Key": "a/01"}}
    for allowed in ((), ("s3:listObjectsV2",), ("s3:get*", "dynamodb:deleteObject")):
        with pytest.raises(NotPermitted):
            call_api(doing, allowed, POLICY)
    assert bucket.head_object(Bucket="box", Key="a/01")


def test_parameters_that_nest_too_deeply():
    item = {"S": "x"}
    for _ in range(400):
        item = {"L": [item]}
    with pytest.raises(StatebagError) as caught:
        call("dynamodb:putItem", {"TableName": "t", "Item": {"id": item}})
    assert type(caught.value).__name__ in {"InvalidState", "DynamoDb.ResourceNotFoundException"}


class TestBounds:
    def test_of_an_answer(self, bucket):
        with pytest.raises(LimitExceeded, match="more than 2,000 bytes") as caught:
            call("s3:listObjectsV2", {"Bucket": "box"}, Policy(max_open_bytes=2_000))
        assert "STATEBAG_MAX_OPEN_BYTES" in caught.value.hint
        assert call("s3:listObjectsV2", {"Bucket": "box"}, Policy(max_open_bytes=20_000))

    def test_of_all_pages_together(self, bucket):
        paged = {"Bucket": "box", "MaxKeys": 3}
        assert call("s3:listObjectsV2", paged, Policy(max_open_bytes=2_000))["KeyCount"] == 3
        with pytest.raises(LimitExceeded, match="more than 2,000 bytes"):
            call("s3:listObjectsV2", paged, Policy(max_open_bytes=2_000), pages=True)

    def test_of_a_body(self, bucket):
        bucket.put_object(Bucket="box", Key="large", Body=b"x" * 50_000)
        asked = {"Bucket": "box", "Key": "large"}
        with pytest.raises(LimitExceeded, match="more than 49,999 bytes"):
            call("s3:getObject", asked, Policy(max_open_bytes=49_999))
        assert len(call("s3:getObject", asked, Policy(max_open_bytes=51_000))["Body"]) == 50_000

    def test_of_the_number_of_pages(self, bucket):
        paged = {"Bucket": "box", "MaxKeys": 3}
        with pytest.raises(LimitExceeded, match="more than 9 pages") as caught:
            call("s3:listObjectsV2", paged, Policy(max_open_requests=9), pages=True)
        assert "STATEBAG_MAX_OPEN_REQUESTS" in caught.value.hint
        found = call("s3:listObjectsV2", paged, Policy(max_open_requests=10), pages=True)
        assert found["KeyCount"] == 30

    def test_of_time(self, bucket):
        paged = {"call": "s3:listObjectsV2", "parameters": {"Bucket": "box", "MaxKeys": 3}}
        with pytest.raises(LimitExceeded, match="function's time"):
            call_api({**paged, "pages": True}, ALL, POLICY, remaining_seconds=0.0)
        # What has come whole is not thrown away.
        assert call_api(paged, ALL, POLICY, remaining_seconds=0.0)["KeyCount"] == 3

    @pytest.mark.parametrize(("policy", "tries"), [(Policy(), 3), (Policy(attempts=2), 2)])
    def test_of_tries(self, monkeypatch, policy, tries):
        asked = []

        class Failing(BaseHTTPRequestHandler):
            def do_POST(self):
                asked.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Failing)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", address)
        try:
            with pytest.raises(StatebagError):
                call("dynamodb:listTables", policy=policy)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        assert len(asked) == tries


class TestAnswers:
    """What a service in this process does not answer, put in the place of the client."""

    @pytest.fixture
    def answering(self, monkeypatch):
        made = api_call._client

        def put(answer):
            def client(*arguments):
                real = made(*arguments)

                def replaced(_operation, _parameters):
                    if isinstance(answer, Exception):
                        raise answer
                    return answer

                monkeypatch.setattr(real, "_make_api_call", replaced)
                return real

            monkeypatch.setattr(api_call, "_client", client)

        return put

    @pytest.mark.parametrize("code", ["ThrottlingException", "ExpiredToken", "AccessDenied"])
    def test_throttling_and_expired_keys(self, answering, code):
        answering(ClientError({"Error": {"Code": code, "Message": "CANARY"}}, "GetObject"))
        with pytest.raises(StatebagError) as caught:
            call("kms:decrypt", {"CiphertextBlob": "x"})
        assert type(caught.value).__name__ == "Kms.KmsException"
        assert code in caught.value.message
        assert "CANARY" not in str(caught.value)

    def test_bytes_that_are_not_json(self, answering):
        answering({"Plaintext": b"\xff\x00CANARY", "ResponseMetadata": {}})
        with pytest.raises(InvalidState, match="not UTF-8 text") as caught:
            call("kms:decrypt", {"CiphertextBlob": "x"})
        assert caught.value.path == "$.Plaintext"
        assert "CANARY" not in str(caught.value)

    def test_an_answer_without_anything(self, answering):
        answering({"ResponseMetadata": {}})
        assert call("kms:decrypt", {"CiphertextBlob": "x"}) == {}

    def test_a_service_that_repeats_a_token(self, answering):
        answering({"Contents": [], "IsTruncated": True, "NextContinuationToken": "same"})
        with pytest.raises(StatebagError) as caught:
            call("s3:listObjectsV2", {"Bucket": "box"})
        assert type(caught.value).__name__ == "S3.SdkClientException"
        assert "PaginationError" in caught.value.message


IN_A_NEW_PROCESS = """
import os, sys
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(AWS_EC2_METADATA_DISABLED="true", HOME=sys.argv[1])
os.environ.update(one.split("=", 1) for one in sys.argv[2:])
from statebag import Policy
from statebag.aws_sdk import call_api
try:
    call_api({"call": "dynamodb:listTables"}, ("dynamodb:*",), Policy(attempts=1))
except Exception as error:
    print(type(error).__name__, error)
"""
KEYS = ("AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b")
HERE = "AWS_DEFAULT_REGION=eu-west-1"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ((), "DynamoDb.SdkClientException dynamodb:listTables was not answered: NoRegionError"),
        ((HERE,), "DynamoDb.SdkClientException dynamodb:listTables was not answered: NoCred"),
        ((HERE, KEYS[0]), "DynamoDb.SdkClientException dynamodb:listTables was not answered: Part"),
        (KEYS, "DynamoDb.SdkClientException dynamodb:listTables was not answered: NoRegionError"),
        ((*KEYS, HERE, "AWS_ENDPOINT_URL=http://127.0.0.1:9"),
         "DynamoDb.SdkClientException dynamodb:listTables was not answered: EndpointConnection"),
        ((*KEYS, HERE, "AWS_ENDPOINT_URL=CANARY"),
         "ConfigurationError botocore cannot use the AWS settings of this process: ValueError"),
        ((HERE, "AWS_PROFILE=CANARY"),
         "ConfigurationError botocore cannot use the AWS settings of this process: Profile"),
    ],
)  # fmt: skip
def test_settings_that_do_not_lead_to_an_answer(tmp_path, variables, said):
    done = subprocess.run(
        [sys.executable, "-c", IN_A_NEW_PROCESS, str(tmp_path), *variables],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    assert done.stdout.startswith(said)
    assert "CANARY" not in done.stdout


def test_a_wrong_profile_is_named_after_other_calls_too(bucket, monkeypatch):
    assert call("s3:listObjectsV2", {"Bucket": "box"})["KeyCount"] == 30
    monkeypatch.setenv("AWS_PROFILE", "CANARY")
    with pytest.raises(ConfigurationError, match="ProfileNotFound") as caught:
        call("s3:listObjectsV2", {"Bucket": "box"})
    assert "AWS_PROFILE" in caught.value.hint
    assert "CANARY" not in str(caught.value)


def test_without_boto3_it_says_what_to_install():
    code = """
import sys
sys.modules["boto3"] = sys.modules["botocore"] = None
import statebag
from statebag.sdk_task import lambda_handler
from statebag.aws_sdk import call_api
try:
    call_api({"call": "s3:listBuckets"}, ("s3:listBuckets",), statebag.Policy())
except statebag.ConfigurationError as error:
    print(error.hint)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout.startswith("pip install boto3")


def test_importing_the_handler_loads_no_boto3():
    code = "import sys, statebag.sdk_task; print('botocore' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout == "False\n"


def test_a_wrong_entry_of_the_settings():
    with pytest.raises(ConfigurationError, match="entry 1"):
        call_api({"call": "s3:listBuckets"}, ("s3",), POLICY)
