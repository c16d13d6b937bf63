"""Check that AWS has the integration that the Resource of a Task names.

The table of optimized integrations is that of the Developer Guide ("Integrating optimized
services"). botocore's models, if it is installed, say whether the AWS SDK has an action; a service
that botocore does not know is not checked.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["integration_of", "resource_problems"]

_SYNC, _TOKEN = "sync", "waitForTaskToken"
_BOTH = frozenset({_SYNC, _TOKEN})
_NONE: frozenset[str] = frozenset()
_JOB = frozenset({_SYNC})
_CALLBACK = frozenset({_TOKEN})
# Actions of each optimized integration, with the ways to wait that it has.
_OPTIMIZED: dict[str, dict[str, frozenset[str]]] = {
    "apigateway": {"invoke": _CALLBACK},
    "athena": {
        "startQueryExecution": _JOB,
        "stopQueryExecution": _NONE,
        "getQueryExecution": _NONE,
        "getQueryResults": _NONE,
    },
    "batch": {"submitJob": _JOB},
    "bedrock": {"createModelCustomizationJob": _JOB, "invokeModel": _NONE},
    "codebuild": {
        "startBuild": _JOB,
        "stopBuild": _NONE,
        "batchDeleteBuilds": _NONE,
        "batchGetReports": _NONE,
        "startBuildBatch": _JOB,
        "stopBuildBatch": _NONE,
        "retryBuildBatch": _JOB,
        "deleteBuildBatch": _NONE,
    },
    "databrew": {"startJobRun": _JOB},
    "dynamodb": dict.fromkeys(("getItem", "putItem", "deleteItem", "updateItem"), _NONE),
    "ecs": {"runTask": _BOTH},
    "eks": {
        "createCluster": _JOB,
        "deleteCluster": _JOB,
        "createFargateProfile": _JOB,
        "deleteFargateProfile": _JOB,
        "createNodegroup": _JOB,
        "deleteNodegroup": _JOB,
        "runJob": _JOB,
        "call": _NONE,
    },
    "elasticmapreduce": {
        "createCluster": _JOB,
        "terminateCluster": _JOB,
        "addStep": _JOB,
        "cancelStep": _NONE,
        "setClusterTerminationProtection": _NONE,
        "modifyInstanceFleetByName": _NONE,
        "modifyInstanceGroupByName": _NONE,
    },
    "emr-containers": {
        "createVirtualCluster": _NONE,
        "deleteVirtualCluster": _JOB,
        "startJobRun": _JOB,
    },
    "emr-serverless": {
        "createApplication": _JOB,
        "startApplication": _JOB,
        "stopApplication": _JOB,
        "deleteApplication": _JOB,
        "startJobRun": _JOB,
        "cancelJobRun": _JOB,
    },
    "events": {"putEvents": _CALLBACK},
    "glue": {"startJobRun": _JOB},
    "http": {"invoke": _NONE},
    "lambda": {"invoke": _CALLBACK},
    "mediaconvert": {"createJob": _JOB},
    "sagemaker": {
        "createTrainingJob": _JOB,
        "createTransformJob": _JOB,
        "createEndpoint": _NONE,
        "createEndpointConfig": _NONE,
        "createHyperParameterTuningJob": _JOB,
        "createLabelingJob": _JOB,
        "createProcessingJob": _JOB,
        "createModel": _NONE,
        "updateEndpoint": _NONE,
    },
    "sns": {"publish": _CALLBACK},
    "sqs": {"sendMessage": _CALLBACK},
    "states": {"startExecution": _BOTH},
}
# The required parameters of an optimized integration (its page of the Developer Guide).
_REQUIRED: dict[str, tuple[str, ...]] = {
    "lambda:invoke": ("FunctionName",),
    "sqs:sendMessage": ("QueueUrl", "MessageBody"),
    "sns:publish": ("Message",),
    "dynamodb:getItem": ("TableName", "Key"),
    "dynamodb:putItem": ("TableName", "Item"),
    "dynamodb:deleteItem": ("TableName", "Key"),
    "dynamodb:updateItem": ("TableName", "Key"),
    "states:startExecution": ("StateMachineArn",),
    "events:putEvents": ("Entries",),
    "batch:submitJob": ("JobDefinition", "JobName", "JobQueue"),
    "ecs:runTask": ("TaskDefinition",),
    "glue:startJobRun": ("JobName",),
    "codebuild:startBuild": ("ProjectName",),
    "athena:getQueryResults": ("QueryExecutionId",),
}
_INTEGRATION = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:(?P<name>.+)", re.DOTALL)
_FORM = re.compile(
    r"(?P<sdk>aws-sdk:)?(?P<service>[A-Za-z0-9-]+):(?P<action>[A-Za-z0-9]+)"
    r"(?:\.(?P<wait>sync|waitForTaskToken))?(?P<version>:[0-9]+)?"
)
_OTHER_ARNS = re.compile(
    r"arn:[^:]*:(lambda:[^:]*:[^:]*:function:.+|states:[^:]*:[^:]*:activity:.+|"
    r"sagemaker:.+)",
    re.DOTALL,
)
# botocore's names of some services that the SDK for Java names differently.
_OTHER_NAMES = {"sfn": "stepfunctions", "eventbridge": "events", "cloudwatchlogs": "logs"}


def integration_of(resource: str) -> str | None:
    """Return the part of a Resource after `arn:aws:states:::`; None if it begins in another way."""
    match = _INTEGRATION.fullmatch(resource)
    if match is None or match["name"].startswith("activity:"):
        return None
    return match["name"]


def resource_problems(resource: str, parameters: Any, *, express: bool) -> Iterator[str]:
    """Yield what AWS refuses about a Task's Resource and its parameters.

    Args:
        resource: The Resource, without placeholders.
        parameters: Its Parameters or Arguments.
        express: Whether the machine is an Express one, which cannot wait for a job or a token.
    """
    name = integration_of(resource)
    if name is None:
        if resource.startswith("arn:") and not _OTHER_ARNS.fullmatch(resource):
            yield "Resource is not the ARN of a function, an activity or an integration"
        elif express and ":activity:" in resource:
            yield "an Express machine has no activities"
        return
    form = _FORM.fullmatch(name)
    if form is None:
        yield "Resource does not name an integration as service:action"
        return
    service, action, wait = form["service"], form["action"], form["wait"]
    if express and wait:
        yield f"an Express machine has no .{wait}"
        return
    if form["sdk"]:
        yield from _sdk_problems(service, action, wait)
        return
    actions = _OPTIMIZED.get(service)
    if actions is None:
        yield f"there is no optimized integration of {service}; as aws-sdk:{service} there may be"
        return
    if action not in actions:
        near = get_close_matches(action, actions, 1)
        hint = f"did you mean {near[0]}?" if near else f"as aws-sdk:{service}:{action} it may be"
        yield f"the integration {service} does not have the action {action}: {hint}"
        return
    if wait and wait not in actions[action]:
        yield f"{service}:{action} has no .{wait}"
    if form["version"] and (form["version"] != ":2" or service != "states" or wait != _SYNC):
        yield f"only states:startExecution.sync has a version, which is :2, not {form['version']}"
    yield from _missing(f"{service}:{action}", parameters)


def _missing(call: str, parameters: Any) -> Iterator[str]:
    if parameters is not None and not isinstance(parameters, dict):
        return
    given: Mapping[str, Any] = parameters or {}
    names = {name.removesuffix(".$") for name in given}
    for name in _REQUIRED.get(call, ()):
        if name not in names:
            yield f"{call} must be given {name}"


def _sdk_problems(service: str, action: str, wait: str | None) -> Iterator[str]:
    if wait == _SYNC:
        yield "integrations of aws-sdk have no .sync"
    known = _actions(service)
    if known is None or action in known:
        return
    near = get_close_matches(action, known, 1)
    yield f"the service {service} does not have the action {action}" + (
        f": did you mean {near[0]}?" if near else ""
    )


@lru_cache(maxsize=256)
def _actions(service: str) -> frozenset[str] | None:
    """Return the actions of a service in the SDK's spelling; None if they are not known here."""
    if importlib.util.find_spec("botocore") is None:
        return None
    session = _session()
    services = session.get_available_services()
    names = [one for one in services if one.replace("-", "") == service]
    name = _OTHER_NAMES.get(service) or (names[0] if names else None)
    if name is None or name not in services:
        return None
    operations = session.get_service_model(name).operation_names
    return frozenset(one[0].lower() + one[1:] for one in operations)


@lru_cache(maxsize=1)
def _session() -> Any:
    return importlib.import_module("botocore.session").get_session()
