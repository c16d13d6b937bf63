"""Stubs: what stands in a bag for a value that left plain form (wire version 1).

A stub is a JSON object whose one key is `__statebag__` (the form *rest* alone has other keys
beside it). Each form is a small class here, with `to_wire` and, in one place, `parse_stub`,
which takes nothing that `to_wire` could not have written.
"""

from __future__ import annotations

import binascii
from typing import Any, Literal

import msgspec

from statebag.errors import InvalidStub, UnsupportedFormat
from statebag.format import json_text
from statebag.format.names import check_pack_name

__all__ = [
    "KEY",
    "THIS_PACK",
    "Blob",
    "Carried",
    "Entry",
    "Escaped",
    "Extent",
    "Kind",
    "Patched",
    "Pieces",
    "Rest",
    "Stored",
    "Stub",
    "Unopened",
    "Whole",
    "parse_stub",
]

KEY = "__statebag__"
VERSION = 1
THIS_PACK = ""
"""Stands for the name of the pack that is being written: it is the hash of what it names."""

MAX_LEVEL = 12  # of an index over pieces; 32**12 pieces are more than any store holds
MAX_ENTRIES = 4096  # pieces or nodes listed in one place; a reader's bound, writers stay far below

Kind = Literal["array", "object"]
_HEX = frozenset("0123456789abcdef")
_MAX_NUMBER = 2**53
_MAX_VERSION = 1000
_LONGEST_RELEASE = 12  # characters of a release's number


class Blob(msgspec.Struct, frozen=True):
    """Where the frame of one text lies.

    Attributes:
        sha256: 64 hex digits of the text.
        size: Bytes of the text.
        at: The pack's name; `THIS_PACK` until it is known.
        offset: Where the frame starts in the pack, in bytes.
        length: Bytes of the frame.
    """

    sha256: str
    size: int
    at: str
    offset: int
    length: int

    def placed(self, name: str) -> Blob:
        """The same blob with its pack's name, where that was not known yet."""
        return msgspec.structs.replace(self, at=name) if self.at == THIS_PACK else self


class Stored(msgspec.Struct, frozen=True):
    """A value whose text is a blob in a pack; arrays and objects say how many items."""

    blob: Blob
    kind: Kind | None = None
    count: int = 0

    @property
    def size(self) -> int:
        """Bytes of the value's text."""
        return self.blob.size

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        blob = self.blob
        return {
            "v": VERSION,
            "sha256": blob.sha256,
            "size": blob.size,
            "at": blob.at,
            "span": [blob.offset, blob.length],
            **_shape(self.kind, self.count),
        }


class Carried(msgspec.Struct, frozen=True):
    """A value whose frame travels in the bag itself."""

    sha256: str
    size: int
    frame: bytes
    kind: Kind | None = None
    count: int = 0

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        return {
            "v": VERSION,
            "sha256": self.sha256,
            "size": self.size,
            "data": _base64(self.frame),
            **_shape(self.kind, self.count),
        }


class Entry(msgspec.Struct, frozen=True):
    """One piece of a large value (level 0), or an index node over further entries.

    Attributes:
        blob: The text of the piece, itself an array or object; or the node.
        count: Items below it.
        size: Bytes of the text of the array or object that the items below it make.
        level: 0 for a piece; a node stands one above what it lists.
    """

    blob: Blob
    count: int
    size: int
    level: int = 0


class Extent(msgspec.Struct, frozen=True):
    """Bytes of a pack in which pieces lie that only an index node lists."""

    at: str
    offset: int
    length: int

    def placed(self, name: str) -> Extent:
        """The same bytes with the pack's name, where that was not known yet."""
        return msgspec.structs.replace(self, at=name) if self.at == THIS_PACK else self


class Pieces(msgspec.Struct, frozen=True):
    """A large array or object cut between items: entries in order, then the tail.

    `reads` is advice: what a reader of the whole value will need, so that it can ask for it
    together with the index instead of after it.
    """

    kind: Kind
    count: int
    size: int
    entries: tuple[Entry, ...]
    tail: Stored | Carried | None = None
    reads: tuple[Extent, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        body: dict[str, Any] = {
            "v": VERSION,
            "kind": self.kind,
            "count": self.count,
            "size": self.size,
            **entries_to_wire(self.entries, self.reads),
        }
        if self.tail is not None:
            tail = self.tail.to_wire()
            del tail["v"], tail["kind"]
            body["tail"] = tail
        return body


class Patched(msgspec.Struct, frozen=True):
    """A value as the difference to one that is stored: a zstd frame with that as its prefix.

    Attributes:
        base: The stored value; never itself patched, and the tail is all of it that may be carried.
        sha256: Of the value's text.
        size: Bytes of the value's text.
        patch: The frame.
        kind: As in the other forms.
        count: Likewise.
    """

    base: Stored | Pieces
    sha256: str
    size: int
    patch: bytes
    kind: Kind | None = None
    count: int = 0

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        base = self.base.to_wire()
        del base["v"]
        return {
            "v": VERSION,
            "sha256": self.sha256,
            "size": self.size,
            "patch": _base64(self.patch),
            "base": base,
            **_shape(self.kind, self.count),
        }


class Rest(msgspec.Struct, frozen=True):
    """The many small fields of an object as one value; beside it stand fields of their own.

    Attributes:
        whole: The object, with null for each name in `beside`.
        beside: Fields that are not in `whole` and must stand beside the stub.
        siblings: The JSON values that stand beside the stub, `beside` and control fields.
    """

    whole: Whole
    beside: tuple[str, ...]
    siblings: dict[str, Any]

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        return {**self.whole.to_wire(), "rest": True, "beside": list(self.beside)}


class Escaped(msgspec.Struct, frozen=True):
    """User data that has the reserved key: opaque, however it looks inside."""

    original: dict[str, Any]

    def to_wire(self) -> dict[str, Any]:
        """The stub's body."""
        return {"v": VERSION, "escaped": self.original}


Whole = Stored | Carried | Pieces | Patched
Stub = Whole | Rest | Escaped


class Unopened:
    """A value of a state that was not opened, standing where it was in the bag.

    It is not a dict, so data can never be taken for it; a later seal passes it through unread.

    Attributes:
        wire: The JSON object that stands for it in a bag.
        stub: The same, parsed.
    """

    __slots__ = ("stub", "wire")

    def __init__(self, wire: dict[str, Any], stub: Stub) -> None:
        self.wire = wire
        self.stub = stub

    @property
    def size(self) -> int:
        """Bytes of the value's JSON text; nearly so for *rest* and escaped data."""
        return _plain_size(self.wire, self.stub)

    @property
    def kind(self) -> Kind | None:
        """`array` or `object`; None for another value."""
        if isinstance(self.stub, Rest | Escaped):
            return "object"
        return self.stub.kind

    @property
    def count(self) -> int:
        """Items of the array or members of the object; 0 for another value."""
        return 0 if isinstance(self.stub, Rest | Escaped) else self.stub.count

    def __repr__(self) -> str:
        return f"Unopened({self.kind or 'value'}, {self.size} bytes)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unopened) and self.wire == other.wire

    __hash__ = None  # type: ignore[assignment]  # equal by content that is a dict


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def _plain_size(wire: Any, stub: Stub) -> int:
    """Bytes of what a stub stands for, with what stands beside it."""
    size = 0
    pending: list[tuple[Any, Stub]] = [(wire, stub)]
    while pending:  # beside a rest's stub may stand another one, and so on
        one, its = pending.pop()
        if isinstance(its, Escaped):
            size += _text_size(its.original)
            continue
        if not isinstance(its, Rest):
            size += its.size
            continue
        size += its.whole.size - len(b"null") * len(its.beside)
        for name in its.beside:
            sibling = one.get(name)
            if isinstance(sibling, dict) and KEY in sibling:
                pending.append((sibling, parse_stub(sibling, "$")))
            else:
                size += _text_size(sibling)
    return size


def _text_size(value: Any) -> int:
    try:
        return len(json_text.encode(value))
    except (RecursionError, UnicodeEncodeError):
        raise InvalidStub("beside a stub stands what JSON cannot hold") from None


def _shape(kind: Kind | None, count: int) -> dict[str, Any]:
    return {} if kind is None else {"kind": kind, "count": count}


def entries_to_wire(entries: tuple[Entry, ...], reads: tuple[Extent, ...] = ()) -> dict[str, Any]:
    """Entries as rows `[count, size, sha256, pack, offset, length]`, with the packs' names once.

    A node has two more fields: its level, and the size of its own text. What to read ahead are
    rows `[pack, offset, length]`.
    """
    packs: dict[str, int] = {}
    rows: list[list[Any]] = []
    for entry in entries:
        blob = entry.blob
        pack = packs.setdefault(blob.at, len(packs))
        row = [entry.count, entry.size, blob.sha256, pack, blob.offset, blob.length]
        rows.append([*row, entry.level, blob.size] if entry.level else row)
    ahead = [[packs.setdefault(one.at, len(packs)), one.offset, one.length] for one in reads]
    return {"packs": list(packs), "pieces": rows, **({"reads": ahead} if ahead else {})}


def parse_stub(wire: dict[str, Any], path: str) -> Stub:
    """The stub in a JSON object that has the reserved key.

    Args:
        wire: The object; it is referred to, not copied.
        path: Where it stands, for messages.

    Raises:
        UnsupportedFormat: A version that is not known here.
        InvalidStub: Anything that no seal can have written.
    """
    body = wire[KEY]
    if not isinstance(body, dict) or "v" not in body:
        raise InvalidStub(
            f"an object has the reserved key {KEY} and is no stub",
            path=path,
            hint="Data of one's own that has this key must go through seal, which escapes it.",
        )
    version = body["v"]
    # An engine may have made 1 into 1.0 on its way, as it may have done to any number here.
    if type(version) not in {int, float} or version != VERSION:
        raise _of_a_newer_release(version, body.get("since"), path)
    parse = _Parser(body, path)
    if body.get("rest") is True:
        siblings = {key: value for key, value in wire.items() if key != KEY}
        return Rest(parse.whole(), parse.names("beside"), siblings)
    if len(wire) != 1:
        raise InvalidStub(f"{KEY} stands beside other keys", path=path)
    if "escaped" in body:
        return Escaped(parse.field("escaped", dict))
    return parse.whole()


def _of_a_newer_release(version: object, since: object, path: str) -> UnsupportedFormat:
    """The error for a stub of a form that was added later.

    Such a stub says in `since` which release reads it first. Both come from a payload, so they
    are quoted only where they are what they should be.
    """
    from statebag._version import __version__  # noqa: PLC0415  # rarely needed

    is_number = type(version) in {int, float} and version in range(VERSION + 1, _MAX_VERSION)
    named = f"version {version:.0f}" if is_number else "a version"
    parts = since.split(".") if isinstance(since, str) and len(since) <= _LONGEST_RELEASE else []
    is_release = 2 <= len(parts) <= 3 and all(part.isascii() and part.isdecimal() for part in parts)
    wanted = f"statebag {since} or newer" if is_release else "a newer statebag"
    return UnsupportedFormat(
        f"a stub has {named} that this release ({__version__}) does not know",
        path=path,
        hint=f"Install {wanted} here, then redrive the execution: readers are upgraded first.",
    )


def parse_entries(body: dict[str, Any], path: str, this_pack: str | None) -> tuple[Entry, ...]:
    """The rows that `entries_to_wire` wrote; `this_pack` is the pack that holds a node."""
    return _Parser(body, path).entries(this_pack)


class _Parser:
    """Typed access to a stub's body; every fault is an `InvalidStub` with the field's name."""

    def __init__(self, body: dict[str, Any], path: str) -> None:
        self.body = body
        self.path = path

    def fault(self, field: str) -> InvalidStub:
        return InvalidStub(f"a stub's field {field!r} is missing or wrong", path=self.path)

    def field(self, name: str, kind: type) -> Any:
        value = self.body.get(name)
        if type(value) is not kind:
            raise self.fault(name)
        return value

    def number(self, value: object, name: str) -> int:
        # An engine may have made 12 into 12.0 on its way; it is the same number.
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
            raise self.fault(name)
        return value

    def digest(self, value: object) -> str:
        if not isinstance(value, str) or len(value) != 64 or not _HEX.issuperset(value):
            raise self.fault("sha256")
        return value

    def kind(self) -> Kind:
        value = self.body.get("kind")
        if value == "array":
            return "array"
        if value == "object":
            return "object"
        raise self.fault("kind")

    def names(self, name: str) -> tuple[str, ...]:
        values = self.field(name, list)
        if not all(isinstance(value, str) for value in values):
            raise self.fault(name)
        return tuple(values)

    def whole(self) -> Whole:
        if "patch" in self.body:
            return self.patched()
        if "pieces" in self.body:
            return self.pieces()
        return self.single()

    def patched(self) -> Patched:
        start = self.field("base", dict)
        if "patch" in start:  # looked at before it is parsed: a chain of them has no end
            raise self.fault("base")
        base = _Parser(start, self.path).whole()
        if not isinstance(base, Stored | Pieces):
            raise self.fault("base")
        kind = self.kind() if "kind" in self.body else None
        return Patched(
            base,
            self.digest(self.body.get("sha256")),
            self.number(self.body.get("size"), "size"),
            self.frame("patch"),
            kind,
            self.number(self.body.get("count"), "count") if kind else 0,
        )

    def frame(self, name: str) -> bytes:
        try:
            return binascii.a2b_base64(self.field(name, str), strict_mode=True)
        except ValueError:  # also what is not ASCII
            raise self.fault(name) from None

    def single(self) -> Stored | Carried:
        sha256 = self.digest(self.body.get("sha256"))
        size = self.number(self.body.get("size"), "size")
        kind = self.kind() if "kind" in self.body else None
        count = self.number(self.body.get("count"), "count") if kind else 0
        if "data" in self.body:
            return Carried(sha256, size, self.frame("data"), kind, count)
        span = self.field("span", list)
        if len(span) != 2:
            raise self.fault("span")
        offset, length = (self.number(value, "span") for value in span)
        if length > longest_frame(size):
            raise self.fault("span")
        at = check_pack_name(self.body.get("at"), self.path)
        return Stored(Blob(sha256, size, at, offset, length), kind, count)

    def pieces(self) -> Pieces:
        kind = self.kind()
        tail = None
        if "tail" in self.body:
            inner = {"kind": kind, **self.field("tail", dict)}
            tail = _Parser(inner, self.path).single()
        entries = self.entries(None)
        reads = self.reads()
        count = self.number(self.body.get("count"), "count")
        size = self.number(self.body.get("size"), "size")
        if not entries:
            raise self.fault("pieces")
        total = sum(entry.count for entry in entries) + (tail.count if tail else 0)
        parts = [entry.size for entry in entries] + ([tail.size] if tail else [])
        if total != count or size != joined_size(parts):
            raise self.fault("count")
        return Pieces(kind, count, size, entries, tail, reads)

    def entries(self, this_pack: str | None) -> tuple[Entry, ...]:
        packs = self.field("packs", list)
        rows = self.field("pieces", list)
        if len(rows) > MAX_ENTRIES:
            raise self.fault("pieces")
        names = [
            this_pack
            if this_pack is not None and name == THIS_PACK
            else check_pack_name(name, self.path)
            for name in packs
        ]
        return tuple(self.entry(row, names) for row in rows)

    def reads(self) -> tuple[Extent, ...]:
        rows = self.body.get("reads", [])
        names = self.field("packs", list)  # checked with the entries
        if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
            raise self.fault("reads")
        return tuple(self.extent(row, names) for row in rows)

    def extent(self, row: object, names: list[str]) -> Extent:
        if not isinstance(row, list) or len(row) != 3:
            raise self.fault("reads")
        pack, offset, length = (self.number(value, "reads") for value in row)
        if pack >= len(names):
            raise self.fault("reads")
        return Extent(names[pack], offset, length)

    def entry(self, row: object, names: list[str]) -> Entry:
        if not isinstance(row, list) or len(row) not in {6, 8}:
            raise self.fault("pieces")
        sha256 = self.digest(row[2])
        count, size, pack, offset, length, *node = (
            self.number(value, "pieces") for value in (*row[:2], *row[3:])
        )
        level, own_size = node or (0, size)
        if pack >= len(names) or level > MAX_LEVEL or (node and level == 0) or not count:
            raise self.fault("pieces")
        if length > longest_frame(own_size):
            raise self.fault("pieces")
        blob = Blob(sha256, own_size, names[pack], offset, length)
        return Entry(blob, count, size, level)


def longest_frame(size: int) -> int:
    """Bytes that a zstd frame of a text can have at most; a longer span is not one of ours.

    zstd's own bound is `size + size/256` and at most 64 bytes for small texts, with a header of up
    to 18 bytes (RFC 8878, ZSTD_COMPRESSBOUND). Without it a stub of three bytes could have a reader
    fetch a whole pack.
    """
    return size + size // 128 + 512


def joined_size(sizes: list[int]) -> int:
    """Bytes of the text of one array or object made of the items of several.

    Each has two bytes of brackets; joined, they share two and gain a comma between each.
    """
    return 2 + sum(size - 2 for size in sizes) + max(len(sizes) - 1, 0)
