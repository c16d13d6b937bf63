"""Index nodes: blobs that list the chunks of a large value, which only this module reads.

A node starts with a magic that no JSON text starts with, so even a forged stub cannot pass user
data off as a node. A node may list chunks of its own pack, whose name is not known while the node
is written: the empty name stands for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import BlobCorrupt, InvalidStub, StatebagError, UnsupportedFormat
from statebag.format import json_text
from statebag.format.stub import Entry, entries_to_wire, joined_size
from statebag.format.stub_parsing import parse_entries

if TYPE_CHECKING:
    from statebag.format.stub import Blob

__all__ = ["encode_node", "entries_of", "node_entry", "read_node"]

_KIND = b"statebag index "
_MAGIC = _KIND + b"1\n"


def encode_node(entries: tuple[Entry, ...]) -> bytes:
    """Return the text of a node over entries of one level."""
    return _MAGIC + json_text.encode(entries_to_wire(entries))


def node_entry(entries: tuple[Entry, ...], blob: Blob) -> Entry:
    """Return the entry for a node one level up, with the sums of its entries."""
    return Entry(
        blob,
        count=sum(entry.count for entry in entries),
        size=joined_size([entry.size for entry in entries]),
        level=entries[0].level + 1,
    )


def read_node(text: bytes, node: Entry, path: str) -> tuple[Entry, ...]:
    """Return the entries that a verified node lists.

    Raises:
        InvalidStub: The blob is not a node, or its sums are not those of the stub.
    """
    where = node.blob.at
    entries = entries_of(text, path, where)
    if (
        not entries
        or any(entry.level != node.level - 1 for entry in entries)
        or sum(entry.count for entry in entries) != node.count
        or joined_size([entry.size for entry in entries]) != node.size
    ):
        raise InvalidStub("the index node and its stub disagree", path=path, object_name=where)
    return entries


def entries_of(text: bytes, path: str, where: str) -> tuple[Entry, ...]:
    """Return the entries that a node of any level lists; `where` is its pack.

    Raises:
        UnsupportedFormat: The node has another version.
        InvalidStub: The text is not a node.
    """
    if text.startswith(_KIND) and not text.startswith(_MAGIC):
        raise UnsupportedFormat(
            "the index node has a version that this release does not know",
            path=path,
            object_name=where,
            hint="Install a newer statebag here: readers are upgraded first.",
        )
    if not text.startswith(_MAGIC):
        raise InvalidStub(
            "the stub names a value in the place of an index node", path=path, object_name=where
        )
    try:
        body = json_text.decode(text[len(_MAGIC) :], where)
        if not isinstance(body, dict):
            raise BlobCorrupt("the index node is malformed")
        return parse_entries(body, path, this_pack=where)
    except StatebagError as error:
        raise InvalidStub("the index node is malformed", path=path, object_name=where) from error
