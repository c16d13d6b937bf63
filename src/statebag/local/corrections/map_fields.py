"""What a Distributed Map has beside what the interpreter's grammar knows, and how it is used.

`parsing` attaches it to the parsed state; `distributed_map` runs the state by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from statebag.local.buckets import s3_client
from statebag.local.corrections.failures import failed_with
from statebag.local.item_reader import UnreadableItemsError, listed_item, parsed_items

if TYPE_CHECKING:
    from statebag.local.item_reader import ItemSource
    from statebag.local.result_writer import Writer

__all__ = ["ItemReading", "MapFields", "Template", "evaluated", "map_fields"]

Template = Any
"""A parsed payload template, for `evaluated`."""


@dataclass(frozen=True)
class MapFields:
    """What the grammar does not know about a Distributed Map; templates are parsed.

    Attributes:
        source: Where the items are; None: in the state's input.
        source_template: What the ItemReader's parameters are computed from.
        batcher: Template of MaxItemsPerBatch, MaxInputBytesPerBatch, BatchInput; None: no batches.
        writer: How results are written or returned.
        writer_template: Template of the bucket and the prefix; None: results are returned.
        limits: Which of `ToleratedFailureCount` and `ToleratedFailurePercentage` are given.
    """

    source: ItemSource | None
    source_template: Template
    batcher: Template
    writer: Writer
    writer_template: Template
    limits: frozenset[str]


def map_fields(state: Any) -> MapFields:
    """The fields of a parsed Distributed Map state."""
    fields: MapFields = state.statebag_fields
    return fields


class ItemReading:
    """Stands in for the interpreter's ItemReader: leaves the items on the stack.

    Args:
        fields: Those of the Map; it has a source.
    """

    def __init__(self, fields: MapFields) -> None:
        self._fields = fields

    def eval(self, env: Any) -> None:
        """Read the items; fails the state with `States.ItemReaderFailed`."""
        env.stack.append(_read_items(env, self._fields))


def evaluated(env: Any, template: Any) -> dict[str, Any]:
    """A payload template's value for the input of the Map state that `env` runs."""
    frame = env.open_inner_frame()
    try:
        value = env.stack[-1] if env.stack else env.states.get_input()
        frame.states.reset(input_value=value)
        frame.stack.append(value)
        template.eval(frame)
        result: dict[str, Any] = frame.stack.pop()
        return result
    finally:
        env.delete_frame(frame)


def _read_items(env: Any, fields: MapFields) -> list[Any]:
    source = fields.source
    assert source is not None
    values = evaluated(env, fields.source_template)
    most = values.pop("MaxItems", 0) or None
    client = s3_client(env.aws_execution_details.region)
    try:
        if source.listing:
            pages = client.get_paginator("list_objects_v2").paginate(**values)
            items = [listed_item(entry) for page in pages for entry in page.get("Contents", [])]
        else:
            items = parsed_items(source, client.get_object(**values)["Body"].read())
    except (BotoCoreError, ClientError, UnreadableItemsError) as error:
        raise failed_with(env, "States.ItemReaderFailed", str(error)) from error
    return items[: int(most)] if most else items
