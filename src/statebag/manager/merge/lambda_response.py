"""Take a result out of the response of `lambda:invoke`, if a state has no ResultSelector.

`{"ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"}` by the
optimized integration. Through `aws-sdk:lambda:invoke` the Payload is JSON text, and an error of
the function does not fail the state: the response has `FunctionError`.
(AWS Step Functions Developer Guide, "Invoke an AWS Lambda function with Step Functions".)
"""

from __future__ import annotations

from typing import Any

from statebag.errors import BlobCorrupt
from statebag.format import json_text

__all__ = ["is_response", "payload_of"]

_PAYLOAD = "Payload"
_KEYS = frozenset(
    {
        _PAYLOAD,
        "ExecutedVersion",
        "FunctionError",
        "LogResult",
        "SdkHttpMetadata",
        "SdkResponseMetadata",
        "StatusCode",
    }
)
# Responses within responses. Chosen: a workflow makes one, or two through a child execution.
_MOST = 8


def is_response(value: Any) -> bool:
    """Return whether a value is such a response, or a part of one that a ResultSelector made."""
    return (
        isinstance(value, dict)
        and _PAYLOAD in value
        and value.keys() <= _KEYS
        and (len(value) > 1 or isinstance(value[_PAYLOAD], dict | list))
    )


def payload_of(value: Any) -> Any:
    """Return the result in a response, or `value` itself if it is not a response.

    An error of the function is returned as `{"Error", "Cause"}`, like that of a Catch.
    """
    for _ in range(_MOST):
        if not is_response(value):
            break
        payload = _parsed(value)
        if value.get("FunctionError"):
            return _error(value["FunctionError"], payload)
        value = payload
    return value


def _parsed(response: dict[str, Any]) -> Any:
    payload = response[_PAYLOAD]
    if not isinstance(payload, str) or not payload.lstrip().startswith(("{", "[")):
        return payload
    try:
        return json_text.decode(payload.encode("utf-8", "surrogatepass"))
    except BlobCorrupt:
        return payload  # a text that only begins like JSON


def _error(kind: Any, payload: Any) -> dict[str, Any]:
    name = payload.get("errorType") if isinstance(payload, dict) else None
    if not isinstance(name, str) or not name:
        name = kind if isinstance(kind, str) else "Unhandled"
    return {"Error": name, "Cause": payload}
