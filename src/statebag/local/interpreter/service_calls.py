"""Call actions of AWS services: one boto3 call for each attempt of a Task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from statebag.errors import ConfigurationError
from statebag.local.interpreter.sdk_shapes import (
    boto_names,
    error_of,
    java_name,
    parameters_for,
    result_of,
)
from statebag.local.interpreter.state_failure import StateFailure
from statebag.local.interpreter.task_mocks import mock_advice

if TYPE_CHECKING:
    from statebag.local.interpreter.aws_services import AwsServices
    from statebag.local.interpreter.json_value import JsonValue
    from statebag.local.interpreter.task_resource import TaskResource

__all__ = ["call_service", "check_service"]

_OPTIMISED = frozenset(
    {
        "athena", "batch", "codebuild", "databrew", "dynamodb", "ecs", "elasticmapreduce",
        "emr-containers", "emr-serverless", "events", "glue", "mediaconvert", "sagemaker",
        "sns", "sqs",
    }
)  # fmt: skip


def check_service(resource: TaskResource, services: AwsServices, path: str, state: str) -> None:
    """Refuse an action that the services here cannot emulate.

    Args:
        resource: The Resource of a Task.
        services: The services that would be called.
        path: Its place in the definition.
        state: The Task's name.

    Raises:
        ConfigurationError: There is no such service or action, or it is not emulated here.
    """
    if not resource.type.startswith("aws-sdk:") and resource.type not in _OPTIMISED:
        raise ConfigurationError(
            f"the state {state!r} calls {resource.arn}, which does not run here",
            path=path,
            hint=mock_advice(state),
        )
    if resource.pattern.startswith("sync"):
        raise ConfigurationError(
            f"the state {state!r} calls {resource.arn}, which waits for a job, but no jobs run "
            "here",
            path=path,
            hint=mock_advice(state),
        )
    elsewhere = mock_advice(
        state, otherwise="endpoint='http://...' names a server that has the service."
    )
    _method(resource, services, path, elsewhere)
    if services.endpoint is None:
        services.check_played(boto_names(resource.type)[0], resource.arn, path, elsewhere)


def call_service(
    resource: TaskResource, given: JsonValue, services: AwsServices, state: str
) -> Any:
    """Call an action for a state, and return its answer as the JSON of a workflow.

    Raises:
        StateFailure: The service answers with an error.
    """
    from botocore import xform_name  # noqa: PLC0415 - slow, and an extra
    from botocore.exceptions import (  # noqa: PLC0415 - slow, and an extra
        BotoCoreError,
        ClientError,
        ParamValidationError,
    )

    client, operation = _method(resource, services, "$", "")
    model = client.meta.service_model
    shape = model.operation_model(operation)
    parameters = parameters_for(shape.input_shape, given.value)
    parameters = {name: one for name, one in (parameters or {}).items() if one is not None}
    try:
        answer = getattr(client, xform_name(operation))(**parameters)
    except ClientError as error:
        raise StateFailure(*error_of(resource.type, model, dict(error.response))) from error
    except ParamValidationError as error:
        response = {"Error": {"Code": "ValidationException", "Message": str(error)}}
        raise StateFailure(*error_of(resource.type, model, response)) from error
    except BotoCoreError as error:
        name = java_name(str(model.service_id))
        raise StateFailure(f"{name}.SdkClientException", str(error)) from error
    except NotImplementedError as error:
        raise ConfigurationError(
            f"{resource.arn} is not emulated in this process", hint=mock_advice(state)
        ) from error
    result = result_of(answer, shape.output_shape)
    if resource.type.startswith("aws-sdk:"):
        return result
    return {**result, **_metadata(answer.get("ResponseMetadata", {}))}


def _method(resource: TaskResource, services: AwsServices, path: str, hint: str) -> tuple[Any, str]:
    """Return the client and the name of the operation."""
    client = None
    for name in boto_names(resource.type):
        client = services.client_if_known(name)
        if client is not None:
            break
    if client is None:
        raise ConfigurationError(
            f"boto3 does not know the service {resource.type.removeprefix('aws-sdk:')!r}",
            path=path,
            hint=hint,
        )
    wanted = resource.action.lower()
    for operation in client.meta.service_model.operation_names:
        if operation.lower() == wanted:
            return client, operation
    raise ConfigurationError(
        f"the service {resource.type.removeprefix('aws-sdk:')} has no action {resource.action}",
        path=path,
    )


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the facts about the HTTP response that optimised integrations add."""
    headers = {str(name): str(one) for name, one in metadata.get("HTTPHeaders", {}).items()}
    request = metadata.get("RequestId") or str(uuid4())
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [one] for name, one in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": metadata.get("HTTPStatusCode", 200),
        },
        "SdkResponseMetadata": {"RequestId": request},
    }
