"""Convert between a workflow's JSON and boto3's shapes: parameters, results, error names.

Step Functions calls services through the SDK for Java. Its names are in PascalCase for every
service, and its errors are named after its classes.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from statebag.local.interpreter.json_value import json_text

__all__ = ["boto_names", "error_of", "java_name", "parameters_for", "result_of"]

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
# Names of optimised integrations and of the SDK for Java that boto3 spells differently.
_BOTO = {
    "sfn": "stepfunctions",
    "states": "stepfunctions",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "elasticmapreduce": "emr",
    "cognitoidentityprovider": "cognito-idp",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "elasticloadbalancingv2": "elbv2",
    "elasticloadbalancing": "elb",
    "iotdataplane": "iot-data",
    "directory": "ds",
    "applicationautoscaling": "application-autoscaling",
    "resourcegroupstaggingapi": "resourcegroupstaggingapi",
    "mwaa": "mwaa",
}
# The prefixes of services in the error names of optimised integrations.
_OPTIMISED = {
    "dynamodb": ("DynamoDB", "AmazonDynamoDB", "AmazonDynamoDBv2"),
    "sqs": ("SQS", "AmazonSQS", "AmazonSQS"),
    "sns": ("SNS", "AmazonSNS", "AmazonSNS"),
    "lambda": ("Lambda", "AWSLambda", "AWSLambda"),
    "states": ("StepFunctions", "AWSStepFunctions", "AWSStepFunctions"),
    "events": ("EventBridge", "AmazonCloudWatchEvents", "AmazonCloudWatchEvents"),
}


def boto_names(service: str) -> list[str]:
    """Return the names under which boto3 may know a service, the likeliest first."""
    name = service.removeprefix("aws-sdk:")
    return [_BOTO[name]] if name in _BOTO else [name]


def java_name(service_id: str) -> str:
    """Return the name of a service as the SDK for Java spells it: `DynamoDb`, `Sfn`, `S3`."""
    return "".join(word.capitalize() for word in _WORD.findall(service_id))


def parameters_for(shape: Any, given: Any) -> Any:
    """Return the parameters of a call as boto3 takes them.

    Args:
        shape: Their shape in botocore.
        given: The value in the workflow. If the shape wants a text or bytes, another value becomes
            its JSON text.
    """
    kind = getattr(shape, "type_name", None)
    if kind == "structure" and isinstance(given, dict):
        members = {name.lower(): name for name in shape.members}
        made = {}
        for name, value in given.items():
            known = members.get(name.lower())
            inner = shape.members[known] if known is not None else None
            made[known or name] = parameters_for(inner, value)
        return made
    if kind == "list" and isinstance(given, list):
        return [parameters_for(shape.member, one) for one in given]
    if kind == "map" and isinstance(given, dict):
        return {name: parameters_for(shape.value, one) for name, one in given.items()}
    if kind == "string" and given is not None and not isinstance(given, str):
        return json_text(given)
    if kind == "blob" and given is not None:
        return (given if isinstance(given, str) else json_text(given)).encode()
    return given


def result_of(value: Any, shape: Any = None) -> Any:
    """Return an answer of boto3 as a workflow's JSON: names in PascalCase, texts, ISO dates."""
    if isinstance(value, dict):
        members = getattr(shape, "members", None)
        if members is None:
            inner = getattr(shape, "value", None)
            return {name: result_of(one, inner) for name, one in value.items()}
        return {
            name[0].upper() + name[1:]: result_of(one, members.get(name))
            for name, one in value.items()
            if name != "ResponseMetadata"
        }
    if isinstance(value, list):
        inner = getattr(shape, "member", None)
        return [result_of(one, inner) for one in value]
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes | bytearray):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return float(value) if isinstance(value, Decimal) else value


def error_of(service: str, model: Any, response: dict[str, Any]) -> tuple[str, str]:
    """Return the name and the cause of an error with which a service answered.

    Args:
        service: The service as the Resource has it.
        model: The service model of botocore.
        response: The parsed answer of a `ClientError`.
    """
    code = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message", ""))
    metadata = response.get("ResponseMetadata", {})
    status, request = metadata.get("HTTPStatusCode", 400), metadata.get("RequestId", "")
    shapes = {name: one.name for one in model.error_shapes for name in (one.error_code, one.name)}
    # Services that once had another protocol keep its error code, and send the newer one next to
    # it.
    newer = str(response.get("Error", {}).get("QueryErrorCode", ""))
    modelled = shapes.get(code) or shapes.get(newer) or shapes.get(code.rpartition(".")[2])
    if service.startswith("aws-sdk:"):
        name = java_name(str(model.service_id))
        kind = _exception(modelled) if modelled else f"{name}Exception"
        said = f"{message} (Service: {name}, Status Code: {status}, Request ID: {request})"
        return f"{name}.{kind}", said
    prefix, base, shown = _OPTIMISED.get(
        service, (java_name(str(model.service_id)), java_name(str(model.service_id)), service)
    )
    kind = _exception(modelled) if modelled else f"{base}Exception"
    return f"{prefix}.{kind}", (
        f"{message} (Service: {shown}; Status Code: {status}; Error Code: {code}; "
        f"Request ID: {request}; Proxy: null)"
    )


def _exception(name: str) -> str:
    return name if name.endswith("Exception") else f"{name}Exception"
