"""Make the inputs of a distributed Map's children: one item each, or batches of items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.local.interpreter.json_value import JsonValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["batched"]


def batched(
    items: Iterable[JsonValue],
    most_items: int | None,
    most_bytes: int | None,
    batch_input: Any = None,
) -> Iterator[tuple[JsonValue, int]]:
    """Yield the inputs of batches, each with the number of its items.

    Args:
        items: The items in order.
        most_items: Items that a batch may have; None for as many as fit.
        most_bytes: Bytes that the input of a batch may have; None for the payload limit.
        batch_input: The value that each batch has as `BatchInput`; None for no value.

    An item that is too large for any batch gets its own batch.
    """
    frame: dict[str, Any] = {} if batch_input is None else {"BatchInput": batch_input}
    empty = JsonValue({**frame, "Items": []}).size
    room = min(most_bytes or PAYLOAD_LIMIT, PAYLOAD_LIMIT)
    batch: list[Any] = []
    size = empty
    for item in items:
        # The comma after an item counts, but for the last one's.
        if batch and (len(batch) == most_items or size + item.size > room):
            yield JsonValue({**frame, "Items": batch}), len(batch)
            batch, size = [], empty
        batch.append(item.value)
        size += item.size + 1
    if batch:
        yield JsonValue({**frame, "Items": batch}), len(batch)
