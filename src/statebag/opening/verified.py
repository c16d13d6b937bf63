"""Values with the stubs that were verified to have them.

A `Verified` is made here alone, each time from the stub's own bytes. What a process remembers
takes nothing else, so a stub can never be remembered for a text that it does not lead to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NewType

import msgspec

from statebag.errors import InvalidStub
from statebag.format import json_text
from statebag.format.codec import apply_patch, decompress, sha256_hex
from statebag.format.paths import render_path
from statebag.format.stub import Blob, Carried, Patched, Pieces, Stored
from statebag.process.computed_once import computed_once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.format.paths import Path
    from statebag.format.stub import Entry

__all__ = [
    "Texts",
    "Verified",
    "verified_carried",
    "verified_patched",
    "verified_pieces",
    "verified_stored",
]

Texts = NewType("Texts", dict[Blob, bytes])
"""Texts of blobs, each compared with the size and SHA-256 that its blob says."""


class Verified(msgspec.Struct, frozen=True, dict=True):
    """A stub, and the text that its own bytes gave.

    Attributes:
        stub: What stands in a bag.
        text: The JSON text of its value.
        pieces: Of a value in pieces: all of them, in order.
        packs: Every pack that was read for it, also those that only an index names.
        base: Of a patched value: what the patch starts from.
    """

    stub: Stored | Carried | Pieces | Patched
    text: bytes
    pieces: tuple[Entry, ...]
    packs: frozenset[str]
    base: Verified | None = None

    @computed_once
    def sha256(self) -> str:
        """Of the text."""
        stub = self.stub
        if isinstance(stub, Pieces):  # the only form that does not say it
            return sha256_hex(self.text)
        return stub.blob.sha256 if isinstance(stub, Stored) else stub.sha256


def verified_stored(stub: Stored, texts: Texts) -> Verified:
    """The value of a stored stub."""
    return Verified(stub, texts[stub.blob], (), frozenset({stub.blob.at}))


def verified_carried(stub: Carried) -> Verified:
    """The value of a stub that carries it.

    Raises:
        BlobCorrupt: The bytes do not give what the stub says.
    """
    text = decompress(stub.frame, size=stub.size, sha256=stub.sha256, where=None)
    return Verified(stub, text, (), frozenset())


def verified_pieces(
    stub: Pieces, pieces: tuple[Entry, ...], nodes: Iterable[str], texts: Texts, path: Path
) -> Verified:
    """The value of a stub in pieces.

    Args:
        stub: The stub.
        pieces: All that its index lists, in order.
        nodes: The packs that the index itself was read from.
        texts: The pieces' texts, and the tail's where it is stored.
        path: Where the stub stands, for messages.

    Raises:
        InvalidStub: A piece is not of the stub's kind, or the sizes do not add up.
        BlobCorrupt: The tail's bytes do not give what the stub says.
    """
    runs = [texts[entry.blob] for entry in pieces]
    packs = {*nodes, *(entry.blob.at for entry in pieces)}
    if isinstance(stub.tail, Stored):
        runs.append(texts[stub.tail.blob])
        packs.add(stub.tail.blob.at)
    elif stub.tail is not None:
        runs.append(verified_carried(stub.tail).text)
    start, end = (b"[", b"]") if stub.kind == "array" else (b"{", b"}")
    if not all(run.startswith(start) and run.endswith(end) for run in runs):
        raise InvalidStub("a piece is not of the kind that its stub says", path=render_path(path))
    text = json_text.join_texts(runs, stub.kind)
    if len(text) != stub.size:
        raise InvalidStub(
            f"the pieces of this value make {len(text)} bytes, and its stub says {stub.size}",
            path=render_path(path),
        )
    return Verified(stub, text, pieces, frozenset(packs))


def verified_patched(stub: Patched, base: Verified) -> Verified:
    """The value of a patched stub.

    Args:
        stub: The stub.
        base: The value of the stub's own base.

    Raises:
        BlobCorrupt: The patch does not give what the stub says.
    """
    assert base.stub is stub.base, "a patch is applied to its own base"
    text = apply_patch(stub.patch, base.text, size=stub.size, sha256=stub.sha256)
    return Verified(stub, text, (), base.packs, base)
