"""The response of `lambda:invoke` around a result."""

import json

import pytest

from statebag.manager.merge.lambda_response import is_response, payload_of

RESULT = {"status": "FAILED", "n": 1}
META = {"ExecutedVersion": "$LATEST", "StatusCode": 200, "SdkHttpMetadata": {}}


@pytest.mark.parametrize(
    "response",
    [
        {**META, "Payload": RESULT},
        {"Payload": RESULT},  # what a ResultSelector left
        {**META, "SdkResponseMetadata": {"RequestId": "r"}, "Payload": RESULT},
        {**META, "Payload": json.dumps(RESULT)},  # through aws-sdk:lambda:invoke
        {**META, "Payload": {**META, "Payload": {"Payload": RESULT}}},
    ],
)
def test_the_result_is_what_is_in_the_payload(response):
    assert payload_of(response) == RESULT


@pytest.mark.parametrize(
    "value",
    [
        RESULT,
        {"Payload": RESULT, "mine": 1},
        {"Payload": "text"},
        {"Payload": 5},
        {"StatusCode": 200},
        [META],
        "Payload",
        None,
    ],
)
def test_what_only_looks_like_one_is_the_result_itself(value):
    assert not is_response(value)
    assert payload_of(value) is value


@pytest.mark.parametrize(
    "text", ["", "well", "{well", "[1", '{"a": NaN}', "5", "\ud800", "{\ud800"]
)
def test_text_that_is_not_json_stays_text(text):
    assert payload_of({**META, "Payload": text}) == text


def test_an_empty_payload_is_no_result():
    assert payload_of({**META, "Payload": None}) is None


@pytest.mark.parametrize("payload", [{"errorType": "E", "errorMessage": "m"}, "text", None])
def test_an_error_of_the_function_is_what_a_catch_gives(payload):
    caught = payload_of({**META, "FunctionError": "Unhandled", "Payload": payload})
    name = "E" if isinstance(payload, dict) else "Unhandled"
    assert caught == {"Error": name, "Cause": payload}


def test_responses_within_responses_end():
    value = RESULT
    for _ in range(200):
        value = {"Payload": value}
    assert is_response(payload_of(value))
