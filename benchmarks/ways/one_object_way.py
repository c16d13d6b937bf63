"""The strongest simple way: the whole state as one zstd object a step, by msgspec and obstore.

What somebody would write who knows which libraries are fast, and who needs nothing more.
"""

from __future__ import annotations

import sys
import uuid
from typing import Any

import msgspec
from obstore.store import S3Store

from benchmarks.ways.way import WholeState

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["OneObjectWay"]

_LEVEL = 3  # zstd's own default


class OneObjectWay(WholeState):
    """One object a step, by a client that is kept.

    Args:
        bucket: Its name.
        prefix: Of the keys.
    """

    name = "one zstd object (msgspec, obstore)"

    def __init__(self, bucket: str, prefix: str) -> None:
        self._store = S3Store(bucket, prefix=prefix, client_options={"allow_http": True})

    def first(self, state: dict[str, Any]) -> Any:
        key = uuid.uuid4().hex
        self._store.put(key, zstd.compress(msgspec.json.encode(state), _LEVEL), use_multipart=False)
        return {"execution_id": state["execution_id"], "key": key}

    def read(self, payload: Any) -> dict[str, Any]:
        body = self._store.get(payload["key"]).bytes()
        state: dict[str, Any] = msgspec.json.decode(zstd.decompress(body))
        return state

    def forget(self) -> None:
        """Nothing: it caches nothing, and its client stays."""
