"""Layers of a value that leaves: the stored deltas that its inline delta starts from.

A delta that is too long to be inline becomes a layer where the value in chunks would write much
more. Layers merge by size, as packs do, and end when they take a third of what the chunks would
(docs/design/0043).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from statebag.format.codec import make_patch
from statebag.format.layers import Layer, applied, layer_text, longest_layer
from statebag.format.stub import Blob, Layered
from statebag.sealing.encoded import Encoded

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from statebag.format.form import Whole
    from statebag.opening.known import Bases
    from statebag.opening.verified import Verified
    from statebag.policy import Policy
    from statebag.sealing.layout import Placing
    from statebag.sealing.leaving import Leaving, Single

__all__ = ["Overlay", "in_layers", "overlays_of", "overlays_of_read"]

# Layers of a value that are written. Chosen: two more requests of an open at most. Three write a
# tenth less (docs/design/0043).
_MOST = 2
# What the layers take together is at most this part of what the chunks would write. Chosen: half
# and a quarter write up to a sixth more (docs/design/0043).
_SHARE = 3
# Times `carry_bytes` that the chunks would write at least. Chosen: 320 KB by default. A GET costs
# as much as writing 17 KB, and layers take one or two more at each open (docs/design/0043).
_WORTH_LAYERS = 10
# Times the size of a value that an open with layers may count against `max_open_bytes`. Chosen: it
# reads the chunks, the base and two layers' texts, and gives the value; the rest is for the rest.
_TIMES_TAKE = 6
# The value, its base, and what the layers give are kept in memory. Chosen: otherwise the next step
# could not start from them.
_TIMES_KEPT = 3


class Overlay(msgspec.Struct, frozen=True):
    """One layer of a value that leaves.

    Attributes:
        size: Bytes of the text that it gives.
        blob: Where it lies; None if it is to be stored.
        encoded: Its own text, if that is at hand.
    """

    size: int
    blob: Blob | None
    encoded: Encoded | None

    @property
    def length(self) -> int:
        """Bytes that it takes in a pack."""
        if self.blob is not None:
            return self.blob.length
        return 0 if self.encoded is None else len(self.encoded.frame)

    @property
    def opened_bytes(self) -> int:
        """Bytes that an open counts for it: of its own text, and of the text that it gives."""
        if self.blob is not None:
            return self.size + self.blob.size
        return self.size + (0 if self.encoded is None else len(self.encoded.text))

    @property
    def pack(self) -> str:
        """The pack where it lies; empty if it is to be stored."""
        return "" if self.blob is None else self.blob.at

    @property
    def is_movable(self) -> bool:
        """Whether it is stored, and could be stored again."""
        return self.blob is not None and self.encoded is not None

    def moved(self, packs: Collection[str]) -> Overlay:
        """Return this layer, to be stored again if it lies in one of these packs."""
        if self.encoded is None or self.pack not in packs:
            return self
        return msgspec.structs.replace(self, blob=None)

    def placed(self, placing: Placing) -> Layer:
        """Return the layer, put into the pack if it is not stored."""
        if self.blob is not None:
            return Layer(self.size, self.blob)
        assert self.encoded is not None  # a layer to be stored has its text
        return Layer(self.size, placing.add(self.encoded))

    def to_be(self, name: str) -> Layer:
        """Return a layer whose row is as long as this one's at least; `name` is of a pack to be."""
        size = longest_layer(self.size)
        return Layer(self.size, self.blob or Blob("0" * 64, size, name, 10**10, 10**9))


def overlays_of(stub: Whole, base: Verified | None, level: int) -> tuple[Overlay, ...]:
    """Return the layers of a stub.

    Args:
        stub: The stub.
        base: Its base with its layers, if they were read.
        level: zstd's level.
    """
    if base is None or base.over is None or base.over.layers != stub.layers:
        return tuple([Overlay(one.size, one.blob, None) for one in stub.layers])
    return overlays_of_read(base, level)


def overlays_of_read(base: Verified, level: int) -> tuple[Overlay, ...]:
    """Return the layers that were read with a base."""
    over = base.over
    if over is None:
        return ()
    return tuple(
        [
            Overlay(one.size, one.blob, Encoded(text, level, one.blob.sha256))
            for one, text in zip(over.layers, over.texts, strict=True)
        ]
    )


def in_layers(single: Single, whole: Leaving, policy: Policy, bases: Bases) -> Single | None:
    """Return a value with its inline delta as a layer; None if chunks serve it better.

    Args:
        single: The value, with its delta.
        whole: The form in which it leaves otherwise.
        policy: Limits and thresholds.
        bases: Keeps what later deltas start from.
    """
    read, size, would = single.base_read, single.size, whole.new_bytes
    at_hand = [one.encoded for one in single.layers if one.encoded is not None]
    if read is None or not single.patch or len(at_hand) < len(single.layers):
        return None
    if policy.forms < Layered.generation or _TIMES_TAKE * size > policy.max_open_bytes:
        return None
    if would < _WORTH_LAYERS * policy.carry_bytes or not bases.has_room(_TIMES_KEPT * size):
        return None
    kept, frame = list(single.layers), single.patch
    length = len(frame)
    while kept and (len(kept) >= _MOST or kept[-1].length <= length):
        length += kept.pop().length
    if len(kept) < len(single.layers):
        merged = make_patch(single.text, _given(read, kept))
        if merged is None:
            return None
        frame = merged
    if _SHARE * (sum([one.length for one in kept]) + len(frame)) > would:
        return None
    new = Overlay(size, None, Encoded(layer_text(frame), policy.compression_level))
    return msgspec.structs.replace(single, stored=False, patch=b"", layers=(*kept, new))


def _given(base: Verified, layers: Sequence[Overlay]) -> bytes:
    """Return the text that layers give, whose own texts are at hand."""
    texts = [(one.size, one.encoded.text, None) for one in layers if one.encoded is not None]
    return applied(base.text, texts)
