from __future__ import annotations

import json
import sys
from decimal import Decimal

import pytest

from statebag.errors import StoreUnavailable
from statebag.local.lambda_invocation import invoke


def answered(result):
    return invoke(lambda _event, _context: result, {}, name="f", region="eu-west-1")


def failed(handler):
    answer = invoke(handler, {}, name="f", region="us-east-1")
    assert answer.failed
    return json.loads(answer.text)


def test_the_answer_is_json_text():
    assert answered({"é": [1, None, (2,), Decimal("1.5")]}).text == '{"é": [1, null, [2], 1.5]}'


@pytest.mark.parametrize("result", [{1, 2}, float("nan"), "\ud800", object()])
def test_what_json_cannot_hold_is_a_marshal_error(result):
    answer = answered(result)
    assert answer.failed
    assert json.loads(answer.text)["errorType"] == "Runtime.MarshalError"


def test_an_answer_over_six_megabytes_is_an_error():
    assert json.loads(answered("x" * 6_300_000).text)["errorType"] == (
        "Function.ResponseSizeTooLarge"
    )


def test_an_exception_is_told_as_the_runtime_tells_it():
    def handler(_event, _context):
        raise StoreUnavailable("away", hint="Wait")

    body = failed(handler)
    assert body["errorType"] == "StoreUnavailable"
    assert body["errorMessage"] == "away. Wait"
    assert len(body["stackTrace"]) == 1
    assert "in handler" in body["stackTrace"][0]
    assert body["requestId"]


def test_an_exit_is_an_error():
    assert failed(lambda _event, _context: sys.exit(3))["errorType"] == "Runtime.ExitError"


def test_the_context_has_what_the_runtime_gives():
    contexts = []
    invoke(
        lambda _event, context: contexts.append(context),
        {},
        name="f",
        region="eu-west-1",
        timeout_seconds=500,
    )
    (context,) = contexts
    assert context.function_name == "f"
    assert context.invoked_function_arn == "arn:aws:lambda:eu-west-1:123456789012:function:f"
    assert 0 < context.get_remaining_time_in_millis() <= 500_000
    assert int(context.memory_limit_in_mb) > 0
    assert context.aws_request_id


@pytest.mark.parametrize("levels", [501, 600, 5_000])
def test_an_answer_that_nests_too_deeply_is_an_error(levels):
    deep = json.loads("[" * 500 + "]" * 500)
    assert answered(deep).text == json.dumps(deep)
    for _ in range(levels - 500):
        deep = [deep]
    body = failed(lambda _event, _context: deep)
    assert body["errorType"] == "Runtime.MarshalError"
