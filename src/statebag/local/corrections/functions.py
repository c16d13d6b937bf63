"""Lambda tasks are calls of Python functions.

AWS calls the Lambda service. The interpreter does too, through boto3, and would need Docker to
answer itself. Here the call is answered in the interpreter's own thread, with the result that
Step Functions builds around an invocation. (That result counts against the quota; the headers
are why many definitions have a ResultSelector.)
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import (
    StateTaskLambda,
)

from statebag.asl.arns import ACCOUNT, function_name
from statebag.format.json_depth import loads
from statebag.local.corrections.patch import Patch
from statebag.local.corrections.quota import BareInvocation
from statebag.local.corrections.visits import visit_of

if TYPE_CHECKING:
    from statebag.local.moto_run import Run

__all__ = ["patches"]


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""

    def execute_lambda_function_integration(
        env: Any,
        parameters: dict[str, Any],
        region: str,  # noqa: ARG001 - the interpreter passes it by name
        state_credentials: Any,  # noqa: ARG001 - the interpreter passes it by name
    ) -> None:
        reference = str(parameters.get("FunctionName"))
        name = function_name(reference)
        if name is None or name not in run.functions:
            raise _not_found(reference, run.region)
        visit = visit_of(env)
        state = visit.state if visit is not None else None
        timeout = getattr(state, "timeout", None)
        seconds = None
        if isinstance(timeout, TimeoutSeconds) and not timeout.is_default_value():
            seconds = float(timeout.timeout_seconds)
        event = loads(parameters.get("Payload") or "{}")
        answer = run.call(name, event, visit, seconds)
        if answer.failed:
            raise lambda_eval_utils.LambdaFunctionErrorException("Unhandled", answer.text)
        payload = loads(answer.text)
        if isinstance(state, StateTaskLambda):
            env.stack.append(BareInvocation(Payload=payload))
        else:
            env.stack.append(_envelope(payload, len(answer.text.encode())))

    return [
        Patch(
            lambda_eval_utils,
            "execute_lambda_function_integration",
            execute_lambda_function_integration,
        )
    ]


def _not_found(reference: str, region: str) -> ClientError:
    arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{function_name(reference) or reference}"
    return ClientError(
        {
            "Error": {"Code": "ResourceNotFoundException", "Message": f"Function not found: {arn}"},
            "ResponseMetadata": {
                "HTTPStatusCode": 404,
                "RequestId": str(uuid4()),
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "Invoke",
    )


def _envelope(payload: Any, length: int) -> dict[str, Any]:
    """What `lambda:invoke` results in: the payload among facts about the HTTP response."""
    request_id = str(uuid4())
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {
        "Connection": "keep-alive",
        "Content-Length": str(length),
        "Content-Type": "application/json",
        "Date": now,
        "X-Amz-Executed-Version": "$LATEST",
        "X-Amzn-Trace-Id": f"root=1-{uuid4().hex[:8]}-{uuid4().hex[:24]};sampled=0",
        "x-amzn-Remapped-Content-Length": "0",
        "x-amzn-RequestId": request_id,
    }
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": payload,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
        "StatusCode": 200,
    }
