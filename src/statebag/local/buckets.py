"""Where a workflow's S3 is: an endpoint of the environment, or in this process."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from statebag.environment import s3_endpoint
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["filled_buckets", "s3_client"]


def s3_client(region: str) -> Any:
    """A boto3 client for the workflow's S3."""
    endpoint = s3_endpoint()
    style = {"addressing_style": "path"} if endpoint else {}
    return boto3.Session().client(
        "s3", region_name=region, endpoint_url=endpoint, config=Config(s3=style or None)
    )


@contextmanager
def filled_buckets(bucket_dir: Path | None) -> Iterator[None]:
    """The buckets of this process hold the files of a folder; what is written comes back to it.

    Args:
        bucket_dir: One subfolder for each bucket; None does nothing.

    Raises:
        ConfigurationError: it is no folder, or the name of a folder in it is no bucket's.
    """
    if bucket_dir is None:
        yield
        return
    root = Path(bucket_dir)
    if not root.is_dir():
        raise ConfigurationError(f"bucket_dir must be a folder, and {root} is not one")
    client = boto3.Session().client("s3", region_name="us-east-1")
    known: dict[tuple[str, str], str] = {}
    for bucket in sorted(path for path in root.iterdir() if path.is_dir()):
        try:
            client.create_bucket(Bucket=bucket.name)
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
