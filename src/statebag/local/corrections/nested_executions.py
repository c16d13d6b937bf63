"""`states:startExecution`, alone and with `.sync` and `.sync:2`.

AWS starts the other execution, and waits for its end where asked to; the result of `.sync:2` has
the input and the output as JSON, that of `.sync` as text. The interpreter calls boto3 with
parameter names in the wrong case, and fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError
from moto.core.exceptions import AWSError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (  # noqa: E501 - a name of the interpreter
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from statebag.asl.arns import ACCOUNT
from statebag.asl.payload import payload_text
from statebag.local.corrections.failures import failed_with
from statebag.local.corrections.patch import Patch

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.local.moto_run import Run

__all__ = ["patches"]


def patches(run: Run) -> list[Patch]:
    """The patches of this correction."""

    def _eval_service_task(
        self: Any,  # noqa: ARG001 - a method
        env: Any,
        resource_runtime_part: Any,  # noqa: ARG001 - the interpreter passes it by name
        normalised_parameters: dict[str, Any],
        state_credentials: Any,  # noqa: ARG001 - the interpreter passes it by name
    ) -> None:
        given = normalised_parameters
        backend = stepfunctions_parser_backends[ACCOUNT][run.region]
        try:
            execution = backend.start_execution(
                given["StateMachineArn"], given.get("Name") or str(uuid4()), given["Input"]
            )
        except AWSError as error:
            raise ClientError(
                {
                    "Error": {"Code": error.error_type, "Message": str(error.message)},
                    "ResponseMetadata": {
                        "HTTPStatusCode": 400,
                        "RequestId": str(uuid4()),
                        "HostId": "",
                        "HTTPHeaders": {},
                        "RetryAttempts": 0,
                    },
                },
                "StartExecution",
            ) from error
        env.stack.append(
            {"ExecutionArn": execution.exec_arn, "StartDate": _epoch_ms(execution.start_date)}
        )

    def resolver(*, parsed: bool) -> Callable[..., Callable[[], Any]]:
        def build(self: Any, env: Any, **_: Any) -> Callable[[], Any]:  # noqa: ARG001 - a method
            arn = env.stack.pop()["ExecutionArn"]
            backend = stepfunctions_parser_backends[ACCOUNT][run.region]

            def resolve() -> Any:
                execution: Any = backend.describe_execution(arn)
                if not run.ended(arn).wait(0):
                    return None
                described = _description(execution, parsed=parsed)
                if execution.status == "SUCCEEDED":
                    return described
                raise failed_with(env, "States.TaskFailed", payload_text(described))

            return resolve

        return build

    return [
        Patch(StateTaskServiceSfn, "_eval_service_task", _eval_service_task),
        Patch(StateTaskServiceSfn, "_build_sync_resolver", resolver(parsed=False)),
        Patch(StateTaskServiceSfn, "_build_sync2_resolver", resolver(parsed=True)),
    ]


def _description(execution: Any, *, parsed: bool) -> dict[str, Any]:
    form = (lambda value: value) if parsed else payload_text
    described = {
        "ExecutionArn": execution.exec_arn,
        "Input": form(execution.input_data),
        "InputDetails": {"Included": True},
        "Name": execution.name,
        "RedriveCount": 0,
        "StartDate": _epoch_ms(execution.start_date),
        "StateMachineArn": execution.state_machine.arn,
        "Status": execution.status,
        "StopDate": _epoch_ms(execution.stop_date),
    }
    if execution.status == "SUCCEEDED":
        described |= {"Output": form(execution.output), "OutputDetails": {"Included": True}}
    else:
        described |= {"Error": execution.error, "Cause": execution.cause}
    return {key: described[key] for key in sorted(described) if described[key] is not None}


def _epoch_ms(moment: Any) -> int:
    return int(moment.timestamp() * 1000)
