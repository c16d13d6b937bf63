"""Find the API action that a call names, and check whether it is allowed."""

from __future__ import annotations

import re
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, InvalidState, NotPermitted
from statebag.format.json_type import json_type

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["Operation", "check_allowed", "parsed_call", "services_name"]

_CALL = re.compile(
    r"(?:arn:aws[a-z-]*:states:[a-z0-9-]*:[0-9]*:)?(?:aws-sdk:)?([a-z0-9][a-z0-9-]{0,62}):"
    r"([a-zA-Z][a-zA-Z0-9]{0,127})"
)
_ALLOWED = re.compile(r"([a-z0-9][a-z0-9-]{0,62}):([a-zA-Z][a-zA-Z0-9]{0,127}\*?|\*)")

# Where botocore's name of a service is not its `serviceId` without spaces and capitals (a test
# compares all services of botocore with it).
_OTHER_NAMES = {
    "applicationdiscovery": "discovery",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "costandusagereport": "cur",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "directory": "ds",
    "directoryservicedata": "ds-data",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticsearch": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "iotjobsdataplane": "iot-jobs-data",
    "lexmodelbuilding": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "lexruntimev2": "lexv2-runtime",
    "marketplacemetering": "meteringmarketplace",
    "migrationhub": "mgh",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "stepfunctions",
    "simpledb": "sdb",
}


class Operation:
    """An API action of a service, with its model.

    Args:
        service: The service as the definition names it.
        action: The action as the definition names it, such as `listObjectsV2`.
        model: botocore's model of the service.

    Raises:
        InvalidState: The service does not have that action, or it answers with a stream of events.
    """

    def __init__(self, service: str, action: str, model: Any) -> None:
        name = action[0].upper() + action[1:]
        if action[0].isupper() or name not in model.operation_names:
            known = [one[0].lower() + one[1:] for one in model.operation_names]
            near = get_close_matches(action[0].lower() + action[1:], known, 3, 0.6)
            raise InvalidState(
                f"{service} does not have the API action that call names; it has {len(known)} "
                "actions",
                path="$.call",
                hint=f"Write it as in a definition: {', '.join(near) or known[0]}.",
            )
        self._service = service
        self._action = action
        self._service_model = model
        self.name = name
        self.model = model.operation_model(name)
        self.service_id = str(model.service_id)
        if self.model.has_event_stream_output or self.model.has_event_stream_input:
            raise InvalidState(
                f"{self} works with a stream of events, which is not a JSON value",
                path="$.call",
                hint="Call it in a function of your own.",
            )

    def __str__(self) -> str:
        return f"{self._service}:{self._action}"

    def error_shape(self, codes: Sequence[str]) -> str | None:
        """Return the name of an error in the service's model; None if it is not in it.

        Args:
            codes: The codes in the service's answer.
        """
        for code in codes:
            shape = self._service_model.shape_for_error_code(code)
            if shape is not None:
                return str(shape.name)
        # The answer to a HEAD request has no body, so botocore takes the status for the code.
        own = self.model.error_shapes
        if codes and codes[0] == "404" and len(own) == 1:
            return str(own[0].name)
        return None


def parsed_call(call: Any) -> tuple[str, str]:
    """Return the service and the action that a call names.

    Args:
        call: `s3:listObjectsV2`, also with the prefix that it has in a Resource.

    Raises:
        InvalidState: It is of another form.
    """
    if not isinstance(call, str):
        raise InvalidState(
            "the event has no call"
            if call is None
            else f"call must be a string, not {json_type(call)}",
            path="$.call",
            hint="Name the service and the API action: s3:listObjectsV2.",
        )
    if call.endswith((".sync", ".sync:2", ".waitForTaskToken")):
        raise InvalidState(
            "call must name an API action, not an integration that waits "
            f"({call.rpartition('.')[2]})",
            path="$.call",
            hint="Start the job in a Task of its own, and call the action that reads its result.",
        )
    match = _CALL.fullmatch(call)
    if match is None:
        raise InvalidState(
            f"call must be of the form service:action, not a string of {len(call)} characters",
            path="$.call",
            hint="Write s3:listObjectsV2, for example.",
        )
    return match[1], match[2]


def services_name(service: str, known: Collection[str]) -> str | None:
    """Return botocore's name of a service; None if it does not know the service.

    Args:
        service: As Step Functions names it: `cloudwatchlogs`.
        known: The names that botocore knows.
    """
    if service in known:
        return service
    other = _OTHER_NAMES.get(service)
    if other in known:
        return other
    return next((one for one in known if one.replace("-", "") == service), None)


def check_allowed(
    service: str, action: str, allowed: Sequence[str], known: Collection[str]
) -> None:
    """Refuse a call that the function's configuration does not name.

    Args:
        service: The service, as `parsed_call` returns it.
        action: The action, as `parsed_call` returns it.
        allowed: `service:action`, or `service:prefix*`.
        known: The names of services that botocore knows.

    Raises:
        ConfigurationError: An entry of `allowed` has another form.
        NotPermitted: No entry allows the call.
    """
    wanted = services_name(service, known) or service
    for number, entry in enumerate(allowed, 1):
        match = _ALLOWED.fullmatch(entry)
        if match is None:
            raise ConfigurationError(
                f"STATEBAG_SDK_CALLS: entry {number} must be service:action, not {entry[:80]!r}",
                hint="Write s3:listObjectsV2 or s3:list*, separated by commas.",
            )
        if (services_name(match[1], known) or match[1]) == wanted and fnmatchcase(action, match[2]):
            return
    if not allowed:
        raise NotPermitted(
            "the function may call no API action: STATEBAG_SDK_CALLS is not set",
            path="$.call",
            hint="Name the calls there, such as s3:listObjectsV2, and allow them in its role.",
        )
    raise NotPermitted(
        f"the call is not one of the {len(allowed)} that STATEBAG_SDK_CALLS names",
        path="$.call",
        hint=f"It names {', '.join(allowed)}.",
    )
