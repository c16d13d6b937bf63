"""Answers of botocore, as Step Functions gives them to a Task."""

import io
from datetime import UTC, datetime, timedelta, timezone

import botocore.session
import pytest
from botocore.response import StreamingBody

from statebag import InvalidState, LimitExceeded
from statebag.aws_sdk.call_results import as_json

SESSION = botocore.session.Session()


def given(service, operation, answer, room=10_000):
    shape = SESSION.get_service_model(service).operation_model(operation).output_shape
    return as_json(answer, shape, room, "a:call")


def body(data):
    return StreamingBody(io.BytesIO(data), len(data))


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2024, 2, 29, 12, 0, 5, tzinfo=UTC), "2024-02-29T12:00:05Z"),
        (datetime(2024, 2, 29, 12, 0, 5, 120_000, tzinfo=UTC), "2024-02-29T12:00:05.120Z"),
        (datetime(2024, 2, 29, 12, 0, 5, 120_001, tzinfo=UTC), "2024-02-29T12:00:05.120001Z"),
        (
            datetime(2024, 2, 29, 12, 0, 5, tzinfo=timezone(timedelta(hours=2))),
            "2024-02-29T10:00:05Z",
        ),
        (datetime(2024, 2, 29, 12, 0, 5), "2024-02-29T12:00:05Z"),  # noqa: DTZ001 - what is tried
    ],
)
def test_times_are_text_in_utc(time, text):
    assert given("s3", "GetObject", {"LastModified": time}) == {"LastModified": text}


def test_names_of_members_change_and_keys_of_maps_do_not():
    assert given("rds", "DescribeDBInstances", {"DBInstances": [{"DBName": "x"}]}) == {
        "DbInstances": [{"DbName": "x"}]
    }
    assert given("s3", "GetObject", {"Metadata": {"aKey": "DBName"}}) == {
        "Metadata": {"aKey": "DBName"}
    }
    assert given("stepfunctions", "DescribeExecution", {"executionArn": "a"}) == {
        "ExecutionArn": "a"
    }


def test_an_object_as_it_was_recorded():
    """Of a real execution: `aws-sdk:s3:getObject`."""
    answer = {
        "AcceptRanges": "bytes",
        "ContentLength": 11,
        "ContentType": "binary/octet-stream",
        "ETag": '"e1a49b59e0c42e4fd3735ad644f25d57"',
        "Metadata": {},
        "ServerSideEncryption": "AES256",
        "Body": body(b"binary data"),
    }
    assert given("s3", "GetObject", answer) == RECORDED


RECORDED = {
    "AcceptRanges": "bytes",
    "ContentLength": 11,
    "ContentType": "binary/octet-stream",
    "ETag": '"e1a49b59e0c42e4fd3735ad644f25d57"',
    "Metadata": {},
    "ServerSideEncryption": "AES256",
    "Body": "binary data",
}


def test_bytes_are_their_text():
    assert given("kms", "Encrypt", {"CiphertextBlob": "ä".encode()}) == {"CiphertextBlob": "ä"}
    assert given("s3", "GetObject", {"Body": body("ä".encode())}) == {"Body": "ä"}
    assert given("s3", "GetObject", {"Body": body(b"")}) == {"Body": ""}


@pytest.mark.parametrize("data", [b"\xff\xfe", b"CANARY \xc3", b"\x89PNG\r\n"])
def test_bytes_that_are_not_text_are_refused_and_not_changed(data):
    with pytest.raises(InvalidState, match="not UTF-8 text") as caught:
        given("s3", "GetObject", {"Body": body(data)})
    assert caught.value.path == "$.Body"
    assert f"{len(data)} bytes" in caught.value.message
    assert "CANARY" not in str(caught.value)


def test_a_body_is_read_up_to_its_bound():
    class Endless:
        taken = 0

        def read(self, count):
            self.taken += count
            return b"x" * count

    endless = Endless()
    with pytest.raises(LimitExceeded, match="more than 5,000,000 bytes"):
        given("s3", "GetObject", {"Body": endless}, room=5_000_000)
    assert endless.taken <= 5_000_000 + 1024 * 1024
    assert len(given("s3", "GetObject", {"Body": body(b"x" * 10_000)})["Body"]) == 10_000


def test_what_the_model_does_not_have_stays():
    assert given("s3", "GetObject", {"BrandNew": {"aKey": [1, None, True]}}) == {
        "BrandNew": {"aKey": [1, None, True]}
    }
