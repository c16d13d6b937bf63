"""Fill the buckets of this process from a folder, and write changes back to it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from statebag.environment import s3_endpoint
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from statebag.local.interpreter.aws_services import AwsServices

__all__ = ["filled_buckets"]


@contextmanager
def filled_buckets(root: Path, services: AwsServices) -> Iterator[None]:
    """Fill buckets from a folder; at the end, write the changes of the code inside back to it.

    Do nothing if S3 is at an endpoint.

    Args:
        root: The folder, with one subfolder for each bucket.
        services: Where the buckets are.

    Raises:
        ConfigurationError: It is not a folder, or a folder in it has a name that a bucket cannot
            have.
    """
    if services.endpoint is not None or s3_endpoint() is not None:
        yield
        return
    if not root.is_dir():
        raise ConfigurationError(f"buckets must be a folder, but {root} is not one")
    client = services.client("s3")
    known: dict[tuple[str, str], str] = {}
    for bucket in sorted(path for path in root.iterdir() if path.is_dir()):
        try:
            services.ensure_bucket(bucket.name)
        except ClientError as error:
            raise ConfigurationError(
                f"the folder's name {bucket.name!r} is not a bucket's name",
                hint="Use 3 to 63 lower-case letters, digits, '.' and '-'.",
            ) from error
        for file in sorted(path for path in bucket.rglob("*") if path.is_file()):
            key = file.relative_to(bucket).as_posix()
            answer = client.put_object(Bucket=bucket.name, Key=key, Body=file.read_bytes())
            known[bucket.name, key] = answer["ETag"]
    try:
        yield
    finally:
        for bucket in client.list_buckets()["Buckets"]:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"])
            for item in (item for page in pages for item in page.get("Contents", [])):
                if known.get((bucket["Name"], item["Key"])) != item["ETag"]:
                    body = client.get_object(Bucket=bucket["Name"], Key=item["Key"])["Body"].read()
                    _write(root, bucket["Name"], item["Key"], body)


def _write(root: Path, bucket: str, key: str, body: bytes) -> None:
    home = (root / bucket).resolve()
    file = (home / key).resolve()
    if not file.is_relative_to(home):
        raise ConfigurationError(
            "the object's name leads out of its bucket's folder", object_name=key
        )
    if not key.endswith("/"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
