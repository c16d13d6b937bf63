"""Stores in the S3 mock of this process, for functions that use s3:// addresses in a local run.

Elsewhere such a function uses an object storage client that sends real requests, which the AWS mock
does not see. The mock answers boto3 only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from statebag.errors import (
    BlobCorrupt,
    BlobMissing,
    ConfigurationError,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
)
from statebag.process.forking import fork_safe_lock
from statebag.store.confinement import check_spans, confined_parts
from statebag.store.contract import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statebag.store.contract import Store

__all__ = ["BucketStore", "MirroredStore"]

_one_at_a_time = fork_safe_lock()
"""The mock's objects are not thread-safe: a read breaks if the object is replaced meanwhile."""


class BucketStore:
    """Objects below `s3://bucket/prefix`, through boto3.

    Args:
        url: The address. The first write makes the bucket if it does not exist.
        region: The region in which the mock has its buckets.
    """

    is_local = True
    """A look-up costs almost nothing, and each run has its own buckets."""

    def __init__(self, url: str, region: str = "us-east-1") -> None:
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self.url = url.rstrip("/")
        self.identity = ("mocked", self.url, region)
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._region = region
        self._client = boto3.Session().client("s3", region_name=region)

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object, and make its bucket if it does not exist yet."""
        self._asked("put_object", name, Body=bytes(data))

    def get(self, name: str) -> bytes:
        """Return all bytes of an object."""
        return bytes(self._asked("get_object", name)["Body"])

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`; the object is read once."""
        check_spans(name, spans)
        data = self.get(name)
        if any(offset + length > len(data) for offset, length in spans if length):
            raise BlobCorrupt(
                f"the object has {len(data)} bytes, less than the read needs", object_name=name
            )
        return [data[offset : offset + length] for offset, length in spans]

    def head(self, name: str) -> ObjectInfo | None:
        """Return the size and time of an object, or None."""
        try:
            answer = self._asked("head_object", name)
        except (BlobMissing, ConfigurationError):
            return None
        return ObjectInfo(name, answer["ContentLength"], answer["LastModified"])

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects at and below a prefix, by name."""
        below = self._key(prefix) if prefix else self._prefix
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=below
        )
        cut = len(self._prefix) + 1 if self._prefix else 0
        for page in pages:
            for item in page.get("Contents", []):
                key = item["Key"]
                if not below or key == below or key.startswith(below + "/"):
                    yield ObjectInfo(key[cut:], item["Size"], item["LastModified"])

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._asked("delete_object", name)

    def _key(self, name: str) -> str:
        return "/".join([*([self._prefix] if self._prefix else []), *confined_parts(name)])

    def _asked(self, operation: str, name: str, **arguments: Any) -> Any:
        request = {"Bucket": self._bucket, "Key": self._key(name), **arguments}
        try:
            with _one_at_a_time:
                answer = getattr(self._client, operation)(**request)
                if "Body" in answer:
                    answer["Body"] = answer["Body"].read()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code == "NoSuchBucket" and operation == "put_object":
                with _one_at_a_time:
                    self._client.create_bucket(Bucket=self._bucket)
                    return self._client.put_object(**request)
            raise _translated(code, name) from None
        except BotoCoreError as error:
            raise StoreUnavailable(
                f"the S3 of this process did not answer: {type(error).__name__}", object_name=name
            ) from None
        return answer


class MirroredStore:
    """A store in the S3 of this process that also keeps its objects in a second store.

    The bucket is empty at the start of each run. An object that it lacks is read from the second
    store.

    Args:
        bucket: The store in this process.
        mirror: The second store.
    """

    is_local = True

    def __init__(self, bucket: BucketStore, mirror: Store) -> None:
        self.url = bucket.url
        self.identity = (*bucket.identity, mirror.url)
        self._bucket = bucket
        self._mirror = mirror

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object to both."""
        self._mirror.put(name, data)
        self._bucket.put(name, data)

    def get(self, name: str) -> bytes:
        """Return all bytes of an object."""
        return self._holding(name).get(name)

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`."""
        return self._holding(name).get_ranges(name, spans)

    def head(self, name: str) -> ObjectInfo | None:
        """Return the size and time of an object, or None."""
        return self._holding(name).head(name)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Return the objects at and below a prefix that were written in this run, by name."""
        return self._bucket.list(prefix)

    def delete(self, name: str) -> None:
        """Delete an object from both."""
        self._mirror.delete(name)
        if self._bucket.head(name) is not None:
            self._bucket.delete(name)

    def _holding(self, name: str) -> Store:
        return self._bucket if self._bucket.head(name) is not None else self._mirror


def _translated(code: str, name: str) -> StatebagError:
    if code in {"NoSuchKey", "404"}:
        return BlobMissing("the store does not have the object", object_name=name)
    if code == "NoSuchBucket":
        return ConfigurationError("the bucket does not exist", object_name=name)
    if code in {"AccessDenied", "403"}:
        return NotPermitted("the store refused the request", object_name=name)
    return StoreUnavailable(f"the store answered {code}", object_name=name)
