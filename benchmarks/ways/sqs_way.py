"""amazon-sqs-extended-client: the state is a message, its body in S3 where it is over 256 KB.

Its S3 requests go to the server. The queue is a list in this process, which answers at once and
costs nothing: that is to its advantage.
"""

from __future__ import annotations

import json
from typing import Any

from sqs_extended_client import SQSExtendedClientSession

from benchmarks.ways.way import WholeState

__all__ = ["SqsWay"]

_QUEUE = "https://queue.example/1/states"


class SqsWay(WholeState):
    """A message a step.

    Args:
        bucket: For large bodies.
    """

    name = "amazon-sqs-extended-client"

    def __init__(self, bucket: str) -> None:
        session = SQSExtendedClientSession()
        self._queue: list[dict[str, Any]] = []
        session.events.register("before-call.sqs.SendMessage", self._sent)
        session.events.register("before-call.sqs.ReceiveMessage", self._received)
        self._sqs = session.client("sqs")
        self._sqs.large_payload_support = bucket
        self._sqs.s3_client = session.client("s3")

    def first(self, state: dict[str, Any]) -> Any:
        self._sqs.send_message(QueueUrl=_QUEUE, MessageBody=json.dumps(state))
        return {"execution_id": state["execution_id"]}

    def read(self, payload: Any) -> dict[str, Any]:
        del payload
        answer = self._sqs.receive_message(QueueUrl=_QUEUE, MessageAttributeNames=["All"])
        state: dict[str, Any] = json.loads(answer["Messages"][0]["Body"])
        return state

    def forget(self) -> None:
        """Nothing: it caches nothing, and its clients stay."""

    def _sent(self, params: dict[str, Any], **_: Any) -> Any:
        body = json.loads(params["body"])
        self._queue.append(body)
        return _Answered(), {"MessageId": str(len(self._queue))}

    def _received(self, **_: Any) -> Any:
        body = self._queue[-1]
        message = {
            "MessageId": str(len(self._queue)),
            "ReceiptHandle": "handle",
            "Body": body["MessageBody"],
            "MessageAttributes": dict(body.get("MessageAttributes") or {}),
        }
        self._queue[:] = self._queue[-1:]
        return _Answered(), {"Messages": [message]}


class _Answered:
    """What stands for the HTTP answer."""

    status_code = 200
    headers: dict[str, str] = {}  # noqa: RUF012  # read by nobody
