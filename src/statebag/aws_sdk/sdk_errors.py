"""Raise the errors of AWS under the names that Step Functions gives them.

A Lambda function's error has the name of its exception's class, so each name is a class.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from statebag.aws_sdk.java_names import exception_name
from statebag.errors import StatebagError
from statebag.store.store_refusal import THROTTLING

if TYPE_CHECKING:
    from statebag.aws_sdk.operations import Operation

__all__ = ["SdkError", "from_client", "from_service", "named_error"]

_CODE = re.compile(r"[A-Za-z0-9._-]{1,100}")
_STATUSES = range(100, 600)
# As botocore itself retries them (its standard mode).
_PASSING = frozenset({"RequestTimeout", "RequestTimeoutException", *THROTTLING})


class SdkError(StatebagError):
    """AWS refused a call, or did not answer it. The class of each error has the error's name."""

    code = "sdk_error"

    def __reduce__(self) -> tuple[Any, ...]:
        return (named_error, (type(self).__name__, self.message, self.retryable, self.hint))


def named_error(
    name: str,
    message: str,
    retryable: bool,
    hint: str | None = None,
) -> SdkError:
    """Return an error whose class has this name, such as `S3.NoSuchBucketException`."""
    kind = type(name, (SdkError,), {"retryable": retryable, "__doc__": SdkError.__doc__})
    error: SdkError = kind(message, hint=hint)
    return error


def from_service(error: Any, operation: Operation) -> SdkError:
    """Return the typed error for an error that a service returned.

    The service's own text is left out: it may quote a parameter, and so a value of a state.

    Args:
        error: botocore's `ClientError`.
        operation: The call that the service refused.
    """
    answer = error.response if isinstance(error.response, dict) else {}
    told = answer.get("Error") or {}
    metadata = answer.get("ResponseMetadata") or {}
    codes = [str(told[name]) for name in ("Code", "QueryErrorCode") if told.get(name)]
    status = metadata.get("HTTPStatusCode")
    said = [codes[0] if codes and _CODE.fullmatch(codes[0]) else "an error without a code"]
    if isinstance(status, int) and status in _STATUSES:
        said.append(f"status {status}")
    request = str(metadata.get("RequestId") or "")
    if _CODE.fullmatch(request):
        said.append(f"request {request}")
    shape = operation.error_shape(codes)
    passing = not _PASSING.isdisjoint(codes) or (isinstance(status, int) and status >= 500)
    return named_error(
        exception_name(operation.service_id, shape),
        f"{operation} failed: {', '.join(said)}",
        passing,
        "The service's own text is left out, as it may quote the parameters.",
    )


def from_client(error: Exception, operation: Operation) -> SdkError:
    """Return the error for a call without an answer: no credentials, no connection, no time."""
    service = exception_name(operation.service_id, None).partition(".")[0]
    kind = type(error).__name__
    lacking = kind in {
        "CredentialRetrievalError",
        "InvalidRegionError",
        "NoCredentialsError",
        "NoRegionError",
        "PartialCredentialsError",
    }
    return named_error(
        f"{service}.SdkClientException",
        f"{operation} was not answered: {kind}",
        not lacking,
        "Give the function a role, or set credentials and AWS_DEFAULT_REGION." if lacking else None,
    )
