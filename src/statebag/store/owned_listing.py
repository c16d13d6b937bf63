"""List a bucket through botocore.

It is for buckets whose owner is checked, and for those whose requests only botocore can sign.

The object storage client does not sign the header `x-amz-expected-bucket-owner` of a listing
(seen with obstore 0.12), and S3 refuses a header of its own that is not signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, NotPermitted, StatebagError, StoreUnavailable
from statebag.store import aws_sdk
from statebag.store.aws_credentials import keys_of
from statebag.store.sdk_options import sdk_options
from statebag.store.store_refusal import THROTTLING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["owned_listing"]

_SECONDS = 20.0  # of one page. Chosen: as for the store's other requests


def owned_listing(
    url: str,
    bucket: str,
    prefix: str,
    *,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    region: str | None,
    credentials: object,
    client: Any = None,
) -> Iterator[tuple[str, int, Any]]:
    """Yield the key, size and time of each object below a prefix, by name.

    Args:
        url: The store's address, for messages.
        bucket: The bucket's name.
        prefix: The prefix of the objects' keys; empty for all.
        options: As for `ObjectStorage`, perhaps with `expected_bucket_owner`.
        variables: The `store_settings` of the environment when the store was made.
        region: The region for which requests are signed.
        credentials: The source of the client's keys; None if it has its own.
        client: A client of botocore; None for one by these settings.

    Raises:
        ConfigurationError: botocore is not installed, or there is no such bucket.
        NotPermitted: The bucket has another owner, or listing it is not allowed.
        StoreUnavailable: The request failed in another way.
    """
    given = sdk_options(bucket, options, variables, seconds=_SECONDS, reason="this listing")
    if client is None:
        client = aws_sdk.client_of(
            bucket,
            options,
            variables,
            region=region,
            keys=keys_of(options, variables, credentials),
            seconds=_SECONDS,
            reason="this listing",
        )
    try:
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, **given.always
        )
        for page in pages:
            for one in page.get("Contents", []):
                yield one["Key"], one["Size"], one["LastModified"]
    except StatebagError:
        raise
    except Exception as error:  # noqa: BLE001  # botocore's errors have no common root
        raise _typed(error, url) from None


def _typed(error: Exception, url: str) -> StatebagError:
    answer = getattr(error, "response", None) or {}
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = str(answer.get("Error", {}).get("Code", "")) or type(error).__name__
    message = f"{url} did not list its objects ({code})"
    if code == "NoSuchBucket":
        return ConfigurationError(
            message, hint="There is no such bucket: create it, or correct the store's address"
        )
    if status in {401, 403}:
        return NotPermitted(
            message, hint="Check expected_bucket_owner, and that s3:ListBucket is allowed"
        )
    told = StoreUnavailable(message)
    told.is_busy = status is not None and (
        status >= 500 or status in {408, 429} or code in THROTTLING
    )
    return told
