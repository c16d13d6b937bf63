"""Show what a bag holds and where its bytes are, without reading values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from statebag.errors import InvalidStub
from statebag.format import json_text
from statebag.format.derived import parse_beside
from statebag.format.index import read_node
from statebag.format.json_check import check_json
from statebag.format.json_text import wire_size
from statebag.format.paths import render_path
from statebag.format.stub import KEY
from statebag.format.unopened import Unopened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.format.paths import Path
    from statebag.format.stub import Blob, Entry, Stub, Whole
    from statebag.opening.fetch import Fetcher
    from statebag.opening.opener import Confinement

__all__ = ["Field", "IndexReader", "Inspection", "PackUse", "Place", "inspect"]

PlacePart = Literal["value", "piece", "index", "tail", "patch"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where bytes of a value are.

    Attributes:
        part: The value's text, one chunk of it, an index over chunks, or the newest items.
        pack: The pack's name below the store's root; None if the frame is in the bag.
        offset: Where the frame starts in the pack.
        length: Bytes of the frame.
        size: Bytes of the text in it.
        count: Items in it, or below an index; 0 for a value that has none.
    """

    part: PlacePart
    pack: str | None
    offset: int
    length: int
    size: int
    count: int


@dataclass(frozen=True, slots=True)
class Field:
    """One value of the state, and its form in the bag.

    Attributes:
        path: Where it is in the state.
        kind: `object`, `array`, `string`, `number`, `boolean`, `null`; `scalar` for a value with a
            stub that is not an object or array.
        form: Its form in the bag.
        size: Bytes of its JSON text when everything in it is opened. If an engine changed plain
            fields next to a `rest`, this is an approximation.
        bag_bytes: Bytes of JSON text that it takes in the bag.
        count: Items or members; None if it has none, or they are not known.
        places: Where its bytes are, without those of `children`.
        children: The values in it that have their own place in the bag.
    """

    path: Path
    kind: str
    form: str
    size: int
    bag_bytes: int
    count: int | None
    places: tuple[Place, ...]
    children: tuple[Field, ...]

    def walk(self) -> Iterator[Field]:
        """Yield this field and all below it, in the order of their paths."""
        pending = [self]
        while pending:
            one = pending.pop()
            yield one
            pending.extend(reversed(one.children))


@dataclass(slots=True)
class PackUse:
    """A pack that a bag names, with the number of blobs there and the bytes of their frames."""

    name: str
    blobs: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Inspection:
    """The facts about a bag that its stubs show.

    Attributes:
        root: The whole state.
        bag_bytes: The bag's size as the policy counts it.
        packs: The packs that it names, in the order of their first use.
        unread_indexes: Index blobs whose chunks are not listed, since nothing was read.
    """

    root: Field
    bag_bytes: int
    packs: tuple[PackUse, ...]
    unread_indexes: int


class IndexReader:
    """Reads the index blobs of a cut value.

    Args:
        fetcher: Gets blobs within the limits of one open.
        confinement: Which scopes may be read.
    """

    def __init__(self, fetcher: Fetcher, confinement: Confinement) -> None:
        self._fetcher = fetcher
        self._confinement = confinement

    def __call__(self, stub: Whole, path: Path) -> tuple[list[Entry], list[Entry]]:
        """Return the chunks of a value in order, and the index blobs that were read for it.

        Raises:
            StatebagError: As for any open.
        """
        entries = list(stub.entries)
        indexes: list[Entry] = []
        while nodes := [entry for entry in entries if entry.level]:
            for node in nodes:
                self._confinement.check(node.blob, path)
            texts = self._fetcher.texts(node.blob for node in nodes)
            indexes.extend(nodes)
            below: list[Entry] = []
            for entry in entries:
                if entry.level:
                    below.extend(read_node(texts[entry.blob], entry, render_path(path)))
                else:
                    below.append(entry)
            entries = below
        return entries, indexes


def inspect(
    bag: Any, read_pieces: Callable[[Whole, Path], tuple[list[Entry], list[Entry]]] | None = None
) -> Inspection:
    """Return what a bag holds, and where.

    Args:
        bag: Any JSON value; `Unopened` values stand for their stubs.
        read_pieces: Reads the indexes of a long value. Without it nothing is read, and the result
            lists an index instead of the chunks below it.

    Raises:
        InvalidState: `bag` holds a value that JSON cannot hold.
        InvalidStub, UnsupportedFormat: An object with the reserved key that is not a stub.
        StatebagError: What `read_pieces` raises.
    """
    check_json(bag, frozenset({Unopened}))
    nodes = _nodes(bag)
    # Children come after their parents: from the end, each one's are done before it.
    for node in reversed(nodes):
        node.finish(read_pieces)
    root = nodes[0].field
    assert root is not None  # just finished
    text = json_text.encode(bag, lambda unopened: unopened.wire)
    packs, unread = _uses(root, read=read_pieces is not None)
    return Inspection(root, wire_size(json_text.decode(text), text), packs, unread)


@dataclass(slots=True)
class _Node:
    """A value of the bag while its field is being made."""

    value: Any
    path: Path
    stub: Stub | None = None
    children: list[_Node] = field(default_factory=list)
    field: Field | None = None

    def finish(
        self, read_pieces: Callable[[Whole, Path], tuple[list[Entry], list[Entry]]] | None
    ) -> None:
        """Make the field, once those of its children are made."""
        stub = self.stub
        places: tuple[Place, ...] = ()
        fields = tuple(child.field for child in self.children if child.field is not None)
        if stub is None:
            form = "plain"
            kind = _kind(self.value)
            count = len(self.value) if isinstance(self.value, dict | list) else None
            size, bag_bytes = self._plain_sizes(fields)
        elif stub.is_data:
            form, kind, count = "escaped", "object", len(stub.original)
            size = len(json_text.encode(stub.original))
            bag_bytes = len(json_text.encode(self.value))
        else:
            whole = stub.whole
            form = stub.form
            kind, count = whole.kind or "scalar", whole.count if whole.kind else None
            places = tuple(_places(whole, self.path, read_pieces))
            size, bag_bytes = whole.size, len(json_text.encode({KEY: self.value[KEY]}))
            if stub.beside is not None:
                # In the whole, null holds the place of each field that must stand next to it.
                beside = frozenset(stub.beside)
                size += sum(one.size - 4 for one in fields if one.path[-1] in beside)
                bag_bytes += sum(_member_bytes(one, one.bag_bytes) + 1 for one in fields)
        self.field = Field(self.path, kind, form, size, bag_bytes, count, places, fields)

    def _plain_sizes(self, fields: tuple[Field, ...]) -> tuple[int, int]:
        if isinstance(self.value, dict):
            frame = 2 + max(len(fields) - 1, 0)
            return (
                frame + sum(_member_bytes(one, one.size) for one in fields),
                frame + sum(_member_bytes(one, one.bag_bytes) for one in fields),
            )
        if isinstance(self.value, list):
            frame = 2 + max(len(fields) - 1, 0)
            return (
                frame + sum(one.size for one in fields),
                frame + sum(one.bag_bytes for one in fields),
            )
        size = len(json_text.encode(self.value))
        return size, size


def _nodes(bag: Any) -> list[_Node]:
    """Return a node for each value with its own place in the bag, parents before children."""
    nodes: list[_Node] = []
    pending: list[tuple[Any, Path, _Node | None]] = [(bag, (), None)]
    while pending:
        value, path, parent = pending.pop()
        node = _Node(value.wire if isinstance(value, Unopened) else value, path)
        nodes.append(node)
        if parent is not None:
            parent.children.append(node)
        value = node.value
        members: list[tuple[str | int, Any]] = []
        if isinstance(value, dict) and KEY in value:
            node.stub, siblings = parse_beside(value, render_path(path))
            _check_beside(node.stub, path)
            members = list(siblings.items())
        elif isinstance(value, dict):
            members = list(value.items())
        elif isinstance(value, list):
            members = list(enumerate(value))
        pending.extend((member, (*path, key), node) for key, member in reversed(members))
    return nodes


def _check_beside(stub: Stub, path: Path) -> None:
    missing = [name for name in stub.beside or () if name not in stub.siblings]
    if missing:
        raise InvalidStub(
            f"the object lost {len(missing)} fields that were next to its stub",
            path=render_path((*path, missing[0])),
            hint="Move the whole object, not only its stub.",
        )


def _member_bytes(one: Field, size: int) -> int:
    return len(json_text.encode(one.path[-1])) + 1 + size


def _kind(value: Any) -> str:
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "number")


def _places(
    whole: Whole,
    path: Path,
    read_pieces: Callable[[Whole, Path], tuple[list[Entry], list[Entry]]] | None,
) -> Iterator[Place]:
    is_given = bool(whole.layers) and not whole.own_frame  # by the last layer
    if whole.has_bytes and not whole.entries and not is_given:
        part: PlacePart = "value" if whole.base is None else "patch"
        yield Place(part, None, 0, len(whole.own_frame), whole.size, whole.count)
    for layer in whole.layers:
        yield _place(layer.blob, "patch", 0)
    stub = whole.read
    entries = list(stub.entries)
    indexes: list[Entry] = []
    if entries and read_pieces is not None:
        entries, indexes = read_pieces(stub, path)
    for entry in indexes:
        yield _place(entry.blob, "index", entry.count)
    for entry in entries:
        yield _place(entry.blob, "index" if entry.level else "piece", entry.count)
    one = stub.simple
    if one is not None and one.blob is not None:
        yield _place(one.blob, "tail" if entries else "value", one.count)
    elif one is not None and entries:
        yield Place("tail", None, 0, len(one.frame), one.size, one.count)


def _place(blob: Blob, part: PlacePart, count: int) -> Place:
    return Place(part, blob.at, blob.offset, blob.length, blob.size, count)


def _uses(root: Field, *, read: bool) -> tuple[tuple[PackUse, ...], int]:
    """Return the packs of all places, and the indexes that were not read."""
    packs: dict[str, PackUse] = {}
    seen: set[tuple[str, int]] = set()
    unread = 0
    for one in root.walk():
        for place in one.places:
            if place.pack is None or (place.pack, place.offset) in seen:
                continue
            seen.add((place.pack, place.offset))
            use = packs.setdefault(place.pack, PackUse(place.pack))
            use.blobs += 1
            use.bytes += place.length
            unread += place.part == "index" and not read
    return tuple(packs.values()), unread
