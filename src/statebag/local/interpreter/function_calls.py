"""Call Python functions as Lambda functions: by their ARN, and by `lambda:invoke`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.asl.arns import function_arn, function_name
from statebag.format.json_depth import loads
from statebag.local.interpreter.json_value import JsonValue, json_text
from statebag.local.interpreter.limited_call import TooLongError
from statebag.local.interpreter.state_failure import StateFailure
from statebag.local.lambda_invocation import invoke

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from statebag.local.execution import Handler
    from statebag.local.interpreter.task_state import TaskCall
    from statebag.local.lambda_invocation import Answer

__all__ = ["answer_function", "answer_invoke", "found_handler", "is_invoke"]


def is_invoke(service: str, action: str) -> bool:
    """Return whether an action of a service calls a Lambda function."""
    return action == "invoke" and service in {"lambda", "aws-sdk:lambda"}


def found_handler(reference: str, functions: Mapping[str, Handler]) -> Handler | None:
    """Return the function that a name or an ARN means; None if it was not given.

    A function may be registered under the same text, its bare name, or its ARN.
    """
    if reference in functions:
        return functions[reference]
    name = function_name(reference)
    if name is None:
        return None
    if name in functions:
        return functions[name]
    for given, handler in functions.items():
        if given.startswith("arn:") and function_name(given) == name:
            return handler
    return None


def answer_function(call: TaskCall) -> Generator[None, Any, Any]:
    """Call the function whose ARN is the Resource, and return its result."""
    arn = call.resource.arn
    reference = call.resource.action if call.resource.kind == "activity" else arn
    text = yield from _called(call, reference, call.given, "")
    return _arrived(call, loads(text))


def answer_invoke(call: TaskCall) -> Generator[None, Any, Any]:
    """Call the function that `lambda:invoke` names, and return the answer of the service."""
    given = call.given.value
    reference = given.get("FunctionName") if isinstance(given, dict) else None
    payload = JsonValue(given["Payload"] if isinstance(given, dict) and "Payload" in given else {})
    if isinstance(payload.value, str) and call.resource.type.startswith("aws-sdk:"):
        payload = JsonValue(loads(payload.value), payload.value)
    text = yield from _called(call, str(reference), payload, "Lambda.")
    if given.get("InvocationType") == "Event":
        return _envelope("", 0, 202)
    return _envelope(_arrived(call, loads(text)), len(text.encode()), 200)


def _arrived(call: TaskCall, result: Any) -> Any:
    call.visit.lane.execution.world.bags.arrived(result)
    return result


def _called(
    call: TaskCall, reference: str, event: JsonValue, prefix: str
) -> Generator[None, Any, str]:
    """Return the JSON text that a function returns.

    Raises:
        StateFailure: It raised an error, does not exist, or took too long.
    """
    world = call.visit.lane.execution.world
    handler = found_handler(reference, world.functions)
    name = function_name(reference)
    if handler is None or name is None:
        arn = function_arn(name or reference, world.region)
        raise StateFailure(
            f"{prefix or 'Lambda.'}ResourceNotFoundException",
            f"Function not found: {arn} (Service: AWSLambda; Status Code: 404; Error Code: "
            f"ResourceNotFoundException; Request ID: {uuid4()}; Proxy: null)",
        )
    # A function that takes a token only begins the task: the one who answers the token sends
    # heartbeats.
    patience = call.timeout if call.resource.pattern else call.patience

    def called() -> Answer:
        given = event.copied()
        return world.stubs.watched(
            name,
            event.value,
            call.visit,
            lambda: invoke(
                handler, given, name=name, region=world.region, timeout_seconds=patience
            ),
        )

    try:
        answer = world.caller.call(called, patience, world.scheduler.left())
    except TooLongError:
        world.scheduler.look_at_deadline()
        yield from call.visit.lane.execution.pause(patience or 0)
        raise call.timed_out() from None
    if answer.failed:
        body = loads(answer.text)
        raise StateFailure(body["errorType"], json_text(body))
    text: str = answer.text
    return text


def _envelope(payload: Any, length: int, status: int) -> dict[str, Any]:
    """Return the result of `lambda:invoke`: the payload among facts about the HTTP response."""
    request = str(uuid4())
    headers = {
        "Connection": "keep-alive",
        "Content-Length": str(length),
        "Content-Type": "application/json",
        "Date": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "X-Amz-Executed-Version": "$LATEST",
        "X-Amzn-Trace-Id": f"root=1-{uuid4().hex[:8]}-{uuid4().hex[:24]};sampled=0",
        "x-amzn-Remapped-Content-Length": "0",
        "x-amzn-RequestId": request,
    }
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": payload,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": status,
        },
        "SdkResponseMetadata": {"RequestId": request},
        "StatusCode": status,
    }
