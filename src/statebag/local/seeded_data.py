"""Fill tables, queues and buckets before a run begins.

The document has three optional objects. `buckets` has the contents of each bucket's objects, by
their keys; `tables` has the items of each table; `queues` has the messages of each queue. A value
that is not text is written as JSON. An item of a table is plain JSON too.
"""

from __future__ import annotations

import difflib
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statebag.asl.documents import parse_document, read_text
from statebag.errors import ConfigurationError
from statebag.format.json_type import json_type
from statebag.format.paths import render_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.local.interpreter.aws_services import AwsServices

__all__ = ["put_seeds", "read_seeds"]

_PARTS: dict[str, type] = {"buckets": dict, "tables": list, "queues": list}
_EXAMPLES = {
    "buckets": '{"buckets": {"reports": {"2026/a.json": {"n": 1}}}}',
    "tables": '{"tables": {"Orders": [{"id": "1"}]}}',
    "queues": '{"queues": {"jobs": [{"n": 1}]}}',
}
# Codes of DynamoDB and SQS (their API references) for a table or a queue that is not there.
_NOT_THERE = frozenset(
    {
        "ResourceNotFoundException",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
    }
)


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
        names = list(document) if isinstance(document, dict) else []
        wrong = [str(one) for one in names if one not in _PARTS]
        found = ", ".join(wrong) or json_type(document)
        near = difflib.get_close_matches(wrong[0], _PARTS, n=1) if wrong else []
        raise ConfigurationError(
            f"{where} must have buckets, tables and queues, not {found[:200]}",
            hint=f"Did you mean {near[0]}?" if near else f"Such as {_EXAMPLES['tables']}",
        )
    for part, inner in _PARTS.items():
        content = document.get(part, {})
        given = content.items() if isinstance(content, dict) else [(None, content)]
        for name, one in given:
            if name is None or not isinstance(one, inner):
                kind = "object" if inner is dict else "array"
                raise ConfigurationError(
                    f"{where} must have an {kind} for each name, not {json_type(one)}",
                    path=render_path((part,) if name is None else (part, str(name))),
                    hint=f"Such as {_EXAMPLES[part]}",
                )
    return {part: document.get(part, {}) for part in _PARTS}


def put_seeds(seeds: Mapping[str, Mapping[str, Any]], services: AwsServices) -> None:
    """Write the seeds with boto3.

    Raises:
        ConfigurationError: There is no such table or queue, or it refuses what is written.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow, an extra

    path: tuple[str | int, ...] = ()
    try:
        for bucket, objects in seeds["buckets"].items():
            path = ("buckets", bucket)
            services.ensure_bucket(bucket)
            for key, content in objects.items():
                path = ("buckets", bucket, key)
                services.client("s3").put_object(Bucket=bucket, Key=key, Body=_bytes(content))
        for table, items in seeds["tables"].items():
            for number, item in enumerate(items):
                path = ("tables", table, number)
                attributes = _attributes(item, path)
                services.client("dynamodb").put_item(TableName=table, Item=attributes)
        for queue, messages in seeds["queues"].items():
            path = ("queues", queue)
            sqs = services.client("sqs")
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            fifo = {"MessageGroupId": "seed"} if queue.endswith(".fifo") else {}
            for number, message in enumerate(messages):
                unique = {"MessageDeduplicationId": str(number)} if fifo else {}
                sqs.send_message(
                    QueueUrl=url, MessageBody=_bytes(message).decode(), **fifo, **unique
                )
    except (ClientError, BotoCoreError) as error:
        answer = getattr(error, "response", {}).get("Error", {})
        code = answer.get("Code", type(error).__name__)
        is_there = code not in _NOT_THERE
        raise ConfigurationError(
            f"the seeds cannot be written: {code}",
            path=render_path(path if is_there else path[:2]),
            hint=_hint(code, path, answer.get("Message", ""), is_there=is_there),
        ) from error


def _hint(code: str, path: tuple[str | int, ...], message: str, *, is_there: bool) -> str:
    """Return a hint that fits the answer of the service."""
    part, name = (*map(str, path[:2]), "", "")[:2]
    if not is_there:
        kind = part.removesuffix("s")
        return (
            f"Declare the {kind} {name} in the template (a definition alone has no {part}), or "
            f"correct its name."
        )
    if part == "tables" and code == "ValidationException":
        return f"An item needs the keys of its table, each of the type that the table has: {name}."
    if part == "buckets":
        return "The name of a bucket has 3 to 63 small letters, digits, dots and hyphens."
    return message or "Correct what is at this path."


def _bytes(content: Any) -> bytes:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return text.encode()


def _attributes(item: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
    """Return an item in the form of DynamoDB's API, where a number is not a binary fraction."""
    from boto3.dynamodb.types import TypeSerializer  # noqa: PLC0415 - slow, and an extra

    serializer = TypeSerializer()
    exact = json.loads(json.dumps(item), parse_float=Decimal)
    if not isinstance(exact, dict):
        raise ConfigurationError(
            f"an item of a table must be an object, not {json_type(item)}",
            path=render_path(path),
            hint=f"Such as {_EXAMPLES['tables']}",
        )
    return {name: serializer.serialize(value) for name, value in exact.items()}
