"""Stubs: JSON objects that replace, in a bag, values that left plain form (wire version 1).

A stub is an object with the one key `__statebag__`; only the form *rest* has other keys next to it.
Each form is one class in this module. `form` has their interface, and `stub_parsing` parses them.
docs/design/0020-forms.md says how to add a form.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from statebag.errors import BlobCorrupt, InvalidState, InvalidStub
from statebag.format import json_text
from statebag.format.blobs import (
    THIS_PACK,
    Blob,
    Entry,
    Extent,
    blobs_in_pack,
    entries_in_pack,
    entries_to_wire,
    joined_size,
)
from statebag.format.codec import apply_patch, decompress, sha256_hex
from statebag.format.form import Kind, Stub, Whole
from statebag.format.layers import Layer, applied

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "KEY",
    "LAYERED_VERSION",
    "NEWEST_FORMS",
    "PREVIEW",
    "THIS_PACK",
    "Blob",
    "Carried",
    "Entry",
    "Escaped",
    "Extent",
    "Kind",
    "Layer",
    "Layered",
    "Patched",
    "Pieces",
    "Rest",
    "Stored",
    "Stub",
    "Whole",
    "blobs_in_pack",
    "entries_in_pack",
    "entries_to_wire",
    "joined_size",
]

KEY = "__statebag__"
PREVIEW = "preview"
"""The field of a body with a preview of the value, which people read and no reader does."""
VERSION = 1  # of the wire (docs/format.md); another number is another format
LAYERED_VERSION = 3
"""The version of stubs with layers. Chosen: test vectors have 2 as one that is unknown."""
VERSIONS = frozenset({VERSION, LAYERED_VERSION})  # of the stubs that are read
_LAYERED_SINCE = "0.1"  # the first release that reads these stubs
NEWEST_FORMS = 4
"""The newest generation of forms that this release knows (docs/upgrade.md, `Policy.forms`)."""


MAX_LEVEL = 12  # of an index. Chosen: a node lists about 32, and no store holds 32**12 chunks
# Chunks or nodes in one list. Chosen: twice what the widest writer lists (`sealing.array_writer`).
MAX_ENTRIES = 4096


class Stored(Whole, frozen=True):
    """A value whose text is a blob in a pack; for an array or object, with the number of items."""

    blob: Blob
    kind: Kind | None = None
    count: int = 0

    form: ClassVar[str] = "stored"
    in_store: ClassVar[bool] = True
    has_bytes: ClassVar[bool] = False

    @property
    def size(self) -> int:
        """Bytes of the value's text."""
        return self.blob.size

    @property
    def digest(self) -> str:
        """That of the blob."""
        return self.blob.sha256

    @property
    def simple(self) -> Stored:
        """The stub itself."""
        return self

    def blobs(self) -> list[Blob]:
        """Return the one blob."""
        return [self.blob]

    def to_wire(self) -> dict[str, Any]:
        """Return the stub's body."""
        blob = self.blob
        return {
            "v": VERSION,
            "sha256": blob.sha256,
            "size": blob.size,
            "at": blob.at,
            "span": [blob.offset, blob.length],
            **_shape(self.kind, self.count),
        }

    def text(self, texts: Mapping[Blob, bytes], pieces: tuple[Entry, ...], base: bytes) -> bytes:
        """Return the text of the blob, which was verified when it was read."""
        del pieces, base
        return texts[self.blob]

    def placed(self, name: str) -> Stored:
        """Return this stub with the name of the pack that was just written."""
        return Stored(self.blob.placed(name), self.kind, self.count)


class Carried(Whole, frozen=True):
    """A value whose frame is inline in the bag."""

    sha256: str
    size: int
    frame: bytes
    kind: Kind | None = None
    count: int = 0

    form: ClassVar[str] = "carried"

    @property
    def digest(self) -> str:
        """The digest that the stub has."""
        return self.sha256

    @property
    def simple(self) -> Carried:
        """The stub itself."""
        return self

    def to_wire(self) -> dict[str, Any]:
        """Return the stub's body."""
        return {
            "v": VERSION,
            "sha256": self.sha256,
            "size": self.size,
            "data": _base64(self.frame),
            **_shape(self.kind, self.count),
        }

    def text(
        self,
        texts: Mapping[Blob, bytes] | None = None,
        pieces: tuple[Entry, ...] = (),
        base: bytes = b"",
    ) -> bytes:
        """Return the text of the frame."""
        del texts, pieces, base
        return decompress(self.frame, size=self.size, sha256=self.sha256, where=None)


class Pieces(Whole, frozen=True):
    """A large array or object in chunks: entries in order, then the tail.

    `reads` is the prefetch list: extents that a reader of the whole value can request together with
    the index instead of after it.
    """

    kind: Kind
    count: int
    size: int
    entries: tuple[Entry, ...]
    tail: Stored | Carried | None = None
    reads: tuple[Extent, ...] = ()

    form: ClassVar[str] = "pieces"
    in_store: ClassVar[bool] = True

    @property
    def simple(self) -> Stored | Carried | None:
        """The tail."""
        return self.tail

    @property
    def has_bytes(self) -> bool:
        """Whether the tail has bytes."""
        return self.tail is not None and self.tail.has_bytes

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """The digests of all entries and of the tail."""
        last = "" if self.tail is None else self.tail.digest
        return (*(entry.blob.sha256 for entry in self.entries), last)

    def children(self) -> tuple[Whole, ...]:
        """Return the tail."""
        return () if self.tail is None else (self.tail,)

    def blobs(self) -> list[Blob]:
        """Return the blobs of the entries and of the tail."""
        return [entry.blob for entry in self.entries] + super().blobs()

    def to_wire(self) -> dict[str, Any]:
        """Return the stub's body."""
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

    def text(self, texts: Mapping[Blob, bytes], pieces: tuple[Entry, ...], base: bytes) -> bytes:
        """Return the text of all chunks and the tail together."""
        runs = [texts[entry.blob] for entry in pieces]
        if self.tail is not None:
            runs.append(self.tail.text(texts, (), base))
        start, end = (b"[", b"]") if self.kind == "array" else (b"{", b"}")
        if not all(run.startswith(start) and run.endswith(end) for run in runs):
            raise InvalidStub(f"a chunk of this value is not an {self.kind}, as its stub says")
        text = json_text.join_texts(runs, self.kind)
        if len(text) != self.size:
            raise InvalidStub(
                f"the chunks of this value make {len(text)} bytes, but its stub says {self.size}"
            )
        return text

    def without_reads(self) -> Pieces:
        """Return this stub without its prefetch list."""
        return msgspec.structs.replace(self, reads=()) if self.reads else self

    def placed(self, name: str) -> Pieces:
        """Return this stub with the name of the pack that was just written."""
        tail: Any = None if self.tail is None else self.tail.placed(name)
        reads = tuple(one.placed(name) for one in self.reads)
        entries = entries_in_pack(self.entries, name)
        return Pieces(self.kind, self.count, self.size, entries, tail, reads)


class Patched(Whole, frozen=True):
    """A value as a delta: a zstd frame with a stored value as its prefix.

    Attributes:
        base: The stored value. It is never a delta itself, and only its tail may be inline.
        sha256: Of the value's text.
        size: Bytes of the value's text.
        patch: The frame.
        kind: As in the other forms.
        count: Items or members, as in the other forms.
    """

    base: Whole
    sha256: str
    size: int
    patch: bytes
    kind: Kind | None = None
    count: int = 0

    form: ClassVar[str] = "patched"
    in_store: ClassVar[bool] = True
    generation: ClassVar[int] = 2

    @property
    def digest(self) -> str:
        """The digest that the stub has."""
        return self.sha256

    @property
    def own_frame(self) -> bytes:
        """The patch."""
        return self.patch

    @property
    def opened_bytes(self) -> int:
        """The base, as it is read and as the text that the delta starts from, and all layers."""
        layers = sum([one.size + one.blob.size for one in self.layers])
        return 2 * self.base.size + layers

    def children(self) -> tuple[Whole, ...]:
        """Return the base."""
        return (self.base,)

    def to_wire(self) -> dict[str, Any]:
        """Return the stub's body."""
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

    def placed(self, name: str) -> Patched:
        """Return the stub with the name of the new pack, if the base is in that one."""
        return msgspec.structs.replace(self, base=self.base.placed(name))

    def text(self, texts: Mapping[Blob, bytes], pieces: tuple[Entry, ...], base: bytes) -> bytes:
        """Return the text that the delta makes from the text of the base."""
        del texts, pieces
        return apply_patch(self.patch, base, size=self.size, sha256=self.sha256)


class Layered(Patched, frozen=True):
    """A value as a delta over stored ones, or as what the last of these gives.

    Attributes:
        layers: The stored deltas over the base, in order; at least one.
        patch: The frame of the delta over them; empty if they give the value.
    """

    layers: tuple[Layer, ...] = ()

    form: ClassVar[str] = "layered"
    generation: ClassVar[int] = 4

    def blobs(self) -> list[Blob]:
        """Return the blobs of the base and of the layers."""
        return super().blobs() + [layer.blob for layer in self.layers]

    def to_wire(self) -> dict[str, Any]:
        """Return the stub's body."""
        body = super().to_wire()
        if not self.patch:
            del body["patch"]
        rows = [
            [one.size, one.blob.sha256, one.blob.size, one.blob.at, one.blob.offset,
             one.blob.length]
            for one in self.layers
        ]  # fmt: skip
        return {**body, "v": LAYERED_VERSION, "since": _LAYERED_SINCE, "deltas": rows}

    def placed(self, name: str) -> Layered:
        """Return the stub with the name of the new pack, wherever that is to stand."""
        layers = tuple([layer.placed(name) for layer in self.layers])
        return msgspec.structs.replace(self, base=self.base.placed(name), layers=layers)

    def start(self, base: bytes, texts: Mapping[Blob, bytes]) -> bytes:
        """Return the text that the layers give."""
        return applied(base, [(one.size, texts[one.blob], one.blob.at) for one in self.layers])

    def text(self, texts: Mapping[Blob, bytes], pieces: tuple[Entry, ...], base: bytes) -> bytes:
        """Return the text that the delta makes from what the layers give."""
        if self.patch:
            return super().text(texts, pieces, base)
        if len(base) != self.size or sha256_hex(base) != self.sha256:
            raise BlobCorrupt(
                f"the stored deltas do not give the {self.size} bytes with SHA-256 {self.sha256}"
            )
        return base


class Rest(Stub, frozen=True):
    """Many small fields of an object as one value, with the other fields next to the stub.

    Attributes:
        whole: The object, with null for each name in `beside`.
        beside: Fields that are not in `whole` and must stand next to the stub.
        siblings: The JSON values next to the stub: those in `beside`, and control fields.
    """

    whole: Whole
    beside: tuple[str, ...]
    siblings: dict[str, Any]

    form: ClassVar[str] = "rest"
    kind: ClassVar[Kind] = "object"

    @property
    def size(self) -> int:
        """Bytes of the object without the fields next to the stub."""
        return self.whole.size - len(b"null") * len(self.beside)

    @property
    def generation(self) -> int:
        """That of the whole."""
        return self.whole.generation

    @property
    def has_bytes(self) -> bool:
        """Whether the gathered fields have bytes."""
        return self.whole.has_bytes

    def children(self) -> tuple[Whole, ...]:
        """Return the whole."""
        return (self.whole,)

    def to_wire(self) -> dict[str, Any]:
        """Return the stub's body."""
        return {**self.whole.to_wire(), "rest": True, "beside": list(self.beside)}


class Escaped(Stub, frozen=True):
    """User data with the reserved key, whose content is opaque."""

    original: dict[str, Any]

    form: ClassVar[str] = "escaped"
    kind: ClassVar[Kind] = "object"
    is_data: ClassVar[bool] = True
    has_bytes: ClassVar[bool] = False

    @property
    def size(self) -> int:
        """Bytes of the data's text."""
        try:
            return len(json_text.encode(self.original))
        except (InvalidState, UnicodeEncodeError):
            raise InvalidStub("a field next to the stub is not a JSON value") from None

    def to_wire(self) -> dict[str, Any]:
        """Return the stub's body."""
        return {"v": VERSION, "escaped": self.original}


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def _shape(kind: Kind | None, count: int) -> dict[str, Any]:
    return {} if kind is None else {"kind": kind, "count": count}
