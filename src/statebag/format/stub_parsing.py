"""Parse stubs, and refuse everything that `to_wire` could not have written."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidStub, UnsupportedFormat
from statebag.format.json_text import EXACT_INTEGER
from statebag.format.layers import MOST_LAYERS, Layer, longest_layer
from statebag.format.names import check_pack_name
from statebag.format.pack import LARGEST_NODE
from statebag.format.stub import (
    KEY,
    LAYERED_VERSION,
    MAX_ENTRIES,
    MAX_LEVEL,
    THIS_PACK,
    VERSION,
    VERSIONS,
    Blob,
    Carried,
    Entry,
    Escaped,
    Extent,
    Kind,
    Layered,
    Patched,
    Pieces,
    Rest,
    Stored,
    Stub,
    Whole,
    joined_size,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMS", "Fields", "longest_frame", "parse_entries", "parse_stub"]

_HEX = "0123456789abcdef"
_INTEGERS: frozenset[type] = frozenset({int})
# What a message may repeat of a stub that is too new. Chosen: any honest writer stays below.
_MAX_VERSION = 1000
_LONGEST_RELEASE = 12  # characters of the number of a release. Chosen: as above


def parse_stub(wire: dict[str, Any], path: str) -> Stub:
    """Parse the stub in a JSON object that has the reserved key.

    Args:
        wire: The object, which is not copied.
        path: Its path, for messages.

    Raises:
        UnsupportedFormat: Its version is not known to this release.
        InvalidStub: No seal can have written it.
    """
    body = wire[KEY]
    if not isinstance(body, dict) or "v" not in body:
        raise InvalidStub(
            f"the object has the reserved key {KEY} but is not a stub",
            path=path,
            hint="Seal data that has this key: seal escapes it.",
        )
    version = body["v"]
    # An engine may have made 1 into 1.0 on its way, as it may have done to any number here.
    if type(version) not in {int, float} or version not in VERSIONS:
        raise _of_a_newer_release(version, body.get("since"), path)
    parse = Fields(body, path)
    is_layered = version == LAYERED_VERSION
    whole = parse.layered if is_layered else parse.whole
    if body.get("rest") is True:
        siblings = {key: value for key, value in wire.items() if key != KEY}
        return Rest(whole(), parse.names("beside"), siblings)
    if len(wire) != 1:
        raise InvalidStub(f"the stub has {len(wire) - 1} other keys next to {KEY}", path=path)
    if "escaped" in body and not is_layered:
        return Escaped(parse.field("escaped", dict))
    return whole()


def _of_a_newer_release(version: object, since: object, path: str) -> UnsupportedFormat:
    """Return the error for a stub of a form that was added later.

    Such a stub names in `since` the first release that reads it. Version and release come from a
    payload, so the message quotes them only if they are well-formed.
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
    """Parse the rows that `entries_to_wire` wrote; `this_pack` is the pack of a node."""
    return Fields(body, path).entries(this_pack)


class Fields:
    """Typed access to a stub's body; a wrong field is an `InvalidStub` with its name."""

    __slots__ = ("body", "path")

    def __init__(self, body: dict[str, Any], path: str) -> None:
        self.body = body
        self.path = path

    def fault(self, field: str) -> InvalidStub:
        """Return the error for a field."""
        return InvalidStub(f"a stub's field {field!r} is missing or wrong", path=self.path)

    def field(self, name: str, kind: type) -> Any:
        """Return a field, which must have exactly this type."""
        value = self.body.get(name)
        if type(value) is not kind:
            raise self.fault(name)
        return value

    def number(self, value: object, name: str) -> int:
        """Return a whole number from 0 to 2**53; `name` is its field."""
        if type(value) is int and 0 <= value <= EXACT_INTEGER:
            return value
        # An engine may have made 12 into 12.0 on its way; it is the same number.
        if type(value) is float and value.is_integer() and 0 <= value <= EXACT_INTEGER:
            return int(value)
        raise self.fault(name)

    def digest(self, value: object) -> str:
        """Return 64 hex digits."""
        if not isinstance(value, str) or len(value) != 64 or value.strip(_HEX):
            raise self.fault("sha256")
        return value

    def kind(self) -> Kind:
        """Return the field `kind`."""
        value = self.body.get("kind")
        if value == "array":
            return "array"
        if value == "object":
            return "object"
        raise self.fault("kind")

    def names(self, name: str) -> tuple[str, ...]:
        """Return a field that is an array of strings."""
        values = self.field(name, list)
        if not all(isinstance(value, str) for value in values):
            raise self.fault(name)
        return tuple(values)

    def shape(self) -> tuple[Kind | None, int]:
        """Return the fields `kind` and `count`; None and 0 if there is no kind."""
        if "kind" not in self.body:
            return None, 0
        return self.kind(), self.number(self.body.get("count"), "count")

    def whole(self) -> Whole:
        """Return the stub of any form (`FORMS`)."""
        for mark, parse in FORMS.items():
            if mark in self.body:
                return parse(self)
        return self.stored()

    def patched(self) -> Patched:
        """Return a delta with its base."""
        return Patched(*self.over_base(), self.frame("patch"), *self.shape())

    def over_base(self) -> tuple[Stored | Pieces, str, int]:
        """Return the base of a delta, and the digest and size of what the delta gives."""
        start = self.field("base", dict)
        if "patch" in start:  # looked at before it is parsed: a chain of them has no end
            raise self.fault("base")
        base = Fields(start, self.path).whole()
        if not isinstance(base, Stored | Pieces):
            raise self.fault("base")
        sha256 = self.digest(self.body.get("sha256"))
        return base, sha256, self.number(self.body.get("size"), "size")

    def layered(self) -> Layered:
        """Return a value over stored deltas."""
        base, sha256, size = self.over_base()
        patch = self.frame("patch") if "patch" in self.body else b""
        rows = self.field("deltas", list)
        if not 0 < len(rows) <= MOST_LAYERS or ("patch" in self.body and not patch):
            raise self.fault("deltas")
        layers = tuple([self.layer(row) for row in rows])
        if not patch and layers[-1].size != size:
            raise self.fault("size")
        return Layered(base, sha256, size, patch, *self.shape(), layers)

    def layer(self, row: object) -> Layer:
        """Return one row of stored deltas."""
        if not isinstance(row, list) or len(row) != 6:
            raise self.fault("deltas")
        sha256, at = self.digest(row[1]), check_pack_name(row[3], self.path)
        given, size, offset, length = (self.number(row[place], "deltas") for place in (0, 2, 4, 5))
        if size > longest_layer(longest_frame(given)) or length > longest_frame(size):
            raise self.fault("deltas")
        return Layer(given, Blob(sha256, size, at, offset, length))

    def frame(self, name: str) -> bytes:
        """Return the bytes of a field in base64."""
        text = self.field(name, str)
        if len(text) % 4:  # CPython 3.11 to 3.13 take padding after a whole group: `AAAA=`
            raise self.fault(name)
        try:
            return binascii.a2b_base64(text, strict_mode=True)
        except ValueError:  # also what is not ASCII
            raise self.fault(name) from None

    def single(self) -> Stored | Carried:
        """Return the stub of one text."""
        return self.carried() if "data" in self.body else self.stored()

    def carried(self) -> Carried:
        """Return the stub of an inline frame."""
        sha256 = self.digest(self.body.get("sha256"))
        size = self.number(self.body.get("size"), "size")
        kind, count = self.shape()
        return Carried(sha256, size, self.frame("data"), kind, count)

    def stored(self) -> Stored:
        """Return the stub of a blob."""
        sha256 = self.digest(self.body.get("sha256"))
        size = self.number(self.body.get("size"), "size")
        kind, count = self.shape()
        span = self.field("span", list)
        if len(span) != 2:
            raise self.fault("span")
        offset, length = (self.number(value, "span") for value in span)
        if length > longest_frame(size):
            raise self.fault("span")
        at = check_pack_name(self.body.get("at"), self.path)
        return Stored(Blob(sha256, size, at, offset, length), kind, count)

    def pieces(self) -> Pieces:
        """Return the stub of an array or object in chunks."""
        kind = self.kind()
        tail = None
        if "tail" in self.body:
            inner = {"kind": kind, **self.field("tail", dict)}
            tail = Fields(inner, self.path).single()
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
        """Return the rows of chunks and nodes; `this_pack` is the pack that holds a node."""
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
        """Return the rows of the prefetch list."""
        rows = self.body.get("reads", [])
        names = self.field("packs", list)  # checked with the entries
        if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
            raise self.fault("reads")
        return tuple(self.extent(row, names) for row in rows)

    def extent(self, row: object, names: list[str]) -> Extent:
        """Return one row of the prefetch list; `names` are the packs."""
        if not isinstance(row, list) or len(row) != 3:
            raise self.fault("reads")
        pack, offset, length = (self.number(value, "reads") for value in row)
        if pack >= len(names):
            raise self.fault("reads")
        return Extent(names[pack], offset, length)

    def entry(self, row: object, names: list[str]) -> Entry:
        """Return one row of chunks and nodes; `names` are the packs."""
        if not isinstance(row, list) or len(row) not in {6, 8}:
            raise self.fault("pieces")
        sha256 = self.digest(row[2])
        numbers = [*row[:2], *row[3:]]
        if {*map(type, numbers)} != _INTEGERS or min(numbers) < 0 or max(numbers) > EXACT_INTEGER:
            numbers = [self.number(value, "pieces") for value in numbers]
        count, size, pack, offset, length, *node = numbers
        level, own_size = node or (0, size)
        if pack >= len(names) or level > MAX_LEVEL or (node and level == 0) or not count:
            raise self.fault("pieces")
        if length > longest_frame(own_size) or (level and own_size > LARGEST_NODE):
            raise self.fault("pieces")
        blob = Blob(sha256, own_size, names[pack], offset, length)
        return Entry(blob, count, size, level)


FORMS: dict[str, Callable[[Fields], Whole]] = {
    "patch": Fields.patched,
    "pieces": Fields.pieces,
    "data": Fields.carried,
}
"""The parser of each form, by the field that only this form has; the default is stored."""


def longest_frame(size: int) -> int:
    """Return the largest size that a zstd frame of a text can have; a longer span is forged.

    The bound of zstd is `size + size/256`, up to 64 bytes more for small texts, and a header of up
    to 18 bytes (RFC 8878, ZSTD_COMPRESSBOUND). Without this check, a stub for three bytes could
    make a reader fetch a whole pack.
    """
    return size + size // 128 + 512
