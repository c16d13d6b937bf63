"""Which blobs an object in the store refers to, without the state that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import BlobCorrupt, StatebagError
from statebag.format import json_text
from statebag.format.index import entries_of
from statebag.opening.foreign_pointers import pointer_reader
from statebag.opening.walk import Selection, walk
from statebag.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.stub import Blob
    from statebag.store.contract import Store

__all__ = ["older_fault", "referred_by_bag", "referred_by_node", "referred_by_value"]


def referred_by_bag(text: bytes, name: str) -> list[Blob]:
    """The blobs that a stored bag's own stubs name; index nodes are followed by who reads them.

    Raises:
        BlobCorrupt: The text is no bag.
    """
    try:
        return referred_by_value(json_text.decode(text, name))
    except StatebagError as error:
        raise BlobCorrupt("the snapshot is not a bag", object_name=name) from error


def referred_by_value(bag: Any) -> list[Blob]:
    """The same of a bag itself, as an engine carries it.

    Raises:
        InvalidStub, UnsupportedFormat, InvalidState, LimitExceeded: It is no bag.
    """
    return list(_of(bag))


def referred_by_node(text: bytes, name: str) -> list[Blob]:
    """The blobs that an index node lists; `name` is the pack that holds it.

    Raises:
        BlobCorrupt: The text is no node.
    """
    try:
        return [entry.blob for entry in entries_of(text, "$", name)]
    except StatebagError as error:
        raise BlobCorrupt("the index node is malformed", object_name=name) from error


def older_fault(store: Store, bag: Any) -> StatebagError | None:
    """What is wrong with the first object that a pointer of wire version 0 in a bag leads to.

    Each is read, with the archives behind it. What names an object outside the store is data.
    """
    try:
        pointer_reader(store, Policy(), foreign_is_data=True).resolve(bag)
    except StatebagError as error:
        return error
    return None


def _of(bag: Any) -> Iterator[Blob]:
    for site in walk(bag, Selection(None)).sites:
        yield from site.stub.blobs()
