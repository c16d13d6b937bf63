"""Errors of AWS under the names of Step Functions."""

import pickle

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)

from statebag import StatebagError
from statebag.aws_sdk.operations import Operation
from statebag.aws_sdk.sdk_errors import from_client, from_service, named_error

SESSION = botocore.session.Session()


def operation(service, action):
    return Operation(service, action, SESSION.get_service_model(service))


def answered(code, status=400, service="s3", action="listObjectsV2", **more):
    response = {
        "Error": {"Code": code, "Message": "CANARY", **more},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "R-1"},
    }
    return from_service(ClientError(response, action), operation(service, action))


@pytest.mark.parametrize(
    ("code", "service", "action", "name"),
    [
        ("NoSuchBucket", "s3", "listObjectsV2", "S3.NoSuchBucketException"),
        ("NoSuchKey", "s3", "getObject", "S3.NoSuchKeyException"),
        ("ExpiredToken", "s3", "getObject", "S3.S3Exception"),
        ("SlowDown", "s3", "getObject", "S3.S3Exception"),
        ("ExpiredTokenException", "dynamodb", "query", "DynamoDb.DynamoDbException"),
        ("ValidationException", "secretsmanager", "createSecret",
         "SecretsManager.SecretsManagerException"),
        ("ResourceNotFoundException", "dynamodb", "query", "DynamoDb.ResourceNotFoundException"),
        ("ProvisionedThroughputExceededException", "dynamodb", "query",
         "DynamoDb.ProvisionedThroughputExceededException"),
        ("DBInstanceNotFound", "rds", "describeDBInstances", "Rds.DbInstanceNotFoundException"),
    ],
)  # fmt: skip
def test_names(code, service, action, name):
    error = answered(code, service=service, action=action)
    assert type(error).__name__ == name
    assert isinstance(error, StatebagError)
    assert f"{service}:{action} failed: {code}, status 400, request R-1" in error.message
    assert "CANARY" not in str(error)


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [
        ("SlowDown", 503, True),
        ("ThrottlingException", 400, True),
        ("Whatever", 500, True),
        ("AccessDenied", 403, False),
        ("NoSuchBucket", 404, False),
    ],
)
def test_what_may_pass(code, status, retryable):
    assert answered(code, status).retryable is retryable


@pytest.mark.parametrize("code", ["", "a b\nc" * 200, "CANARY" * 100])
def test_a_code_that_cannot_be_one_is_not_repeated(code):
    error = answered(code)
    assert type(error).__name__ == "S3.S3Exception"
    assert "an error without a code" in error.message
    assert "CANARY" not in str(error)


def test_an_answer_that_has_nothing():
    error = from_service(ClientError({}, "X"), operation("s3", "getObject"))
    assert type(error).__name__ == "S3.S3Exception"
    assert error.message == "s3:getObject failed: an error without a code"


def test_the_code_of_before_is_looked_up_too():
    """A service that left the query protocol still gives its old code."""
    queue = answered(
        "Unknown", service="sqs", action="receiveMessage", QueryErrorCode="QueueDoesNotExist"
    )
    assert type(queue).__name__ == "Sqs.QueueDoesNotExistException"


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (NoCredentialsError(), False),
        (NoRegionError(), False),
        (EndpointConnectionError(endpoint_url="https://CANARY"), True),
        (ReadTimeoutError(endpoint_url="https://CANARY"), True),
    ],
)
def test_what_keeps_a_call_from_being_answered(error, retryable):
    found = from_client(error, operation("dynamodb", "query"))
    assert type(found).__name__ == "DynamoDb.SdkClientException"
    assert found.retryable is retryable
    assert (found.hint is None) is retryable
    assert type(error).__name__ in found.message
    assert "CANARY" not in str(found)


def test_an_error_is_itself_after_a_pickle():
    error = named_error("S3.NoSuchKeyException", "a message", True, "a hint")
    again = pickle.loads(pickle.dumps(error))
    assert type(again).__name__ == "S3.NoSuchKeyException"
    assert (str(again), again.retryable) == (str(error), True)
