"""Read the bags that the heads of a store hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import BlobMissing
from statebag.format import json_text
from statebag.format.head_names import HEADS, parse_head_object
from statebag.format.head_record import HeadState, decode_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.head_names import HeadObject
    from statebag.store.contract import ObjectInfo, Store

__all__ = ["bags_of_object", "head_objects", "is_over", "state_of"]


def head_objects(store: Store, prefix: str = "") -> Iterator[tuple[ObjectInfo, HeadObject]]:
    """Yield the objects of all heads, or of those in a scope and below it, in order."""
    folder = f"{HEADS}/{prefix}" if prefix else HEADS
    for info in store.list(folder):
        one = parse_head_object(info.name)
        if one is not None:
            yield info, one


def bags_of_object(data: bytes, name: str) -> list[Any]:
    """Return the bags in the bytes of an object of a head; none if the head was deleted.

    Raises:
        BlobCorrupt, UnsupportedFormat: It cannot be read.
    """
    record = decode_record(data, name)
    version = record.newest if isinstance(record, HeadState) else record
    return [] if version is None else [json_text.decode(version.bag.encode(), name)]


def is_over(one: HeadObject, state: HeadState | None, labels: set[str]) -> bool:
    """Return whether a version, or the version of an attached object, no longer exists.

    Args:
        one: The object.
        state: What its head says; None if there is no head.
        labels: The labels of all versions of the head, encoded.
    """
    if one.kind == "head":
        return False
    if state is None or state.newest is None:
        return True
    if one.kind == "attached":
        return one.label not in labels
    return one.life != state.life or state.has_dropped(one.number) or one.number > state.last


def state_of(store: Store, name: str) -> HeadState | None:
    """Return what the object of a head says; None if it is gone."""
    try:
        record = decode_record(store.get(name), name)
    except BlobMissing:
        return None
    return record if isinstance(record, HeadState) else None
