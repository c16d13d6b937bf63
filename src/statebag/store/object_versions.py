"""Read earlier versions of an object in a versioned bucket, through S3's own API.

The object storage client can read a version but not list them, so this rare path uses boto3,
which every Lambda has. Source: ListObjectVersions and GetObject in the Amazon S3 API Reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, NotPermitted, StatebagError, StoreUnavailable
from statebag.store import aws_sdk
from statebag.store.aws_credentials import keys_of
from statebag.store.bounded import remaining_seconds
from statebag.store.sdk_options import sdk_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["read_versions"]

_PART_BYTES = 1 << 20  # of a body at a time. Chosen: little beside an object's limit
_LONGEST_SECONDS = 20.0  # of one request. Chosen: as for the store's other ones
_REFUSED = {"AccessDenied", "403", "AllAccessDisabled"}
_NOT_KEPT = {"NotImplemented", "MethodNotAllowed", "501", "405", "NoSuchBucket"}


def read_versions(
    bucket: str,
    key: str,
    *,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    region: str | None,
    credentials: object,
) -> Iterator[bytes]:
    """Yield all bytes of each version except delete markers, the newest first.

    Args:
        bucket: The bucket's name.
        key: The object's key, with the store's prefix.
        options: As for `ObjectStorage`.
        variables: The `store_settings` of the environment when the store was made.
        region: The region for which requests are signed; None to let botocore find it.
        credentials: The source of the client's keys; None if it has its own.

    Raises:
        ConfigurationError: boto3 is not installed.
        NotPermitted: Listing or reading versions is not allowed (`s3:ListBucketVersions`,
            `s3:GetObjectVersion`).
        StoreUnavailable: The request failed in another way.
    """
    try:
        from botocore.exceptions import ClientError  # noqa: PLC0415 (slow)
    except ImportError:
        raise ConfigurationError(
            "reading earlier versions of an object needs boto3, which is not installed",
            hint="Install boto3 (a Lambda has it).",
        ) from None
    try:
        remaining = remaining_seconds()
        longest = _LONGEST_SECONDS if remaining is None else min(remaining, _LONGEST_SECONDS)
        client = aws_sdk.client_of(
            bucket,
            options,
            variables,
            region=region,
            keys=keys_of(options, variables, credentials),
            seconds=max(longest, 0.1),
            reason="reading earlier versions",
        )
        given = sdk_options(
            bucket, options, variables, seconds=longest, reason="reading earlier versions"
        )
        pages = client.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=key, **given.always
        )
        for page in pages:
            for version in page.get("Versions", []):
                if version["Key"] == key and not _time_is_over():
                    answer = client.get_object(
                        Bucket=bucket,
                        Key=key,
                        VersionId=version["VersionId"],
                        **given.always,
                        **given.read,
                    )
                    yield _body(answer["Body"], version["Size"], key)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _NOT_KEPT:
            return
        if code in _REFUSED:
            raise NotPermitted(
                "the store refuses to return earlier versions of the object",
                object_name=key,
                hint="Allow s3:ListBucketVersions and s3:GetObjectVersion below the prefix.",
            ) from None
        raise StoreUnavailable(
            "the store did not return earlier versions of the object", object_name=key
        ) from None
    except Exception as error:
        # Not only BotoCoreError: an answer that is not XML raises another error, which quotes it.
        if isinstance(error, StatebagError):
            raise
        raise StoreUnavailable(
            "the store did not return earlier versions of the object", object_name=key
        ) from None


def _time_is_over() -> bool:
    remaining = remaining_seconds()
    return remaining is not None and remaining <= 0


def _body(body: Any, size: int, key: str) -> bytes:
    """Return the bytes of a version; reading stops as soon as they are too many."""
    parts: list[bytes] = []
    while size >= 0 and (part := body.read(min(size + 1, _PART_BYTES))):
        parts.append(part)
        size -= len(part)
    if size:
        body.close()
        raise StoreUnavailable(
            f"the store sent {size} bytes less of an earlier version than it lists",
            object_name=key,
            hint="Another server or a proxy may have answered: check the endpoint.",
        )
    return b"".join(parts)
