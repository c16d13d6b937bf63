"""Stubs together with the values that they were verified to have.

Only this module makes a `Verified`, and only from a stub's own bytes, or from a text that has the
digests of a verified stub's chunks. A process remembers nothing else, so it can never remember a
stub with a text that the stub does not lead to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NewType

import msgspec

from statebag.errors import StatebagError
from statebag.format.codec import sha256_hex
from statebag.format.paths import render_path
from statebag.format.stub import Blob
from statebag.process.computed_once import computed_once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.format.paths import Path
    from statebag.format.stub import Entry, Layer, Whole

__all__ = ["Listed", "Over", "Texts", "Verified", "identified", "verified", "with_layers"]

Texts = NewType("Texts", dict[Blob, bytes])
"""Texts of blobs, each compared with the size and SHA-256 that its blob says."""


class Listed(msgspec.Struct, frozen=True):
    """A stored value in chunks whose text is not kept, and everything that leads to its text.

    Attributes:
        stub: The stub, which is not a delta.
        pieces: All chunks in order.
        packs: All packs that its text would be read from.
    """

    stub: Whole
    pieces: tuple[Entry, ...]
    packs: frozenset[str]


class Over(msgspec.Struct, frozen=True):
    """What stored deltas make of a stored value.

    Attributes:
        layers: The stored deltas.
        texts: Their own texts.
        start: The text that they give.
    """

    layers: tuple[Layer, ...]
    texts: tuple[bytes, ...]
    start: bytes


class Verified(msgspec.Struct, frozen=True, dict=True):
    """A stub, and the text that its own bytes gave.

    Attributes:
        stub: The stub in a bag.
        text: The JSON text of its value.
        pieces: All chunks in order, if the value is in chunks.
        packs: Every pack that was read for it, also those that only an index names.
        base: The value that a delta starts from; None for the other forms.
        over: Of such a base: the layers that were read with it. They are no part of `stub`,
            `text` and `packs`.
    """

    stub: Whole
    text: bytes
    pieces: tuple[Entry, ...]
    packs: frozenset[str]
    base: Verified | None = None
    over: Over | None = None

    @property
    def start(self) -> bytes:
        """The text that a delta over this base and its layers starts from."""
        return self.text if self.over is None else self.over.start

    @property
    def packs_of_start(self) -> frozenset[str]:
        """Every pack that `start` was read from."""
        layers = () if self.over is None else self.over.layers
        return self.packs.union([one.blob.at for one in layers])

    @property
    def listed(self) -> Listed:
        """The same without its text; for a delta, that of its base."""
        stored = self.base or self
        return Listed(stored.stub, stored.pieces, stored.packs)

    @computed_once
    def sha256(self) -> str:
        """Of the text."""
        return self.stub.digest or sha256_hex(self.text)


def verified(
    stub: Whole,
    texts: Texts,
    pieces: tuple[Entry, ...] = (),
    nodes: Iterable[str] = (),
    path: Path = (),
    base: Verified | None = None,
) -> Verified:
    """Return the value that a stub's own bytes give.

    Args:
        stub: The stub.
        texts: The texts of all blobs that it names, or that its base names; with `base`, those of
            the blobs of its layers.
        pieces: All chunks that its index, or that of its base, lists, in order.
        nodes: The packs that the index itself was read from.
        path: The stub's path, for messages.
        base: Its base, if that was verified before.

    Raises:
        InvalidStub: A chunk is not of the stub's kind, or the sizes do not add up.
        BlobCorrupt: Bytes in the bag do not give what the stub says.
        UnsupportedFormat: A stored delta is of a later version.
    """
    if stub.base is not None and (base is None or base.stub != stub.base):
        base = verified(stub.base, texts, pieces, nodes, path)
    try:
        start = b"" if base is None else stub.start(base.text, texts)
        text = stub.text(texts, pieces, start)
    except StatebagError as error:
        error.path = error.path or render_path(path)
        raise
    if base is not None:
        base = _with_layers(base, stub, texts, start)
        layers = [one.blob.at for one in stub.layers]
        return Verified(stub, text, (), base.packs.union(layers), base)
    packs = {*nodes, *(entry.blob.at for entry in pieces)}
    if stub.simple is not None:
        packs |= stub.simple.packs()
    return Verified(stub, text, pieces if stub.entries else (), frozenset(packs))


def identified(listed: Listed, text: bytes) -> Verified | None:
    """Return a stored value with its text, if this is the text that its chunks' digests give.

    Args:
        listed: The value.
        text: A JSON text. Each byte of it is digested at most once, and none after a difference.
    """
    if len(text) != listed.stub.size or listed.stub.base is not None:
        return None
    opening, closing = text[:1], text[-1:]
    last = len(text) - 1

    def is_part(start: int, end: int, sha256: str | None) -> bool:
        return sha256_hex(b"%b%b%b" % (opening, text[start:end], closing)) == sha256

    start = 1
    for entry in listed.pieces:
        end = start + entry.size - len(opening) - len(closing)
        if end > last or (end < last and text[end] != ord(",")):
            return None
        if not is_part(start, end, entry.sha256):
            return None
        start = end + 1
    tail = listed.stub.simple
    if (start > last) is not (tail is None):
        return None
    if tail is not None and not is_part(start, last, tail.digest):
        return None
    return Verified(listed.stub, text, listed.pieces, listed.packs)


def with_layers(base: Verified, stub: Whole, texts: Texts) -> Verified:
    """Return the base of a delta together with the layers over it.

    Args:
        base: The base.
        stub: The delta.
        texts: Of the layers' blobs.

    Raises:
        BlobCorrupt: A layer does not give what the stub says.
        UnsupportedFormat: A layer is of a later version.
    """
    return _with_layers(base, stub, texts, stub.start(base.text, texts))


def _with_layers(base: Verified, stub: Whole, texts: Texts, start: bytes) -> Verified:
    over = None
    if stub.layers:
        over = Over(stub.layers, tuple([texts[one.blob] for one in stub.layers]), start)
    return msgspec.structs.replace(base, over=over)
