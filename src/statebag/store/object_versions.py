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

_PART_BYTES = 1 << 20
_LONGEST_SECONDS = 20.0  # of one request, as for the store's other ones
_REFUSED = {"AccessDenied", "403", "AllAccessDisabled"}
_NOT_KEPT = {"NotImplemented", "MethodNotAllowed", "501", "405", "NoSuchBucket"}


def read_versions(
    bucket: str,
    key: str,
    *,
    endpoint: str | None,
    options: Mapping[str, str],
    variables: Mapping[str, str],
) -> Iterator[bytes]:
    """All bytes of each version but delete markers, the newest first.

    Args:
        bucket: Its name.
        key: The object's, with the store's prefix.
        endpoint: The server's address where it is not the provider's own.
        options: As for `ObjectStorage`.
        variables: The `store_settings` of the environment when the store was made.

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
            "reading earlier versions of an object needs boto3, which is not installed",
            hint="Install boto3 (a Lambda has it).",
        ) from None
    try:
        client = _client(endpoint, options, variables)
        pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
        for page in pages:
            for version in page.get("Versions", []):
                if version["Key"] == key and not _time_is_over():
                    answer = client.get_object(
                        Bucket=bucket, Key=key, VersionId=version["VersionId"]
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
        # Not BotoCoreError alone: an answer that is no XML is another one, and quotes the answer.
        if isinstance(error, StatebagError):
            raise
        raise StoreUnavailable(
            "the store did not return earlier versions of the object", object_name=key
        ) from None


def _time_is_over() -> bool:
    remaining = remaining_seconds()
    return remaining is not None and remaining <= 0


def _body(body: Any, size: int, key: str) -> bytes:
    """The bytes of a version, of which no more is read than shows that it is too long."""
    parts: list[bytes] = []
    while size >= 0 and (part := body.read(min(size + 1, _PART_BYTES))):
        parts.append(part)
        size -= len(part)
    if size:
        body.close()
        raise StoreUnavailable(
            f"the store sent {size} bytes less of an earlier version than it lists",
            object_name=key,
            hint="Something on the way to it answers in its place: check the endpoint.",
        )
    return b"".join(parts)


def _client(endpoint: str | None, options: Mapping[str, str], variables: Mapping[str, str]) -> Any:
    import botocore.session  # noqa: PLC0415 (slow, and only here)
    from botocore.config import Config  # noqa: PLC0415 (slow, and only here)

    # Its own habit, five attempts of a minute each, knows nothing of the caller's deadline.
    remaining = remaining_seconds()
    longest = _LONGEST_SECONDS if remaining is None else max(min(remaining, _LONGEST_SECONDS), 0.1)
    config = Config(
        connect_timeout=min(longest, 3),
        read_timeout=longest,
        retries={"total_max_attempts": 1},
        # Its own reading of AWS_ENDPOINT_URL is of the environment as it is now.
        ignore_configured_endpoint_urls=True,
    )
    given = {name.lower().removeprefix("aws_"): value for name, value in options.items()}

    def said(*names: str) -> str | None:
        found = [given.get(name) for name in names]
        found += [variables.get(f"AWS_{name.upper()}") for name in names]
        return next(filter(None, found), None)

    # Not the default session: that keeps the credentials which the process had when it first asked,
    # and what is read here must be read as the store itself reads, by those of its environment.
    session = botocore.session.Session(profile=said("profile", "default_profile"))
    keys = said("access_key_id"), said("secret_access_key"), said("session_token", "token")
    if not (keys[0] and keys[1]):
        keys = (None, None, None)
        session.get_component("credential_provider").remove("env")
    return session.create_client(
        "s3",
        config=config,
        endpoint_url=endpoint,
        region_name=said("region", "default_region"),
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        aws_session_token=keys[2],
    )
