"""Call a Lambda handler in this process as the Lambda service and its Python runtime would."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.asl.arns import function_arn
from statebag.asl.quotas import CALL_BYTES, CALL_SECONDS
from statebag.format.json_depth import MAX_DEPTH, text_is_deeper

if TYPE_CHECKING:
    from statebag.local.execution import Handler

__all__ = ["Answer", "LambdaContext", "invoke"]


@dataclass
class LambdaContext:
    """The context object of a handler, with the attributes of Lambda's Python runtime."""

    function_name: str
    invoked_function_arn: str
    deadline: float = field(repr=False)  # on time.monotonic
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024
    log_group_name: str = ""
    log_stream_name: str = "local"
    identity: Any = None
    client_context: Any = None

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function would be stopped."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of an invocation: JSON text, and whether it describes an error."""

    text: str
    failed: bool


def invoke(
    handler: Handler, event: Any, *, name: str, region: str, timeout_seconds: float | None = None
) -> Answer:
    """Call `handler(event, context)`, and return its answer as Lambda would send it.

    Args:
        handler: The function.
        event: A value that the caller does not use afterwards.
        name: The function's name.
        region: The region in its ARN.
        timeout_seconds: The limit that `get_remaining_time_in_millis` counts down from;
            15 minutes if None. It is not enforced here: the task's own timeout is.
    """
    seconds = min(CALL_SECONDS, timeout_seconds or CALL_SECONDS)
    context = LambdaContext(
        function_name=name,
        invoked_function_arn=function_arn(name, region),
        deadline=time.monotonic() + seconds,
        log_group_name=f"/aws/lambda/{name}",
    )
    try:
        result = handler(event, context)
    except SystemExit as error:
        return _failure(context, "Runtime.ExitError", f"Runtime exited with status {error.code}")
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is its answer
        frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is the call above
        return _failure(context, type(error).__name__, str(error), traceback.format_list(frames))
    try:
        text = json.dumps(result, default=_plain, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        # ValueError: NaN, infinity, a circular reference, or a lone surrogate. The runtime lets NaN
        # pass, and the service then does not accept the answer as JSON.
        return _failure(context, "Runtime.MarshalError", f"Unable to marshal response: {error}")
    if text_is_deeper(text.encode()):
        message = f"arrays and objects nest deeper than {MAX_DEPTH} levels"
        return _failure(context, "Runtime.MarshalError", f"Unable to marshal response: {message}")
    if size > CALL_BYTES:
        return _failure(
            context,
            "Function.ResponseSizeTooLarge",
            f"The answer has {size} bytes, more than the maximum of {CALL_BYTES}.",
        )
    return Answer(text, failed=False)


def _plain(value: Any) -> Any:
    """Return what the runtime's encoder makes of a value that JSON does not have."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode()  # as recorded on AWS; what is not UTF-8 is not marshalled
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _failure(
    context: LambdaContext, kind: str, message: str, stack: list[str] | None = None
) -> Answer:
    body = {
        "errorMessage": message,
        "errorType": kind,
        "requestId": context.aws_request_id,
        "stackTrace": stack or [],
    }
    return Answer(json.dumps(body), failed=True)
