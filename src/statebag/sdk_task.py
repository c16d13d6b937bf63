"""A Lambda function that calls an AWS API and returns the answer as a bag.

A Task that calls a service directly (`arn:aws:states:::aws-sdk:s3:listObjectsV2`) has no function
that could seal its result, and fails if that has more than 262,144 bytes. This function makes the
same call: with the same parameters, the same result, and the same names of errors.

Environment: STATEBAG_STORE, and STATEBAG_SDK_CALLS, which names the calls that it may make. It
    needs a step's permissions on the bucket, and those for the calls.
"""

from __future__ import annotations

from typing import Any

from statebag.aws_sdk.api_call import call_api
from statebag.aws_sdk.sdk_settings import sdk_settings
from statebag.default_client import from_environment, step
from statebag.environment import replica_addresses, store_address
from statebag.errors import InvalidState
from statebag.format.json_type import json_type
from statebag.step import remaining_seconds_of

__all__ = ["lambda_handler"]

_KNOWN = ("execution_id", "call", "parameters", "pages", "state_name")


@step
def lambda_handler(event: Any, context: Any = None) -> dict[str, Any]:
    """Call the API action that the event names, and return its answer as a bag.

    Args:
        event: `execution_id`, as `step` takes it; `call`, such as `s3:listObjectsV2`; `parameters`,
            which may hold bags; `pages` (see `call_api`); `state_name`, for telemetry.
        context: Lambda's; its remaining time bounds the call.

    Raises:
        StatebagError: As for `call_api`, and for open and seal.
    """
    if not isinstance(event, dict):
        raise InvalidState(
            f"the event must be an object, not {json_type(event)}",
            path="$",
            hint=f"Its fields are {', '.join(_KNOWN)}.",
        )
    unknown = [name for name in event if name not in _KNOWN]
    if unknown:
        raise InvalidState(
            f"the event has {len(unknown)} unknown fields",
            path="$",
            hint=(
                f"The known fields are {', '.join(_KNOWN)}; arguments of the API go into "
                "parameters."
            ),
        )
    return call_api(
        event,
        sdk_settings().sdk_calls,
        from_environment().policy,
        remaining_seconds_of(context),
        (store_address(), *replica_addresses()),
    )
