"""langgraph-checkpoint-aws: a checkpoint a step in DynamoDB, or in S3 where it is over 350 KB.

Its S3 requests go to the server. Its DynamoDB is a dict in this process, which answers at once
and costs nothing: that is to its advantage.
"""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import empty_checkpoint
from langgraph_checkpoint_aws import DynamoDBSaver

from benchmarks.ways.way import WholeState

__all__ = ["LanggraphWay"]


class LanggraphWay(WholeState):
    """Checkpoints whose channels are the state's fields.

    Args:
        bucket: For what is too large for DynamoDB.
        prefix: In it.
    """

    name = "langgraph-checkpoint-aws"

    def __init__(self, bucket: str, prefix: str) -> None:
        self._saver = DynamoDBSaver(
            "checkpoints",
            s3_offload_config={"bucket_name": bucket, "endpoint_url": None, "key_prefix": prefix},
        )
        _answer_in_process(self._saver.client)

    def first(self, state: dict[str, Any]) -> Any:
        thread = {"configurable": {"thread_id": state["execution_id"], "checkpoint_ns": ""}}
        return self._put(thread, state)

    def sealed(self, payload: Any, state: dict[str, Any]) -> Any:
        return self._put(payload, state)

    def read(self, payload: Any) -> dict[str, Any]:
        found = self._saver.get_tuple(payload)
        assert found is not None
        return dict(found.checkpoint["channel_values"])

    def forget(self) -> None:
        """Nothing: it caches nothing, and its clients stay."""

    def _put(self, config: Any, state: dict[str, Any]) -> Any:
        checkpoint = empty_checkpoint()
        checkpoint["channel_values"] = state
        metadata: Any = {"source": "loop", "step": 0, "parents": {}}
        return self._saver.put(config, checkpoint, metadata, {})


def _answer_in_process(client: Any) -> None:
    """Answer the calls that the saver makes from a dict instead of sending them."""
    items: dict[tuple[str, str], dict[str, Any]] = {}

    def key(item: dict[str, Any]) -> tuple[str, str]:
        return item["PK"]["S"], item["SK"]["S"]

    def answer(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        return params

    def put_item(**request: Any) -> dict[str, Any]:
        items[key(request["Item"])] = request["Item"]
        return {}

    def get_item(**request: Any) -> dict[str, Any]:
        found = items.get(key(request["Key"]))
        return {} if found is None else {"Item": found}

    def query(**request: Any) -> dict[str, Any]:
        values = request["ExpressionAttributeValues"].values()
        texts = {value["S"] for value in values if "S" in value}
        found = [item for (pk, _), item in items.items() if pk in texts]
        return {"Items": found, "Count": len(found)}

    del answer
    client.put_item, client.get_item, client.query = put_item, get_item, query
