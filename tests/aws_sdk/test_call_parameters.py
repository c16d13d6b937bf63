"""Parameters of a Task, as botocore takes them."""

import botocore.session
import pytest
from botocore.validate import ParamValidator

from statebag import InvalidState
from statebag.aws_sdk.call_parameters import fitted

SESSION = botocore.session.Session()


def shape(service, operation):
    return SESSION.get_service_model(service).operation_model(operation).input_shape


@pytest.mark.parametrize(
    ("service", "operation", "given", "taken"),
    [
        ("s3", "ListObjectsV2", {"Bucket": "b", "MaxKeys": 5}, {"Bucket": "b", "MaxKeys": 5}),
        ("s3", "ListObjectsV2", {"Bucket": "b", "MaxKeys": 5.0}, {"Bucket": "b", "MaxKeys": 5}),
        ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": None}, {"Bucket": "b"}),
        ("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": "ä"}, {"Body": "ä".encode()}),
        ("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": {"a": 1}}, {"Body": b'{"a":1}'}),
        (
            "stepfunctions",
            "StartExecution",
            {"StateMachineArn": "arn", "Input": {"a": 1}},
            {"stateMachineArn": "arn", "input": '{"a":1}'},
        ),
        ("stepfunctions", "DescribeExecution", {"executionArn": "a"}, {"executionArn": "a"}),
        (
            "rds",
            "DescribeDBInstances",
            {"DbInstanceIdentifier": "x"},
            {"DBInstanceIdentifier": "x"},
        ),
        (
            "rds",
            "DescribeDBInstances",
            {"DBInstanceIdentifier": "x"},
            {"DBInstanceIdentifier": "x"},
        ),
        (
            "dynamodb",
            "PutItem",
            {"TableName": "t", "Item": {"an id": {"S": "1"}, "b": {"L": [{"Bool": True}]}}},
            {"Item": {"an id": {"S": "1"}, "b": {"L": [{"BOOL": True}]}}},
        ),
    ],
)
def test_names_and_types(service, operation, given, taken):
    found = fitted(given, shape(service, operation))
    assert {key: found[key] for key in taken} == taken
    assert not ParamValidator().validate(found, shape(service, operation)).has_errors()


@pytest.mark.parametrize(
    ("service", "operation", "given", "path"),
    [
        ("s3", "ListObjectsV2", {}, "$.parameters"),
        ("s3", "ListObjectsV2", {"Bucket": None}, "$.parameters"),
        ("s3", "ListObjectsV2", {"Buckett": "CANARY"}, "$.parameters"),
        ("s3", "ListObjectsV2", {"Bucket": "b", "MaxKeys": "CANARY"}, "$.parameters.MaxKeys"),
        ("s3", "ListObjectsV2", {"Bucket": "b", "MaxKeys": 1.5}, "$.parameters.MaxKeys"),
        ("s3", "ListObjectsV2", {"Bucket": "b", "MaxKeys": True}, "$.parameters.MaxKeys"),
        ("s3", "ListObjectsV2", {"Bucket": "b", "FetchOwner": 1}, "$.parameters.FetchOwner"),
        (
            "s3",
            "ListObjectsV2",
            {"Bucket": "b", "OptionalObjectAttributes": "CANARY"},
            "$.parameters.OptionalObjectAttributes",
        ),
        ("dynamodb", "PutItem", {"TableName": "t", "Item": ["CANARY"]}, "$.parameters.Item"),
        ("dynamodb", "PutItem", {"TableName": "t", "Item": {"a": "CANARY"}}, "$.parameters.Item.a"),
        (
            "dynamodb",
            "PutItem",
            {"TableName": "t", "Item": {"a": {"L": [{"X": 1}]}}},
            "$.parameters.Item.a.L[0]",
        ),
        (
            "logs",
            "FilterLogEvents",
            {"LogGroupName": "g", "logGroupName": "CANARY"},
            "$.parameters",
        ),
        ("cloudtrail", "LookupEvents", {"StartTime": "CANARY"}, "$.parameters.StartTime"),
        ("cloudtrail", "LookupEvents", {"StartTime": []}, "$.parameters.StartTime"),
        ("cloudtrail", "LookupEvents", {"StartTime": True}, "$.parameters.StartTime"),
        ("cloudtrail", "LookupEvents", {"StartTime": 1e300}, "$.parameters.StartTime"),
    ],
)
def test_what_the_api_does_not_take(service, operation, given, path):
    with pytest.raises(InvalidState) as caught:
        fitted(given, shape(service, operation))
    assert caught.value.path == path
    assert caught.value.hint
    assert "CANARY" not in str(caught.value)


def test_the_hints_name_what_it_takes():
    with pytest.raises(InvalidState) as caught:
        fitted({"Buckett": "b"}, shape("s3", "ListObjectsV2"))
    assert "Bucket," in caught.value.hint
    with pytest.raises(InvalidState) as caught:
        fitted({}, shape("s3", "GetObject"))
    assert caught.value.hint == "The API requires Bucket, Key."
    assert fitted({"Bucket": "b", "Key": "k"}, shape("s3", "GetObject"))


def test_times():
    found = fitted({"StartTime": "2024-02-29T12:00:00Z"}, shape("cloudtrail", "LookupEvents"))
    assert found["StartTime"].isoformat() == "2024-02-29T12:00:00+00:00"
