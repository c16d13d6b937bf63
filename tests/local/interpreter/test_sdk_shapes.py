from __future__ import annotations

from datetime import UTC, datetime

import pytest

from statebag.local.interpreter.sdk_shapes import java_name, result_of


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("S3", "S3"),
        ("DynamoDB", "DynamoDb"),
        ("SQS", "Sqs"),
        ("SFN", "Sfn"),
        ("Secrets Manager", "SecretsManager"),
        ("SSM", "Ssm"),
        ("CloudWatch Logs", "CloudWatchLogs"),
        ("EventBridge", "EventBridge"),
        ("EC2", "Ec2"),
    ],
)
def test_services_are_named_as_the_sdk_for_java_names_them(service, name):
    assert java_name(service) == name


def test_an_answer_is_json():
    answer = {
        "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "text": b"caf\xc3\xa9",
        "binary": b"\xff\x00",
    }
    assert result_of(answer) == {
        "at": "2026-01-02T03:04:05.000Z",
        "text": "café",
        "binary": "/wA=",
    }
