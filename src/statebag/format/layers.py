"""Layers: deltas that are stored, one over the other, between a stored value and a later one.

The frame of a delta that is inline is in its stub. That of a layer is a blob in a pack, whose text
is a magic that no JSON text starts with, and the frame: so no stub can pass user data off as a
layer, nor a layer off as a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from statebag.errors import BlobCorrupt, UnsupportedFormat
from statebag.format.codec import patched_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.format.blobs import Blob

__all__ = ["MOST_LAYERS", "Layer", "applied", "layer_text", "longest_layer"]

MOST_LAYERS = 4
"""Layers of one value. Chosen: a reader decodes the whole text once for each (docs/design/0043)."""

_KIND = b"statebag delta "
_MAGIC = _KIND + b"1\n"


class Layer(msgspec.Struct, frozen=True):
    """A stored delta.

    Attributes:
        size: Bytes of the text that it gives.
        blob: Where its own text lies.
    """

    size: int
    blob: Blob

    def placed(self, name: str) -> Layer:
        """Return this layer with the name of its pack, if it was not known yet."""
        return Layer(self.size, self.blob.placed(name))


def layer_text(frame: bytes) -> bytes:
    """Return the text of the blob that holds the frame of a delta."""
    return _MAGIC + frame


def longest_layer(frame: int) -> int:
    """Return the bytes of that text for a frame of so many bytes."""
    return len(_MAGIC) + frame


def applied(base: bytes, layers: Iterable[tuple[int, bytes, str | None]]) -> bytes:
    """Return the text that layers give, one after another.

    No digest is compared: that of each layer's text was, and so the result is what the writer had.

    Args:
        base: The text that the first one starts from.
        layers: Of each the bytes that it gives, its own verified text, and its pack.

    Raises:
        BlobCorrupt: One is no layer, or does not give as many bytes as it says.
        UnsupportedFormat: One is of another version.
    """
    text = base
    for size, own, where in layers:
        if own.startswith(_KIND) and not own.startswith(_MAGIC):
            raise UnsupportedFormat(
                "the stored delta has a version that this release does not know",
                object_name=where,
                hint="Install a newer statebag here: readers are upgraded first.",
            )
        given = patched_text(own[len(_MAGIC) :], text, size) if own.startswith(_MAGIC) else None
        if given is None:
            raise BlobCorrupt(
                f"the stored delta does not give the {size} bytes that its stub says",
                object_name=where,
            )
        text = given
    return text
