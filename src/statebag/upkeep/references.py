"""Find the blobs to which an object in the store refers, without opening a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import BlobCorrupt, StatebagError
from statebag.format import json_text
from statebag.format.index import entries_of
from statebag.opening.foreign_pointers import pointer_reader
from statebag.opening.walk import EVERYTHING, walk
from statebag.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.stub import Blob
    from statebag.store.contract import Store

__all__ = ["older_fault", "referred_by_bag", "referred_by_node", "referred_by_value"]


def referred_by_bag(text: bytes, name: str) -> list[Blob]:
    """Return the blobs that a stored bag's stubs name, without those of index nodes.

    Raises:
        BlobCorrupt: The text is not a bag.
    """
    try:
        return referred_by_value(json_text.decode(text, name))
    except StatebagError as error:
        raise BlobCorrupt("the snapshot is not a bag", object_name=name) from error


def referred_by_value(bag: Any) -> list[Blob]:
    """Return the blobs that a bag's stubs name, without those of index nodes.

    Raises:
        InvalidStub, UnsupportedFormat, InvalidState, LimitExceeded: It is not a bag.
    """
    return list(_of(bag))


def referred_by_node(text: bytes, name: str) -> list[Blob]:
    """Return the blobs that an index node lists; `name` is the pack that holds it.

    Raises:
        BlobCorrupt: The text is not a node.
    """
    try:
        return [entry.blob for entry in entries_of(text, "$", name)]
    except StatebagError as error:
        raise BlobCorrupt("the index node is malformed", object_name=name) from error


def older_fault(store: Store, bag: Any) -> StatebagError | None:
    """Return the first fault of an object to which a legacy pointer in a bag leads.

    It reads each object, with its archives. A pointer to an object outside the store is data.
    """
    try:
        pointer_reader(store, Policy(), foreign_is_data=True).resolve(bag)
    except StatebagError as error:
        return error
    return None


def _of(bag: Any) -> Iterator[Blob]:
    for site in walk(bag, EVERYTHING).sites:
        yield from site.stub.blobs()
