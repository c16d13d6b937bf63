"""Which calls there are, and which are allowed."""

from collections import defaultdict

import botocore.session
import pytest

from statebag import ConfigurationError, InvalidState, NotPermitted
from statebag.aws_sdk.java_names import pascal_case
from statebag.aws_sdk.operations import Operation, check_allowed, parsed_call, services_name

SESSION = botocore.session.Session()
KNOWN = SESSION.get_available_services()


def operation(service, action, model=None):
    return Operation(service, action, SESSION.get_service_model(model or service))


@pytest.mark.parametrize(
    "call",
    [
        "s3:listObjectsV2",
        "aws-sdk:s3:listObjectsV2",
        "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "arn:aws-us-gov:states:us-gov-west-1:123456789012:aws-sdk:s3:listObjectsV2",
    ],
)
def test_a_call_as_a_definition_writes_it(call):
    assert parsed_call(call) == ("s3", "listObjectsV2")


@pytest.mark.parametrize(
    "call",
    [
        None,
        5,
        ["s3:listObjectsV2"],
        "",
        "s3",
        "s3:",
        ":listObjectsV2",
        "s3:list objects",
        "s3.listObjectsV2",
        "https://example.com:getObject",
        "s3:listObjectsV2\n",
        "../s3:listObjectsV2",
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "ecs:runTask.sync",
        "aws-sdk:sqs:sendMessage.waitForTaskToken",
        "states:startExecution.sync:2",
    ],
)
def test_what_is_no_call(call):
    with pytest.raises(InvalidState) as caught:
        parsed_call(call)
    assert caught.value.path == "$.call"
    assert caught.value.hint


def test_every_service_has_the_name_that_definitions_use():
    """The name is `serviceId` in lower case, without spaces and a Service at its end."""
    loader = SESSION.get_component("data_loader")
    names = defaultdict(set)
    for name in KNOWN:
        service_id = loader.load_service_model(name, "service-2")["metadata"]["serviceId"]
        named = "".join(one for one in service_id.lower() if one.isalnum())
        named = named.removesuffix("service") or named
        names[named].add(name)
    assert len(names) > 400
    assert {one for one in names if services_name(one, KNOWN) not in names[one]} == set()
    assert services_name("nosuchservice", KNOWN) is None


@pytest.mark.parametrize(
    ("service", "action", "model", "name"),
    [
        ("s3", "listObjectsV2", None, "ListObjectsV2"),
        ("rds", "describeDBInstances", None, "DescribeDBInstances"),
        ("sfn", "describeExecution", "stepfunctions", "DescribeExecution"),
    ],
)
def test_actions(service, action, model, name):
    found = operation(service, action, model)
    assert (found.name, str(found)) == (name, f"{service}:{action}")


@pytest.mark.parametrize("action", ["listObjectsV3", "ListObjectsV2", "list_objects_v2", "close"])
def test_an_action_that_the_api_does_not_have(action):
    with pytest.raises(InvalidState, match="does not have the API action") as caught:
        operation("s3", action)
    if "ist" in action:
        near = caught.value.hint.removeprefix("Write it as in a definition: ").rstrip(".")
        assert operation("s3", near.split(", ")[0])  # the hint


@pytest.mark.parametrize(
    ("service", "action", "model"),
    [
        ("s3", "selectObjectContent", None),
        ("bedrockruntime", "converseStream", "bedrock-runtime"),
        ("cloudwatchlogs", "startLiveTail", "logs"),
    ],
)
def test_a_stream_of_events_is_refused(service, action, model):
    with pytest.raises(InvalidState, match="stream of events"):
        operation(service, action, model)


ALLOWED = ("s3:listObjectsV2", "cloudformation:get*", "logs:filterLogEvents")


@pytest.mark.parametrize(
    ("service", "action"),
    [
        ("s3", "listObjectsV2"),
        ("cloudformation", "getTemplate"),
        ("cloudwatchlogs", "filterLogEvents"),  # under the name of botocore
    ],
)
def test_what_is_named_is_allowed(service, action):
    check_allowed(service, action, ALLOWED, KNOWN)


@pytest.mark.parametrize(
    ("service", "action"),
    [
        ("s3", "listObjects"),
        ("s3", "listObjectsV2x"),
        ("s3control", "listObjectsV2"),
        ("cloudformation", "createStack"),
        ("cloudwatchlogs", "getLogEvents"),
    ],
)
def test_nothing_else_is(service, action):
    with pytest.raises(NotPermitted, match="not one of the 3") as caught:
        check_allowed(service, action, ALLOWED, KNOWN)
    assert "s3:listObjectsV2, cloudformation:get*" in caught.value.hint


def test_nothing_is_allowed_by_default():
    with pytest.raises(NotPermitted, match="STATEBAG_SDK_CALLS is not set") as caught:
        check_allowed("s3", "listObjectsV2", (), KNOWN)
    assert "s3:listObjectsV2" in caught.value.hint
    check_allowed("s3", "listObjectsV2", ("s3:listObjectsV2",), KNOWN)  # the hint


@pytest.mark.parametrize(
    "entry", ["s3", "*", "*:*", "s3:l*t", "s3:list?", "S3:listObjectsV2", "aws-sdk:s3:listObjects"]
)
def test_an_entry_of_another_form_is_an_error_and_not_a_call_fewer(entry):
    with pytest.raises(ConfigurationError, match="entry 2 must be service:action"):
        check_allowed("s3", "getObject", ("s3:listObjectsV2", entry), KNOWN)


def test_errors_of_the_model():
    s3 = operation("s3", "headObject")
    assert s3.error_shape(["NoSuchBucket"]) == "NoSuchBucket"
    assert s3.error_shape(["404"]) == "NoSuchKey"  # a HEAD request's answer has no body
    assert s3.error_shape(["403"]) is None
    assert s3.error_shape(["SlowDown"]) is None
    assert s3.error_shape([]) is None
    assert pascal_case(s3.service_id) == "S3"
