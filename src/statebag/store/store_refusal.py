"""Read only the reason for a refusal from an object store's answer.

The client's exceptions contain the request's URL and the server's answer, and both can hold parts
of a signature or a token. So only the facts below are taken from them.
"""

from __future__ import annotations

import re

import msgspec
from obstore import exceptions as client

__all__ = ["THROTTLING", "StoreRefusal", "is_only_without_etag", "refusal_of"]

THROTTLING = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Codes by which AWS asks for fewer requests: those of botocore's own retries, whose source is
botocore/retries/standard.py (AWS SDKs reference guide, "Retry behavior")."""

_STATUS = re.compile(r"\bstatus(?: code)?:? (\d{3})\b")
_CODE = re.compile(r"<Code>\s{0,9}([\w.]{1,60})\s{0,9}</Code>|\(code: ([\w.]{1,60})\)")
_REGION = re.compile(r"<Region>([a-z0-9-]{1,40})</Region>|\bexpecting '([a-z0-9-]{1,40})'")
_CLASS = re.compile(r"<StorageClass>(\w{1,40})</StorageClass>")
# The missing permission in an answer: an action of AWS, or a permission of Google.
_PERMISSION = re.compile(
    r"\bperform: ((?:s3|s3express|kms):[A-Za-z]{1,60})\b"
    r"|\b(kms:[A-Z][A-Za-z]{1,60})\b"
    r"|\bhave (storage\.(?:objects|buckets)\.[a-z]{1,20})\b"
)
_CHECKSUM = re.compile(r"Content-MD5|x-amz-checksum-")
# The client's words for failures on the way to the server.
_WAYS = (
    (re.compile(r"invalid peer certificate|certificate verify failed|InvalidCertificate"), "tls"),
    (re.compile(r"proxy authorization required|ProxyAuthRequired"), "proxy login"),
    (re.compile(r"tunnel error|Tunnel\(|\bTunnelUnsuccessful\b|unsuccessful tunnel"), "proxy"),
    (re.compile(r'"dns error"|failed to lookup address'), "dns"),
)
_TRANSPORT = re.compile(r"\bkind: (Connect|Timeout|Request|Interrupted|Decode)\b")
# The client's words if the range of an answer shows that the object ends before the span.
_TOO_SHORT = re.compile(r"\bWanted range starting at \d+, but object was only\b")
# The client's words for an answer whose headers it cannot use.
_HEADER = re.compile(
    r"\b(ETag|Content-Length|Last-Modified) Header missing|\bInvalid (last modified|content length)"
)
_HEADERS = {"last modified": "Last-Modified", "content length": "Content-Length"}
_METADATA_SERVICE = re.compile(r"169\.254\.169\.254|/latest/(?:api|meta-data)|metadata\.google")
_REDIRECT = "incorrectly configured region"  # the client's words for a redirect without an address
_PROVIDER = re.compile(r"credential provider", re.IGNORECASE)


class StoreRefusal(msgspec.Struct, frozen=True):
    """The reason why a request failed.

    Attributes:
        status: The status of the HTTP answer; None without an answer.
        code: The server's error code; empty without one.
        region: The bucket's region, if the answer has it.
        storage_class: The storage class of an archived object, if the answer has it.
        permission: The missing permission, such as `kms:Decrypt`, if the answer names it.
        way: What failed on the way to the server: `tls`, `proxy`, `proxy login`, `dns`, or empty.
        transport: The client's name for a failure without an answer; empty if there is none.
        wants_checksum: Whether the server requires a checksum.
        lacks: The header of the answer that is missing or wrong; empty if none is.
        is_redirect: Whether the bucket is in another region.
        is_too_short: Whether the object ends before the span asked for.
        is_without_keys: Whether the client has no credentials.
        asked_machine: Whether the client had asked the machine's metadata service for credentials.
    """

    status: int | None
    code: str
    region: str | None
    storage_class: str | None
    permission: str | None
    way: str
    transport: str
    wants_checksum: bool
    lacks: str
    is_redirect: bool
    is_too_short: bool
    is_without_keys: bool
    asked_machine: bool


def refusal_of(error: Exception) -> StoreRefusal:
    """Return the facts in one of the client's exceptions."""
    # Behind this heading the client prints its internals; before it, the server's answer.
    text, _, internals = str(error).partition("\nDebug source:")
    status = _status(error, text)
    code = _found(_CODE, text) or ""
    if code.isdigit():  # Azure's answer to a delete has the status in place of the code
        status, code = int(code), ""
    has_answer = status is not None or bool(code)
    way = next((kind for words, kind in _WAYS if words.search(internals)), "")
    return StoreRefusal(
        status,
        code,
        region=_found(_REGION, text),
        storage_class=_found(_CLASS, text),
        permission=_found(_PERMISSION, text),
        way="" if has_answer else way,
        transport="" if has_answer else _found(_TRANSPORT, internals) or "",
        wants_checksum=_CHECKSUM.search(text) is not None,
        lacks=_HEADERS.get(_found(_HEADER, text) or "", _found(_HEADER, text) or ""),
        is_redirect=_REDIRECT in text or status in {301, 302, 307, 308},
        is_too_short=_TOO_SHORT.search(text) is not None,
        is_without_keys=_PROVIDER.search(text) is not None,
        asked_machine=_METADATA_SERVICE.search(text) is not None,
    )


def is_only_without_etag(error: Exception) -> bool:
    """Return whether a write succeeded but its answer lacks an ETag, which few need."""
    return "ETag Header missing from response" in str(error)


def _found(words: re.Pattern[str], text: str) -> str | None:
    found = words.search(text)
    return next(filter(None, found.groups()), None) if found else None


def _status(error: Exception, text: str) -> int | None:
    """Return the HTTP status, from the exception's class if the text does not have it."""
    if isinstance(error, FileNotFoundError):
        return 404
    if isinstance(error, client.PermissionDeniedError):
        return 403
    if isinstance(error, client.UnauthenticatedError):
        return 401
    found = _STATUS.search(text)
    return int(found.group(1)) if found else None
