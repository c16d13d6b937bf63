"""One call of an AWS API, with all its pages."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from statebag.aws_sdk.answer_pages import Pages, asks_for_one_page
from statebag.aws_sdk.call_parameters import fitted
from statebag.aws_sdk.call_results import as_json, too_large
from statebag.aws_sdk.operations import Operation, check_allowed, parsed_call, services_name
from statebag.aws_sdk.own_objects import check_own_objects
from statebag.aws_sdk.sdk_errors import from_client, from_service
from statebag.errors import ConfigurationError, InvalidState, LimitExceeded
from statebag.format import json_text
from statebag.format.json_type import json_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from statebag.policy import Policy

__all__ = ["call_api"]

# Of the time that is left: what was gathered must be stored as well. Chosen, not measured.
_FOR_SEALING = 0.25
_CONNECT_SECONDS = 5.0  # chosen: a service that is reached at all answers sooner
_READ_SECONDS = 60.0  # the default in botocore's reference, shortened by the time that is left
# Tries of a request where the policy leaves their number open: the default of botocore's standard
# mode, in its reference. botocore itself refuses 0.
_TRIES = 3

# botocore turns these answers into objects; Step Functions gives their text, as the API does.
_DECODED = {
    "cloudformation": ("after-call.cloudformation.GetTemplate", "json_decode_template_body"),
    "ec2": ("after-call.ec2.GetConsoleOutput", "decode_console_output"),
    "iam": ("after-call.iam", "json_decode_policies"),
}


def call_api(
    event: Mapping[str, Any],
    allowed: Sequence[str],
    policy: Policy,
    remaining_seconds: float = math.inf,
    own_addresses: Sequence[str] = (),
) -> dict[str, Any]:
    """Call the API action that an event names, and return its answer as a JSON object.

    Args:
        event: `call`, such as `s3:listObjectsV2`; `parameters`, an object, in PascalCase; `pages`:
            true for all pages, false for one; by default all pages, unless the parameters bound the
            answer.
        allowed: The calls that may be made: `service:action`, or `service:prefix*`.
        policy: `max_open_bytes` bounds the answer, `max_open_requests` the pages, `attempts` the
            tries of each request (3 if it is 0).
        remaining_seconds: The time that the process has left, sealing included.
        own_addresses: The addresses of the store and its replicas, whose objects a call to S3 may
            not name.

    Raises:
        SdkError: AWS refused or did not answer; the class has the name of the error in Step
            Functions, such as `S3.NoSuchBucketException`.
        InvalidState: The event has another form, names a service or action that does not exist,
            or has parameters that the action does not take; or the answer is not JSON.
        NotPermitted: The call is not allowed, or names an object of the store.
        LimitExceeded: The answer is too large, has too many pages, or takes too long.
        ConfigurationError: `allowed` has a wrong entry, boto3 is not installed, or it cannot use
            the AWS settings of this process.
    """
    ends = time.monotonic() + remaining_seconds * (1 - _FOR_SEALING)
    service, action = parsed_call(event.get("call"))
    parameters, pages = _given(event)
    botocore = _botocore()
    session, known = _session(botocore)
    check_allowed(service, action, allowed, known)
    name = services_name(service, known)
    if name is None:
        raise InvalidState(
            f"botocore {botocore.__version__} does not know the service {service}",
            path="$.call",
            hint="Write the service as in a definition, such as cloudwatchlogs; or update boto3.",
        )
    operation = Operation(service, action, session.get_service_model(name))
    shape = operation.model.input_shape
    try:
        given = fitted(parameters, shape) if shape is not None else _nothing(parameters)
        if operation.service_id == "S3":
            check_own_objects(given, own_addresses)
        config = _pages_of(session, name, operation.name)
        whole = _wants_all(pages, config, given)
        client = _client(botocore, session, name, policy, ends)
        answers = _answers(client, operation, given, whole=whole)
        gathered = Pages(config)
        room = policy.max_open_bytes
        late = False
        for count, answer in enumerate(answers, 1):
            _check_way(operation, count, policy, late=late)
            answer.pop("ResponseMetadata", None)
            page = as_json(answer, operation.model.output_shape, room, str(operation))
            room -= len(json_text.encode(page))
            if room < 0:
                raise too_large(str(operation), policy.max_open_bytes)
            gathered.add(page)
            late = time.monotonic() > ends  # matters only if one more page comes
        return gathered.together()
    except botocore.exceptions.ClientError as error:
        # Not chained: what the service says may quote a parameter.
        raise from_service(error, operation) from None
    except botocore.exceptions.ParamValidationError:
        raise InvalidState(
            f"{operation} does not take these parameters ({len(parameters)} are given)",
            path="$.parameters",
            hint="Compare them with the API's reference: a value is out of range.",
        ) from None
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.HTTPClientError) as error:
        raise from_client(error, operation) from None
    except RecursionError:
        raise InvalidState(
            f"the parameters or the answer of {operation} nest too deeply for botocore",
            path="$.parameters",
            hint="Pass the inner part as text.",
        ) from None


def _given(event: Mapping[str, Any]) -> tuple[dict[str, Any], bool | None]:
    """Return the parameters, and whether the call asks for all pages."""
    parameters = event.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidState(
            f"parameters must be an object, not {json_type(parameters)}",
            path="$.parameters",
            hint="Pass what the Task had in Parameters or Arguments.",
        )
    pages = event.get("pages")
    if pages is not None and not isinstance(pages, bool):
        raise InvalidState(
            f"pages must be true or false, not {json_type(pages)}",
            path="$.pages",
            hint="true gathers all pages, false asks for one.",
        )
    return parameters or {}, pages


def _nothing(parameters: Mapping[str, Any]) -> dict[str, Any]:
    if parameters:
        raise InvalidState(
            f"the API action takes no parameters; {len(parameters)} are given",
            path="$.parameters",
            hint="Leave parameters out.",
        )
    return {}


def _botocore() -> Any:
    try:
        import botocore
        import botocore.config
        import botocore.exceptions
        import botocore.handlers
        import botocore.session
    except ImportError:
        raise ConfigurationError(
            "calling an AWS API needs boto3, which is not installed",
            hint="pip install boto3 (a Lambda has it).",
        ) from None
    return botocore


def _session(botocore: Any) -> tuple[Any, list[str]]:
    """Return a session with this process's settings of AWS, and the services that it knows."""
    try:
        session = botocore.session.Session()
        session.register_component("data_loader", _loader())
        # Read here, since with the shared loader a wrong profile would be noticed by the client.
        session.get_scoped_config()
        return session, session.get_available_services()
    except botocore.exceptions.BotoCoreError as error:
        raise _unusable(error) from None


def _unusable(error: Exception) -> ConfigurationError:
    """Return the error for AWS settings of this process that botocore refuses."""
    return ConfigurationError(
        f"botocore cannot use the AWS settings of this process: {type(error).__name__}",
        hint="Check AWS_PROFILE, AWS_CONFIG_FILE, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL.",
    )


@cache
def _loader() -> Any:
    """Return the reader of service models, which is shared: to read a model takes half a second."""
    return _botocore().session.Session().get_component("data_loader")


def _pages_of(session: Any, service: str, operation: str) -> Mapping[str, Any]:
    """Return botocore's description of an action's pages; empty if it has only one."""
    try:
        model = session.get_component("data_loader").load_service_model(service, "paginators-1")
    except _botocore().exceptions.DataNotFoundError:
        return {}
    described: Mapping[str, Any] = model.get("pagination", {}).get(operation, {})
    return described


def _wants_all(pages: bool | None, config: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    if pages and not config:
        raise InvalidState(
            f"pages is {str(pages).lower()}, but the API action answers in one page",
            path="$.pages",
            hint="Leave pages out.",
        )
    if pages is None:
        return bool(config) and not asks_for_one_page(config, given)
    return pages


def _client(botocore: Any, session: Any, service: str, policy: Policy, ends: float) -> Any:
    left = max(ends - time.monotonic(), 1.0)
    config = botocore.config.Config(
        connect_timeout=min(_CONNECT_SECONDS, left),
        read_timeout=min(_READ_SECONDS, left),
        retries={"mode": "standard", "total_max_attempts": policy.attempts or _TRIES},
        max_pool_connections=1,
    )
    try:
        client = session.create_client(service, config=config)
    except ValueError as error:  # an endpoint that is no URL
        raise _unusable(error) from None
    place, name = _DECODED.get(service, ("", ""))
    decoder = getattr(botocore.handlers, name, None) if name else None
    if decoder is not None:
        client.meta.events.unregister(place, decoder)
    return client


def _answers(
    client: Any, operation: Operation, given: Mapping[str, Any], *, whole: bool
) -> Iterator[dict[str, Any]]:
    methods = client.meta.method_to_api_mapping
    method = next(name for name, action in methods.items() if action == operation.name)
    if whole:
        yield from client.get_paginator(method).paginate(**given)
    else:
        yield getattr(client, method)(**given) or {}


def _check_way(operation: Operation, count: int, policy: Policy, *, late: bool) -> None:
    """Refuse a further page if there are too many, or if the time left is needed to store them."""
    if count > policy.max_open_requests:
        raise LimitExceeded(
            f"{operation} answers in more than {count - 1:,} pages",
            hint="Narrow the call, or raise STATEBAG_MAX_OPEN_REQUESTS.",
        )
    if late:
        raise LimitExceeded(
            f"{operation} has not answered within the function's time: {count:,} pages arrived",
            hint="Narrow the call, or raise the function's Timeout.",
        )
