"""Write an array item by item, without ever holding all of it in memory.

It serves results that are gathered from many places: items may arrive in any order and go into
packs at once, and the index puts them in order. Memory holds the frames of one pack, a few packs on
their way to the store, and about 300 bytes for each chunk.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from statebag.errors import InvalidState
from statebag.format import json_text
from statebag.format.codec import compress, sha256_hex
from statebag.format.index import encode_node, node_entry
from statebag.format.pack import PackBuilder
from statebag.format.stub import KEY, Carried, Entry, Pieces, Stub, joined_size
from statebag.format.unopened import Unopened
from statebag.sealing.cutting import MOST_IN_STUB
from statebag.telemetry import usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.format.stub import Blob
    from statebag.policy import Policy

__all__ = ["ArrayWriter"]

# Compressed bytes after which a pack is written. Chosen: a few of these are in memory at once; not
# measured.
_PACK_BYTES = 4 * 1024 * 1024
_WIDEST_NODE = 2048  # entries. Chosen: a node of this width takes about 110 KB of the store


class _Run(msgspec.Struct):
    """Items with consecutive places in the order, which become one chunk."""

    first: int
    items: list[bytes]
    size: int


class _Placed(msgspec.Struct):
    """A chunk in a pack; `pack` counts the packs that this writer makes."""

    first: int
    count: int
    size: int
    blob: Blob
    pack: int


class ArrayWriter:
    """Collect items; `finish` returns an `Unopened` for the array.

    Args:
        put: Writes an object; it may return before the object is durable.
        settle: Returns when everything that was put is durable, or raises the error.
        policy: For the size of chunks and the compression level.
        scope: The encoded scope of the packs.
        salt: Returns a text that gives packs of different keys different names.
    """

    def __init__(
        self,
        put: Callable[[str, bytes], None],
        settle: Callable[[], None],
        policy: Policy,
        scope: str,
        salt: Callable[[], bytes] = bytes,
    ) -> None:
        self._salt = salt
        self._put = put
        self._settle = settle
        self._policy = policy
        self._scope = scope
        self._builder = PackBuilder()
        self._names: list[str] = []
        self._placed: list[_Placed] = []
        self._run: _Run | None = None
        self._finished = False

    def add(self, place: int, text: bytes) -> None:
        """Add one item.

        Args:
            place: Its place in the order; places must differ and need not be consecutive.
            text: Its JSON text as `json_text.encode` writes it.
        """
        run = self._run
        if run is not None and place == run.first + len(run.items):
            run.items.append(text)
            run.size += len(text) + 1
        else:
            self._close_run()
            self._run = run = _Run(place, [text], len(text) + 1)
        if run.size >= self._policy.piece_bytes:
            self._close_run()

    def finish(self) -> Unopened:
        """Return the array, in the order of the places; everything it refers to is stored.

        Raises:
            InvalidState: Two items have one place.
            StoreUnavailable, NotPermitted: From the store.
        """
        assert not self._finished, "an array is finished once"
        self._finished = True
        self._close_run()
        self._close_pack()
        pieces = sorted(self._placed, key=lambda one: one.first)
        for before, after in pairwise(pieces):
            if before.first + before.count > after.first:
                raise InvalidState(f"two items of the array have the index {after.first}")
        entries = [
            Entry(one.blob.placed(self._names[one.pack]), one.count, one.size) for one in pieces
        ]
        while len(entries) > MOST_IN_STUB:
            entries = self._nodes(entries)
        self._settle()
        return _unopened(entries)

    def _close_run(self) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        text = json_text.join_items(run.items, "array")
        frame = compress(text, self._policy.compression_level)
        blob = self._builder.add(sha256_hex(text), len(text), frame)
        self._placed.append(_Placed(run.first, len(run.items), len(text), blob, len(self._names)))
        if self._builder.frame_bytes >= _PACK_BYTES:
            self._close_pack()

    def _close_pack(self) -> None:
        if not len(self._builder):
            return
        usage.add(blobs_stored=len(self._builder))
        self._builder.add_salt(self._salt(), self._policy.compression_level)
        name, data = self._builder.build(self._scope)
        self._names.append(name)
        self._builder = PackBuilder()
        self._put(name, data)

    def _nodes(self, entries: list[Entry]) -> list[Entry]:
        """Return one level of the index over entries whose packs have names."""
        width = min(max(-(-len(entries) // MOST_IN_STUB), 2), _WIDEST_NODE)
        level = self._policy.compression_level
        nodes = []
        for start in range(0, len(entries), width):
            listed = tuple(entries[start : start + width])
            text = encode_node(listed)
            blob = self._builder.add(sha256_hex(text), len(text), compress(text, level), "index")
            nodes.append(node_entry(listed, blob))
        self._close_pack()
        name = self._names[-1]
        return [Entry(one.blob.placed(name), one.count, one.size, one.level) for one in nodes]


def _unopened(entries: list[Entry]) -> Unopened:
    if not entries:
        text = b"[]"
        stub: Stub = Carried(sha256_hex(text), len(text), compress(text), "array", 0)
    else:
        count = sum(entry.count for entry in entries)
        size = joined_size([entry.size for entry in entries])
        stub = Pieces("array", count, size, tuple(entries))
    return Unopened({KEY: stub.to_wire()}, stub, is_own=True)
