"""Delete an object of S3 only if it is still the one that was read.

The object storage client cannot send the condition, so this rare path uses botocore, which every
Lambda has. Source: DeleteObject in the Amazon S3 API Reference, `If-Match`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import (
    ConfigurationError,
    Conflict,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.store import aws_sdk
from statebag.store.aws_credentials import keys_of
from statebag.store.bounded import remaining_seconds
from statebag.store.sdk_options import sdk_options
from statebag.store.store_refusal import THROTTLING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["delete_if_match"]

_LONGEST_SECONDS = 20.0  # of one request. Chosen, as for the store's other requests
_IS_OTHER = frozenset({404, 412})


def delete_if_match(
    bucket: str,
    key: str,
    tag: str,
    *,
    name: str,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    region: str | None,
    credentials: object,
) -> None:
    """Delete an object whose ETag is this one.

    Args:
        bucket: The name of the bucket.
        key: The key of the object, with the store's prefix.
        tag: The ETag, with its quotes.
        name: The name of the object in the store, for errors.
        options: As for `ObjectStorage`.
        variables: The `store_settings` of the environment when the store was made.
        region: The region that requests are signed for; None to let botocore find it.
        credentials: The source of the client's keys; None if it has its own.

    Raises:
        Conflict: The object has changed since, or is gone.
        NotPermitted: Deleting is not allowed (`s3:DeleteObject`).
        StoreUnavailable: Another failure.
        ConfigurationError: botocore is not installed, or has no counterpart of an option.
    """
    remaining = remaining_seconds()
    longest = _LONGEST_SECONDS if remaining is None else min(remaining, _LONGEST_SECONDS)
    reason = "a conditional delete"
    given = sdk_options(bucket, options, variables, seconds=max(longest, 0.1), reason=reason)
    try:
        client = aws_sdk.client_of(
            bucket,
            options,
            variables,
            region=region,
            keys=keys_of(options, variables, credentials),
            seconds=max(longest, 0.1),
            reason=reason,
        )
        client.delete_object(Bucket=bucket, Key=key, IfMatch=tag, **given.always)
    except StatebagError:
        raise
    except Exception as error:  # noqa: BLE001  # its errors have no common root; texts hold answers
        raise _told(error, name) from None


def _told(error: Exception, name: str) -> StatebagError:
    response = getattr(error, "response", None)
    answer = response if isinstance(response, dict) else {}
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(answer.get("Error", {}).get("Code", ""))
    if code == "NoSuchBucket":
        return ConfigurationError(
            "the store did not delete the object: its bucket does not exist",
            object_name=name,
            hint="Create the bucket, or correct the store's address.",
        )
    if status in _IS_OTHER:
        return Conflict(
            "the store did not delete the object, which has changed since it was read",
            object_name=name,
            hint="Read it again, and decide again.",
        )
    if status in {401, 403}:
        return NotPermitted(
            "the store refused to delete the object",
            object_name=name,
            hint="Allow s3:DeleteObject below the prefix.",
        )
    told = StoreUnavailable("the store did not delete the object", object_name=name)
    told.is_busy = status >= 500 or status == 429 or code in THROTTLING
    return told
