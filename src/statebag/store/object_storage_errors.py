"""Translate an object store's refusal into the library's errors.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and
https://cloud.google.com/storage/docs/xml-api/reference-status. docs/stores.md explains each to
a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from obstore import exceptions as client

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    Conflict,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.store.store_refusal import THROTTLING

if TYPE_CHECKING:
    from statebag.store.store_refusal import StoreRefusal

__all__ = [
    "CREDENTIALS_HINT",
    "is_about_keys",
    "is_about_signature",
    "is_throttling",
    "translated",
    "unsigned_for_directory_bucket",
]

_NO_BUCKET = frozenset({"NoSuchBucket", "ContainerNotFound", "InvalidBucketName"})
# The server answers these with 400, although they concern the caller's identity.
_STALE_KEYS = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"}
)
_IDENTITY = _STALE_KEYS | {"AccessDenied", "InvalidAccessKeyId"}
# Replaced keys are unknown or sign wrongly; new ones may be available by now.
_MAYBE_STALE = _STALE_KEYS | {"InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestExpired"}
# Answers to a request whose key is known and whose signature is not what the server reckons.
_SIGNATURE = frozenset({"AuthorizationHeaderMalformed", "SignatureDoesNotMatch"})
_CLOCK = frozenset({"RequestTimeTooSkewed", "RequestExpired"})
# Codes that ask for fewer requests, whatever the status; the first two are those of Azure.
_THROTTLING = frozenset({"ServerBusy", "TooManyRequests", *THROTTLING})
_THROTTLING_STATUS = frozenset({429, 503, 509})
# The server answers these with 400, although the same request may succeed later.
_PASSING = frozenset(
    {
        "BadDigest",
        "DependencyTimeoutException",
        "IncompleteBody",
        "InternalError",
        "KMSInternalException",
        "Md5Mismatch",
        "RequestTimeout",
        "RequestTimeoutException",
        "XAmzContentSHA256Mismatch",
    }
)
_PASSING_STATUS = frozenset({408, 409, 425, 429})
_IS_OTHER = (client.AlreadyExistsError, client.PreconditionError)
_UNDER_WAY = frozenset({"ConditionalRequestConflict", "OperationAborted"})
_ARCHIVED = frozenset({"InvalidObjectState", "BlobArchived", "BlobBeingRehydrated"})

_TRANSPORT_WORDS = {
    "Connect": "no connection could be made",
    "Timeout": "no answer within the timeout",
    "Decode": "the answer could not be read",
}

_REFUSED_HINT = (
    "Check the credentials in use and what they may do. Without s3:ListBucket, S3 also returns "
    "403 for a missing object"
)
_KMS_KEYS = {
    "DisabledException": "is disabled: enable it",
    "NotFoundException": "does not exist: correct sse_kms_key_id, or the bucket's encryption",
    "KMSInvalidStateException": "is pending deletion or import: cancel that",
    "InvalidStateException": "is pending deletion or import: cancel that",
    "InvalidKeyUsageException": "is not one for encryption: use a symmetric key",
    "KeyUnavailableException": "is unavailable: check the key's store",
}

CREDENTIALS_HINT = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give the machine or function a role, or "
    "install boto3 and log in for profiles and single sign-on"
)


def is_about_keys(refusal: StoreRefusal) -> bool:
    """Return whether a request with other keys might be accepted."""
    return refusal.code in _MAYBE_STALE or (refusal.status == 401 and not refusal.is_without_keys)


def is_about_signature(refusal: StoreRefusal) -> bool:
    """Whether the server expects a request to be signed in another way."""
    return refusal.code in _SIGNATURE


def unsigned_for_directory_bucket(url: str, name: str | None) -> ConfigurationError:
    """Return the error for a directory bucket that does not accept the client's signature.

    The client signs a session's requests for the service `s3`. boto3 signs them for `s3express`.
    """
    return ConfigurationError(
        f"{url} did not accept a signature for the service s3, which the storage client makes for "
        "directory buckets too",
        object_name=name,
        hint="Install boto3, which signs them for s3express (a Lambda function has it), or use a "
        "bucket whose name does not end in --x-s3.",
    )


def is_throttling(refusal: StoreRefusal) -> bool:
    """Return whether the store throttles."""
    return _bare(refusal.code) in _THROTTLING or refusal.status in _THROTTLING_STATUS


def _bare(code: str) -> str:
    """Return a code without the service before it, such as KMS in an answer of S3."""
    return code.rpartition(".")[2]


def translated(
    error: Exception, refusal: StoreRefusal, url: str, name: str | None, action: str
) -> StatebagError:
    """Return the library's error for one of the client's.

    Args:
        error: The client's error.
        refusal: The facts in the error.
        url: The store's root, for messages.
        name: The object, relative to the root; None if the request is not about one.
        action: The request as a verb: `read`, `write`, `replace`, `list`, `delete`, `look up`.
    """
    status, code = refusal.status, refusal.code
    asked = f"{url} did not {action} the object" if name else f"{url} did not {action} its objects"
    told = ", ".join(filter(None, (f"status {status}" if status else "", code)))
    message = f"{asked} ({told})" if told else asked

    if isinstance(error, client.NotSupportedError | client.UnknownConfigurationKeyError):
        return ConfigurationError(f"{asked}: the client does not support it", object_name=name)
    if isinstance(error, client.InvalidPathError | ValueError):
        return NotPermitted(f"{asked}: it does not accept this name", object_name=name)
    # S3's 409 means that another write is in progress: which one was first is not known yet.
    is_other = isinstance(error, _IS_OTHER) and code not in _UNDER_WAY
    is_gone = status == 404 and code not in _NO_BUCKET
    if action == "replace" and (is_other or is_gone):
        return Conflict(
            f"{url} did not replace the object, which has changed since it was read",
            object_name=name,
            hint="Read the object again, and apply the change to what you read.",
        )
    if is_throttling(refusal):
        return _busy(StoreUnavailable(message, object_name=name))
    if refusal.is_redirect or (refusal.region is not None and status in {400, 403}):
        where = f" in {refusal.region}" if refusal.region else " elsewhere"
        return ConfigurationError(
            message,
            object_name=name,
            hint=f"The bucket is{where}: set AWS_REGION, or the endpoint, to where it is",
        )
    if code in _NO_BUCKET:
        return ConfigurationError(
            message,
            object_name=name,
            hint="There is no such bucket: create it, or correct the store's address",
        )
    if refusal.is_without_keys:
        return NotPermitted(
            f"{asked}: the client found no credentials", object_name=name, hint=CREDENTIALS_HINT
        )
    if refusal.asked_machine:
        # There were no other credentials, so the client asked the machine, which may answer later.
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
    if code in _ARCHIVED and action in {"read", "look up"}:
        return _archived(refusal, message, name)
    if code.startswith("KMS.") or (refusal.permission or "").startswith("kms:"):
        return _about_key(refusal, message, name)
    if status in {401, 403} or code in _IDENTITY:
        hint = _REFUSED_HINT
        if refusal.permission is not None:
            hint = f"Allow {refusal.permission} to the credentials in use"
        return NotPermitted(message, object_name=name, hint=hint)
    if status == 404 and action in {"read", "look up", "delete"}:
        return BlobMissing("the object is not in the store", object_name=name)
    if status == 416 or (status is None and refusal.is_too_short):
        return BlobCorrupt(
            "the object ends before the span asked for",
            object_name=name,
            hint=(
                "It was cut short or replaced after it was written; a replica may have an intact "
                "copy"
            ),
        )
    if refusal.lacks:
        return ConfigurationError(
            f"{asked}: the answer has no usable header {refusal.lacks}",
            object_name=name,
            hint=(
                "The server, or a proxy on the way to it, sends answers that this library cannot "
                "use: go around the proxy, or use another server."
            ),
        )
    if status is None and not code:
        return _on_the_way(refusal, asked, name)
    if _bare(code) in _PASSING or status in _PASSING_STATUS or status is None or status >= 500:
        return _busy(StoreUnavailable(message, object_name=name))
    hint = "The server does not take such a request: check the address, endpoint and options"
    if refusal.wants_checksum:
        hint = (
            "The bucket requires a checksum with each object (Object Lock does): leave the "
            "option checksum_algorithm out, or set it to SHA256"
        )
    return ConfigurationError(message, object_name=name, hint=hint)


def _archived(refusal: StoreRefusal, message: str, name: str | None) -> BlobMissing:
    kind = f"the class {refusal.storage_class}" if refusal.storage_class else "an archive class"
    missing = BlobMissing(
        f"{message}: it is archived, in {kind}",
        object_name=name,
        hint="Restore it (`aws s3api restore-object`, or set the blob's tier), then run this "
        "again; exclude the store's prefix from the lifecycle rule that archives",
    )
    missing.is_archived = True
    return missing


def _about_key(refusal: StoreRefusal, message: str, name: str | None) -> StatebagError:
    bare = _bare(refusal.code)
    if bare in _PASSING:
        return _busy(StoreUnavailable(message, object_name=name))
    if bare in _KMS_KEYS:
        return ConfigurationError(
            message, object_name=name, hint=f"The bucket's KMS key {_KMS_KEYS[bare]}"
        )
    permission = refusal.permission or "kms:GenerateDataKey and kms:Decrypt"
    return NotPermitted(
        message,
        object_name=name,
        hint=f"Allow {permission} on the bucket's KMS key, in the role's policy and in the key's: "
        "writing needs kms:GenerateDataKey, reading kms:Decrypt",
    )


def _on_the_way(refusal: StoreRefusal, asked: str, name: str | None) -> StatebagError:
    """Return the error for a request that got no answer from the server."""
    if refusal.way == "tls":
        return ConfigurationError(
            f"{asked}: no authority that this machine trusts has signed the server's certificate",
            object_name=name,
            hint="Name the file of its authority's certificate by AWS_CA_BUNDLE or the option "
            "root_certificate, or correct the endpoint",
        )
    if refusal.way == "proxy login":
        return ConfigurationError(
            f"{asked}: the proxy requires a user name and a password",
            object_name=name,
            hint="Write them into HTTPS_PROXY (http://name:password@host:port), or name the "
            "store's host in NO_PROXY",
        )
    words = _TRANSPORT_WORDS.get(refusal.transport, "the answer broke off or could not be read")
    hint = None
    if refusal.way == "proxy":
        words = "the proxy did not connect to it"
        hint = "Check HTTPS_PROXY, or name the store's host in NO_PROXY"
    elif refusal.way == "dns":
        words = "no connection could be made: the name of its host was not found"
        hint = "Check the endpoint, the region and the network"
    failure = StoreUnavailable(f"{asked}: {words}", object_name=name, hint=hint)
    is_unreached = refusal.way or refusal.transport == "Connect"
    return failure if is_unreached else _busy(failure)


def _busy(failure: StoreUnavailable) -> StoreUnavailable:
    """Mark a failure as one after which to keep trying."""
    failure.is_busy = True
    return failure
