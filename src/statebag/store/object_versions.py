"""Earlier versions of an object in a versioned bucket, through S3's own API.

The object storage client can read a version but not list them, so this rare path uses boto3,
which every Lambda has. Source: ListObjectVersions and GetObject in the Amazon S3 API Reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, NotPermitted, StatebagError, StoreUnavailable
from statebag.store.bounded import remaining_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["read_versions"]

_LONGEST_SECONDS = 20.0  # of one request, as for the store's other ones
_REFUSED = {"AccessDenied", "403", "AllAccessDisabled"}
_NOT_KEPT = {"NotImplemented", "MethodNotAllowed", "501", "405", "NoSuchBucket"}


def read_versions(
    bucket: str, key: str, *, endpoint: str | None, options: Mapping[str, str]
) -> Iterator[bytes]:
    """All bytes of each version but delete markers, the newest first.

    Raises:
        ConfigurationError: boto3 is not installed.
        NotPermitted: Listing or reading versions is not allowed (`s3:ListBucketVersions`,
            `s3:GetObjectVersion`).
        StoreUnavailable: Another failure.
    """
    try:
        from botocore.exceptions import ClientError  # noqa: PLC0415 (slow)
    except ImportError:
        raise ConfigurationError(
            "earlier versions of an object are read through boto3, which is not installed",
            hint="Install boto3 (a Lambda has it).",
        ) from None
    try:
        client = _client(endpoint, options)
        pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
        for page in pages:
            for version in page.get("Versions", []):
                if version["Key"] == key and not _time_is_over():
                    answer = client.get_object(
                        Bucket=bucket, Key=key, VersionId=version["VersionId"]
                    )
                    yield answer["Body"].read()
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _NOT_KEPT:
            return
        if code in _REFUSED:
            raise NotPermitted(
                "the store does not let earlier versions be read",
                object_name=key,
                hint="Allow s3:ListBucketVersions and s3:GetObjectVersion below the prefix.",
            ) from None
        raise StoreUnavailable("earlier versions could not be read", object_name=key) from None
    except Exception as error:
        # Not BotoCoreError alone: an answer that is no XML is another one, and quotes the answer.
        if isinstance(error, StatebagError):
            raise
        raise StoreUnavailable("earlier versions could not be read", object_name=key) from None


def _time_is_over() -> bool:
    remaining = remaining_seconds()
    return remaining is not None and remaining <= 0


def _client(endpoint: str | None, options: Mapping[str, str]) -> Any:
    import boto3  # noqa: PLC0415 (slow, and only here)
    from botocore.config import Config  # noqa: PLC0415 (likewise)

    # Its own habit, five attempts of a minute each, knows nothing of the caller's deadline.
    remaining = remaining_seconds()
    longest = _LONGEST_SECONDS if remaining is None else max(min(remaining, _LONGEST_SECONDS), 0.1)
    config = Config(
        connect_timeout=min(longest, 3), read_timeout=longest, retries={"total_max_attempts": 1}
    )
    given = {name.lower().removeprefix("aws_"): value for name, value in options.items()}
    # Not the default session: that keeps the credentials which the process had when it first asked,
    # and what is read here must be read as the store itself reads, by those of now.
    return boto3.session.Session().client(
        "s3",
        config=config,
        endpoint_url=endpoint,
        region_name=given.get("region"),
        aws_access_key_id=given.get("access_key_id"),
        aws_secret_access_key=given.get("secret_access_key"),
        aws_session_token=given.get("session_token") or given.get("token"),
    )
