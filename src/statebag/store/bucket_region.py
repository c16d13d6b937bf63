"""Find the region of an S3 bucket after a server said that it is in another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import StatebagError
from statebag.store import aws_sdk
from statebag.store.aws_credentials import keys_of
from statebag.store.aws_settings import aws_server
from statebag.store.bounded import within_deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.store.object_storage_client import Connection
    from statebag.store.store_place import StorePlace

__all__ = ["found_region"]

_SECONDS = 5  # chosen: it comes on top of a request that was refused
_KEY = "region"  # of an object that need not exist
_HEADER = "x-amz-bucket-region"


def found_region(
    place: StorePlace,
    options: Mapping[str, str],
    variables: Mapping[str, str],
    connection: Connection,
    *,
    told: str | None,
) -> str | None:
    """Return the region of a bucket; None if no server names it.

    Args:
        place: The bucket's place.
        options: As for `ObjectStorage`.
        variables: The store's `store_settings`.
        connection: The connection whose request was refused.
        told: The region that the answer named.
    """
    if told is not None:
        return told
    if place.is_arn:
        return None  # it names its region itself

    def look() -> str | None:
        if not aws_sdk.is_installed():
            server = aws_server(place, options, variables, region=connection.region)
            return _unsigned(server.base_url)
        client = aws_sdk.client_of(
            place.bucket,
            options,
            variables,
            region=connection.region,
            keys=keys_of(options, variables, connection.credentials),
            seconds=_SECONDS,
            reason="the bucket's region",
        )
        key = f"{place.prefix}/{_KEY}".lstrip("/")
        return aws_sdk.region_of_bucket(client, place.bucket, key, connection.region or "")

    try:
        return within_deadline(look, f"{place.url} did not say which region it is in")
    except StatebagError:
        return None


def _unsigned(url: str) -> str | None:
    """Ask without botocore: S3 names the region even to callers that may not see the bucket."""
    import urllib.error  # noqa: PLC0415 (rarely needed)
    import urllib.request  # noqa: PLC0415 (rarely needed)

    if not url.startswith(("http://", "https://")):
        return None
    asked = urllib.request.Request(url, method="HEAD")  # noqa: S310  # checked above
    headers: Any
    try:
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310  # as above
            headers = answer.headers
    except urllib.error.HTTPError as error:
        headers = error.headers
        error.close()
    except (OSError, ValueError):
        return None
    found = headers.get(_HEADER)
    return found if isinstance(found, str) else None
