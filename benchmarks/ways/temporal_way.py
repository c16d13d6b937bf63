"""temporalio's S3 storage driver, through its data converter as a worker uses it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import aioboto3
from temporalio.api.common.v1 import Payload
from temporalio.contrib.aws.s3driver import S3StorageDriver
from temporalio.contrib.aws.s3driver.aioboto3 import new_aioboto3_client
from temporalio.converter import DataConverter, ExternalStorage

from benchmarks.ways.way import WholeState

__all__ = ["TemporalWay"]


class TemporalWay(WholeState):
    """A payload a step; over 256 KB it is an object under its SHA-256.

    Args:
        bucket: For large payloads.
    """

    name = "temporalio S3 driver"

    def __init__(self, bucket: str) -> None:
        self._loop = asyncio.new_event_loop()
        client = self._loop.run_until_complete(_client())
        driver = S3StorageDriver(new_aioboto3_client(client), bucket)
        self._converter = replace(
            DataConverter.default, external_storage=ExternalStorage(drivers=[driver])
        )

    def first(self, state: dict[str, Any]) -> Any:
        payloads = self._loop.run_until_complete(self._converter.encode([state]))
        # What the service would carry.
        return {"payload": payloads[0].SerializeToString().hex()}

    def read(self, payload: Any) -> dict[str, Any]:
        carried = Payload.FromString(bytes.fromhex(payload["payload"]))
        values = self._loop.run_until_complete(self._converter.decode([carried]))
        state: dict[str, Any] = values[0]
        return state

    def forget(self) -> None:
        """Nothing: it caches nothing, and its client stays."""


async def _client() -> Any:
    return await aioboto3.Session().client("s3").__aenter__()
