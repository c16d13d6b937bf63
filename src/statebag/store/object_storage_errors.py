"""What an object store's refusal means, in the library's own errors.

The client's exceptions carry the request's URL and the server's answer; both can hold parts
of a signature or a token. So only the status, the server's error code and the kind of
transport failure are taken over, and the client's exception is not chained.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes.
"""

from __future__ import annotations

import re

from obstore import exceptions as client

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)

__all__ = ["CREDENTIALS_HINT", "translated"]

_STATUS = re.compile(r"\bstatus(?: code)?:? (\d{3})\b")
_CODE = re.compile(r"<Code>(\w{1,60})</Code>|\(code: (\w{1,60})\)")
_TRANSPORT = re.compile(r"\bkind: (Connect|Timeout|Request|Interrupted|Decode)\b")
# What the client itself says where an answer's range shows that the object ends before it.
_TOO_SHORT = re.compile(r"\bWanted range starting at \d+, but object was only\b")
_METADATA_SERVICE = re.compile(r"169\.254\.169\.254|/latest/(?:api|meta-data)|metadata\.google")

_NO_BUCKET = frozenset({"NoSuchBucket", "ContainerNotFound", "InvalidBucketName"})
# The server answers these with 400, although they are about who asks.
_IDENTITY = frozenset(
    {"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "AccessDenied", "InvalidAccessKeyId"}
)
_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
# The server answers these with 400, although the same request may pass later.
_PASSING = frozenset(
    {"RequestTimeout", "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch", "Md5Mismatch"}
)
_PASSING_STATUS = frozenset({408, 409, 425, 429})

_TRANSPORT_WORDS = {
    "Connect": "no connection could be made",
    "Timeout": "no answer within the timeout",
    "Decode": "the answer could not be read",
}

_REFUSED_HINT = (
    "Check the credentials in use and what they may do. S3 also answers 403 for a missing object "
    "where s3:ListBucket is not granted"
)

CREDENTIALS_HINT = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give the machine or function a role, or "
    "install boto3 and log in for profiles and single sign-on"
)


def translated(error: Exception, url: str, name: str | None, action: str) -> StatebagError:
    """The library's error for one of the client's.

    Args:
        error: What the client raised.
        url: The store's root, for messages.
        name: The object, relative to the root; None where the request is about no object.
        action: What was asked for, as a verb: `read`, `write`, `list`, `delete`, `look up`.
    """
    # Behind this heading the client prints its internals; before it, the server's answer.
    text, _, internals = str(error).partition("\nDebug source:")
    status = _status(error, text)
    found = _CODE.search(text)
    code = next(filter(None, found.groups())) if found else ""
    if code.isdigit():  # Azure's answer to a delete tells the status in the code's place
        status, code = int(code), ""
    asked = f"{url} did not {action} the object" if name else f"{url} did not {action} its objects"
    told = ", ".join(filter(None, (f"status {status}" if status else "", code)))
    message = f"{asked} ({told})" if told else asked

    if isinstance(error, client.NotSupportedError | client.UnknownConfigurationKeyError):
        return ConfigurationError(f"{asked}: the client does not support it", object_name=name)
    if isinstance(error, client.InvalidPathError | ValueError):
        return NotPermitted(f"{asked}: the name is not one for object storage", object_name=name)
    if "incorrectly configured region" in text or status in {301, 307, 308}:
        return ConfigurationError(
            message,
            object_name=name,
            hint="The bucket is elsewhere: set AWS_REGION, or the endpoint, to where it is",
        )
    if code in _NO_BUCKET:
        return ConfigurationError(
            message,
            object_name=name,
            hint="There is no such bucket: create it, or correct the store's address",
        )
    if "credential provider" in text:
        return NotPermitted(
            f"{asked}: no credentials could be had", object_name=name, hint=CREDENTIALS_HINT
        )
    if _METADATA_SERVICE.search(text):
        # Nothing else gave credentials, so the client asked the machine; it may come back.
        return StoreUnavailable(
            f"{asked}: the machine's metadata service gave no credentials",
            object_name=name,
            hint=CREDENTIALS_HINT,
        )
    if code in _CLOCK:
        return NotPermitted(
            message,
            object_name=name,
            hint="This machine's clock is more than 15 minutes off: set it, and run it again",
        )
    if status in {401, 403} or code in _IDENTITY:
        return NotPermitted(
            message,
            object_name=name,
            hint=_REFUSED_HINT,
        )
    if status == 404 and action in {"read", "look up", "delete"}:
        return BlobMissing("the object is not in the store", object_name=name)
    if status == 416 or (status is None and _TOO_SHORT.search(text)):
        return BlobCorrupt(
            "the object ends before the span asked for",
            object_name=name,
            hint="It was cut short or replaced after it was written; a replica may have it whole",
        )
    passing = code in _PASSING or status in _PASSING_STATUS or status is None or status >= 500
    if not passing:
        return ConfigurationError(
            message,
            object_name=name,
            hint="The server takes no such request: check the address, endpoint and options",
        )
    if status is None and not code:
        kind = _TRANSPORT.search(internals)
        words = _TRANSPORT_WORDS.get(kind.group(1)) if kind else None
        message = f"{asked}: {words or 'the answer broke off or made no sense'}"
    return StoreUnavailable(message, object_name=name)


def _status(error: Exception, text: str) -> int | None:
    """The HTTP status; from the exception's class where that alone tells."""
    if isinstance(error, FileNotFoundError):
        return 404
    if isinstance(error, client.PermissionDeniedError):
        return 403
    if isinstance(error, client.UnauthenticatedError):
        return 401
    found = _STATUS.search(text)
    return int(found.group(1)) if found else None
