"""Whole objects through boto3, as most code does it."""

from __future__ import annotations

from typing import Any

__all__ = ["Boto3Objects"]


class Boto3Objects:
    """Objects of one bucket; the client is made at the first use.

    Args:
        bucket: Its name.
        prefix: Before every key.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._client: Any = None

    def put(self, key: str, data: bytes) -> None:
        self._s3().put_object(Bucket=self._bucket, Key=f"{self._prefix}/{key}", Body=data)

    def get(self, key: str) -> bytes:
        answer = self._s3().get_object(Bucket=self._bucket, Key=f"{self._prefix}/{key}")
        data: bytes = answer["Body"].read()
        return data

    def forget(self) -> None:
        """Nothing: the client stays, since making one takes boto3 longer than a step."""

    def _s3(self) -> Any:
        if self._client is None:
            import boto3  # noqa: PLC0415  # 0.3 s, at the first use

            self._client = boto3.client("s3")
        return self._client
