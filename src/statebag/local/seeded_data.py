"""Fill tables, queues and buckets before a run begins.

The document has three optional objects. `buckets` has the contents of each bucket's objects, by
their keys; `tables` has the items of each table; `queues` has the messages of each queue. A value
that is not text is written as JSON. An item of a table is plain JSON too.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.asl.documents import parse_document, read_text
from statebag.errors import ConfigurationError
from statebag.format.json_type import json_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.local.interpreter.aws_services import AwsServices

__all__ = ["put_seeds", "read_seeds"]

_PARTS: dict[str, type] = {"buckets": dict, "tables": list, "queues": list}


def read_seeds(seeds: str | Path | Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the seeds of a file, or of its content.

    Raises:
        ConfigurationError: It cannot be read, or is of another form.
    """
    if isinstance(seeds, str | Path):
        where = str(seeds)
        document = parse_document(read_text(Path(seeds)), where)
    else:
        where, document = "the seeds", dict(seeds)
    if not isinstance(document, dict) or not document.keys() <= _PARTS.keys():
        found = ", ".join(map(str, document)) if isinstance(document, dict) else json_type(document)
        raise ConfigurationError(
            f"{where} must have buckets, tables and queues, not {found}",
            hint='Such as {"tables": {"Orders": [{"id": "1"}]}}',
        )
    for part, inner in _PARTS.items():
        content = document.get(part, {})
        given = list(content.values()) if isinstance(content, dict) else [content]
        wrong = [one for one in given if not isinstance(one, inner)]
        if wrong or not isinstance(content, dict):
            kind = "object" if inner is dict else "array"
            raise ConfigurationError(
                f"{where} must have an {kind} for each name, not {json_type((wrong or given)[0])}",
                path=f"$.{part}",
            )
    return {part: document.get(part, {}) for part in _PARTS}


def put_seeds(seeds: Mapping[str, Mapping[str, Any]], services: AwsServices) -> None:
    """Write the seeds with boto3.

    Raises:
        ConfigurationError: There is no such table or queue, or it does not take what is written.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow, an extra

    path = "$"
    try:
        for bucket, objects in seeds["buckets"].items():
            path = f"$.buckets.{bucket}"
            services.ensure_bucket(bucket)
            for key, content in objects.items():
                services.client("s3").put_object(Bucket=bucket, Key=key, Body=_bytes(content))
        for table, items in seeds["tables"].items():
            path = f"$.tables.{table}"
            for item in items:
                services.client("dynamodb").put_item(TableName=table, Item=_attributes(item))
        for queue, messages in seeds["queues"].items():
            path = f"$.queues.{queue}"
            sqs = services.client("sqs")
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            fifo = {"MessageGroupId": "seed"} if queue.endswith(".fifo") else {}
            for number, message in enumerate(messages):
                unique = {"MessageDeduplicationId": str(number)} if fifo else {}
                sqs.send_message(
                    QueueUrl=url, MessageBody=_bytes(message).decode(), **fifo, **unique
                )
    except (ClientError, BotoCoreError) as error:
        raise ConfigurationError(
            f"the seeds cannot be written: {error}",
            path=path,
            hint="Tables and queues must be declared by the template.",
        ) from error


def _bytes(content: Any) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return text.encode()


def _attributes(item: Any) -> dict[str, Any]:
    """Return an item in the form of DynamoDB's API, where a number is not a binary fraction."""
    from boto3.dynamodb.types import TypeSerializer  # noqa: PLC0415 - slow, and an extra

    serializer = TypeSerializer()
    exact = json.loads(json.dumps(item), parse_float=Decimal)
    if not isinstance(exact, dict):
        raise ConfigurationError(
            f"an item of a table must be an object, not {json_type(item)}", path="$.tables"
        )
    return {name: serializer.serialize(value) for name, value in exact.items()}
