"""What Tasks answer with."""

import pytest

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.lint.calls import Functions, call_of, most_item_bytes, most_items
from statebag.lint.shape import size
from tests.lint.machines import codes, found, machine, task

RECEIPT = 4 * 1024
SMALL = 16 * 1024
DESCRIPTION = 32 * 1024


def called(resource, **parameters):
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters}
    return call_of(state, "$.States.A", Functions())


@pytest.mark.parametrize(
    ("resource", "most"),
    [
        ("arn:aws:states:::sns:publish", RECEIPT),
        ("arn:aws:states:::sqs:sendMessage", RECEIPT),
        ("arn:aws:states:::states:startExecution", RECEIPT),
        ("arn:aws:states:::states:startExecution.sync:2", PAYLOAD_LIMIT),
        ("arn:aws:states:::glue:startJobRun.sync", PAYLOAD_LIMIT),
        ("arn:aws:states:::http:invoke", PAYLOAD_LIMIT),
        ("arn:aws:states:::bedrockagentcore:invokeHarness", PAYLOAD_LIMIT),
        ("arn:aws:states:::dynamodb:putItem", RECEIPT),
        ("arn:aws:states:::dynamodb:getItem", PAYLOAD_LIMIT),
        ("arn:aws:states:::aws-sdk:dynamodb:scan", PAYLOAD_LIMIT),
        ("arn:aws:states:::aws-sdk:dynamodb:createBackup", SMALL),
        ("arn:aws:states:::aws-sdk:s3:copyObject", SMALL),
        ("arn:aws:states:us-east-1:123456789012:aws-sdk:s3:getObject", PAYLOAD_LIMIT),
        ("arn:aws:states:us-east-1:123456789012:aws-sdk:s3:putObject", SMALL),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", PAYLOAD_LIMIT),
        ("arn:aws:states:::aws-sdk:sns:publish", RECEIPT),
        ("arn:aws:states:::aws-sdk:sfn:startExecution", RECEIPT),
        ("arn:aws:states:::aws-sdk:sagemaker:describeModel", DESCRIPTION),
        ("arn:aws:states:::aws-sdk:kms:describeKey", DESCRIPTION),
        ("arn:aws:states:::aws-sdk:s3:headObject", SMALL),
        ("arn:aws:states:::aws-sdk:sfn:describeMapRun", DESCRIPTION),
        ("arn:aws:states:::aws-sdk:sfn:describeExecution", PAYLOAD_LIMIT),
        ("arn:aws:states:::aws-sdk:sfn:describeStateMachine", PAYLOAD_LIMIT),
        ("arn:aws:states:::aws-sdk:sagemaker:describePipeline", PAYLOAD_LIMIT),
        ("arn:aws:states:::aws-sdk:ec2:describeInstances", PAYLOAD_LIMIT),
        ("arn:aws:states:::aws-sdk:ec2:describeInstanceStatus", PAYLOAD_LIMIT),
        ("arn:aws:states:::aws-sdk:ec2:describeSpotPriceHistory", PAYLOAD_LIMIT),
        ("arn:aws:states:::aws-sdk:ssm:describeInstanceInformation", PAYLOAD_LIMIT),
        ("arn:aws:states:::aws-sdk:redshiftdata:describeTable", PAYLOAD_LIMIT),
    ],
)
def test_services(resource, most):
    call = called(resource)
    assert size(call.result) == most
    assert not call.seals


def test_a_write_that_is_asked_for_values():
    assert (
        size(called("arn:aws:states:::dynamodb:updateItem", ReturnValues="ALL_NEW").result)
        == PAYLOAD_LIMIT
    )


def test_a_service_is_no_function(tmp_path):
    """Its ARN may name region and account, too."""
    resource = "arn:aws:states:us-east-1:123456789012:aws-sdk:s3:getObject"
    state = {"Type": "Task", "Resource": resource, "Parameters": {"Bucket": "b"}}
    assert codes(found(tmp_path, machine(A=state)), notes=True) == ["SB105"]


@pytest.mark.parametrize(
    ("call", "parameters", "lengthy"),
    [
        ("aws-sdk:s3:listObjectsV2", {"Bucket": "b"}, True),
        ("aws-sdk:s3:listObjectsV2", {"Bucket": "b", "MaxKeys": 1000}, True),
        ("aws-sdk:s3:listObjectsV2", {"Bucket": "b", "MaxKeys.$": "$.most"}, True),
        ("aws-sdk:s3:listObjectsV2", {"Bucket": "b", "MaxKeys": 100}, False),
        ("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"}, True),
        ("aws-sdk:s3:getObject", {"Bucket": "b", "Range": "bytes=0-9"}, False),
        ("aws-sdk:s3:headObject", {"Bucket": "b"}, False),
        ("aws-sdk:s3:putObject", {"Bucket": "b"}, False),
        ("aws-sdk:cloudformation:getTemplate", {}, True),
        ("aws-sdk:cloudformation:describeStackEvents", {}, True),
        ("aws-sdk:dynamodb:query", {}, True),
        ("aws-sdk:dynamodb:scan", {"Limit": 5}, False),
        ("aws-sdk:dynamodb:describeTable", {}, False),
        ("dynamodb:getItem", {}, False),
        ("athena:getQueryResults", {}, True),
        ("athena:startQueryExecution.sync", {}, False),
        ("aws-sdk:athena:getQueryResults", {"MaxResults": True}, True),
        ("aws-sdk:ecs:describeTasks", {}, True),
        ("aws-sdk:sfn:describeExecution", {}, True),
        ("aws-sdk:cloudwatchlogs:filterLogEvents", {}, True),
        ("aws-sdk:ssm:getParameter", {}, False),
        ("states:startExecution.sync:2", {}, False),
    ],
)
def test_services_whose_answer_alone_can_pass_the_limit(call, parameters, lengthy):
    assert called(f"arn:aws:states:::{call}", **parameters).lengthy is lengthy


def test_a_catch_of_the_limit_says_what_to_do_then(tmp_path):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "Parameters": {"Bucket": "b"},
        "Catch": [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "B"}],
    }
    end = {"Type": "Fail"}
    assert codes(found(tmp_path, machine(A=state, B=end))) == []
    state["Catch"][0]["ErrorEquals"] = ["S3.NoSuchBucketException"]
    assert codes(found(tmp_path, machine(A=state, B=end))) == ["SB105"]


def test_the_finding_names_the_function_that_makes_the_call(tmp_path):
    """`tests/test_sdk_task.py` follows it."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "Parameters": {"Bucket": "b"},
    }
    (one,) = found(tmp_path, machine(A=state)).findings
    assert (one.code, one.severity) == ("SB105", "warning")
    assert "statebag.sdk_task.lambda_handler" in one.fix


def test_the_envelope_of_a_result_is_within_the_limit_too(tmp_path):
    """A result that has no bound is told as that, and not as 2 KB over the limit."""
    state = task("A", sealed=False)
    del state["ResultSelector"]
    assert codes(found(tmp_path, machine(A=state)), notes=True) == ["SB101"]


def test_all_of_an_envelope_is_there(tmp_path):
    state = task("A")
    del state["ResultSelector"]
    after = {"Type": "Pass", "Parameters": {"code.$": "$.StatusCode", "v.$": "$.ExecutedVersion"}}
    assert codes(found(tmp_path, machine(A=state, B=after))) == []


def test_a_topic_that_waits_raises_nothing_of_ours(tmp_path):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish.waitForTaskToken",
        "Parameters": {"Message": {"execution_id.$": "$$.Execution.Id"}},
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "B"}],
    }
    definition = machine(A=state, B={"Type": "Succeed"})
    assert codes(found(tmp_path, definition, sealed=("*",), input_bytes=0)) == []


@pytest.mark.parametrize(
    ("state", "most"),
    [
        ({}, None),
        ({"Comment": "statebag: at most 12 items"}, 12),
        ({"Comment": "Some. statebag:  at most 1,000 items of a day"}, 1000),
        ({"Comment": "at most 12 items"}, None),
        ({"Comment": ["statebag: at most 12 items"]}, None),
        ({"ItemReader": {"ReaderConfig": {"MaxItems": 7}}}, 7),
        ({"ItemReader": {"ReaderConfig": {"MaxItems": "7"}}}, None),
        (
            {
                "Comment": "statebag: at most 5 items",
                "ItemReader": {"ReaderConfig": {"MaxItems": 7}},
            },
            5,
        ),
    ],
)
def test_how_many_items_a_map_has(state, most):
    assert most_items(state) == most


@pytest.mark.parametrize(
    ("comment", "most"),
    [
        ("statebag: at most 12 items", None),
        ("statebag: at most 12 items of 1,024 bytes", 1024),
        ("statebag: at most 1 item of 1 byte", 1),
        ("statebag: at most 12 items of 1,024 characters", None),
        ("statebag: at most 12 bytes", None),
        (["statebag: at most 12 items of 5 bytes"], None),
    ],
)
def test_how_large_an_item_of_a_map_is(comment, most):
    assert most_item_bytes({"Comment": comment}) == most


class TestBytesOfATask:
    """A Comment says how large the result of a Task is."""

    @pytest.mark.parametrize(
        ("comment", "most"),
        [
            ("statebag: at most 4,096 bytes", 4096),
            ("Small. statebag:  at most 1 byte", 1),
            ("statebag: at most 900,000 bytes", PAYLOAD_LIMIT),  # never more than it is otherwise
            ("at most 4,096 bytes", PAYLOAD_LIMIT),
            ("statebag: at most 4,096 items", PAYLOAD_LIMIT),
            (["statebag: at most 4,096 bytes"], PAYLOAD_LIMIT),
            (None, PAYLOAD_LIMIT),
        ],
    )
    def test_the_size_of_an_answer(self, comment, most):
        state = task("f", sealed=False, Comment=comment)
        assert size(call_of(state, "$.States.A", Functions()).result) == most

    def test_what_lambda_puts_around_an_answer_stays(self):
        plain = size(call_of(task("f"), "$.States.A", Functions()).result)
        state = task("f", Comment="statebag: at most 4,096 bytes")
        told = size(call_of(state, "$.States.A", Functions()).result)
        assert plain - told == Functions().bag_bytes - 4096

    def test_an_answer_beside_a_state(self, tmp_path):
        asked = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}},
            "ResultPath": "$.answer",
        }
        definition = machine(A=asked)
        assert codes(found(tmp_path, definition)) == ["SB102"]
        asked["Comment"] = "statebag: at most 4,096 bytes"
        assert codes(found(tmp_path, definition), notes=True) == []
        asked["Comment"] = "statebag: at most 200,000 bytes"
        assert codes(found(tmp_path, definition)) == ["SB102"]

    def test_a_function_that_does_not_seal(self, tmp_path):
        definition = machine(A=task("f", sealed=False))
        assert codes(found(tmp_path, definition), notes=True) == ["SB101"]
        definition["States"]["A"]["Comment"] = "statebag: at most 4,096 bytes"
        assert codes(found(tmp_path, definition), notes=True) == []
        definition["States"]["A"]["Comment"] = f"statebag: at most {PAYLOAD_LIMIT:,} bytes"
        assert codes(found(tmp_path, definition), notes=True) == ["SB101"]

    def test_a_service_with_a_long_answer(self, tmp_path):
        scan = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:scan"}
        definition = machine(A={**scan, "Parameters": {"TableName": "t"}})
        assert codes(found(tmp_path, definition)) == ["SB105"]
        definition["States"]["A"]["Comment"] = "A table of ten rows. statebag: at most 9,000 bytes"
        assert codes(found(tmp_path, definition)) == []


def in_a_row(*resources):
    """A machine of Tasks, each of which keeps its answer beside those before it."""
    names = [f"T{number}" for number in range(len(resources))]
    states = {
        name: {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{resource}",
            "Parameters": {},
            "ResultPath": f"$.{name}",
        }
        for name, resource in zip(names, resources, strict=True)
    }
    return machine(**states)


def sizes(tmp_path, definition, *, notes):
    report = found(tmp_path, definition, input_bytes=1_000)
    kept = {"SB102", "SB105", "SB109"}
    return [code for code in codes(report, notes=notes) if code in kept]


DESCRIBE = "aws-sdk:sagemaker:describeModel"


def test_receipts_and_descriptions_of_one_thing_are_no_risk(tmp_path):
    definition = in_a_row(DESCRIBE, "sns:publish", "sqs:sendMessage", "aws-sdk:s3:headObject")
    assert sizes(tmp_path, definition, notes=True) == []
    assert sizes(tmp_path, in_a_row(*["sns:publish"] * 40), notes=True) == []


def test_many_of_them_are_a_note_and_not_a_warning(tmp_path):
    definition = in_a_row(*[DESCRIBE] * 9)
    assert sizes(tmp_path, definition, notes=False) == []
    assert sizes(tmp_path, definition, notes=True) == ["SB109"]
    *_, finding = [
        one
        for one in found(tmp_path, definition, input_bytes=1_000).findings
        if one.code == "SB109"
    ]
    assert "293,861 of them are the most that services may answer" in finding.message


@pytest.mark.parametrize("grows", ["dynamodb:getItem", "aws-sdk:sfn:describeExecution"])
def test_what_grows_with_the_data_beside_them_is_a_warning_that_tells_them_apart(tmp_path, grows):
    definition = in_a_row(DESCRIBE, grows, "dynamodb:getItem")
    assert "SB102" in sizes(tmp_path, definition, notes=False)
    messages = [
        one.message
        for one in found(tmp_path, definition, input_bytes=1_000).findings
        if one.code == "SB102"
    ]
    assert any("of which 32,768 are bounds of services' answers" in one for one in messages)


@pytest.mark.parametrize(
    "service", ["budgets", "cloudwatch", "config", "ec2", "health", "redshift", "sagemaker", "ssm"]
)
def test_a_description_that_comes_in_pages_is_not_of_one_thing(service):
    """The model of a service says which calls have a token of the next page."""
    session = pytest.importorskip("botocore.session", reason="botocore is not installed")
    model = session.get_session().get_service_model(service)
    paged = {"NextToken", "nextToken", "Marker", "PageToken"}
    taken = []
    for name in model.operation_names:
        given = model.operation_model(name).input_shape
        if name.startswith("Describe") and given is not None and paged & given.members.keys():
            call = called(f"arn:aws:states:::aws-sdk:{service}:d{name[1:]}")
            taken += [name] if call.is_fixed else []
    assert taken == []
