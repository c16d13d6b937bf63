"""Define the part of a value whose stub stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from statebag.format import json_text
from statebag.format.stub import KEY, PREVIEW, Stored, Stub, Whole
from statebag.sealing.cut_value import Cut
from statebag.sealing.cutting import fold
from statebag.sealing.encoded import Encoded
from statebag.sealing.leaving import Leaving, Single, blobs_read
from statebag.sealing.overlays import Overlay
from statebag.sealing.parts import Part, Plain, Unread, stub_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.format.layers import Layer
    from statebag.format.paths import Path
    from statebag.format.unopened import Unopened
    from statebag.opening.known import Known
    from statebag.opening.verified import Verified
    from statebag.sealing.compaction import Move
    from statebag.sealing.layout import Placing
    from statebag.sealing.parts import Sign

__all__ = ["Kept", "Rebased", "without_previews"]


class Kept(Leaving, frozen=True):
    """A stub that stays as it was: not opened, or unchanged since it was."""

    body: dict[str, Any]  # the whole JSON object that stands in the bag
    stub: Stub
    wire: int
    relies_on: frozenset[str] = frozenset()  # packs that were read for it; of no unopened value
    read: Verified | None = None  # what was read of it, if its text is at hand

    is_kept: ClassVar[bool] = True

    @classmethod
    def unopened(cls, path: Path, value: Unopened) -> Part:
        """Return the part for a value that was not opened."""
        if value.stub.is_data:  # escaped data is as plain as any
            return Plain(path, value, value.wire, json_text.wire_size(value.wire))
        beside = value.stub.beside is not None or len(value.wire) > 1
        wire = without_previews(value.wire)
        size = json_text.wire_size(wire) if beside else stub_wire(wire[KEY])
        return cls(path, value, wire, value.stub, size)

    @classmethod
    def unchanged(
        cls,
        path: Path,
        value: Any,
        stub: Whole,
        packs: frozenset[str],
        read: Verified | None = None,
    ) -> Kept:
        """Return the part of a value that has a stub; its blobs are in these packs."""
        body = stub.to_wire()
        return cls(path, value, {KEY: body}, stub, stub_wire(body), packs, read)

    @property
    def opened_bytes(self) -> int:
        """Those of the stub."""
        return self.stub.whole.opened_bytes

    def settled(self, scope: str, level: int) -> Leaving:
        """Return it with its inline frame as a separate part, after the chunks."""
        one = self.stub.simple
        if one is None or one.in_store:
            return self
        return (
            self._cut(self.stub.whole, scope, level)
            if self.stub.entries
            else self._single(one, scope, level)
        )

    def folded(self, scope: str, level: int) -> Leaving:
        """Return the same with one node for its chunks."""
        return (
            self._cut(self.stub.whole, scope, level).folded(scope, level)
            if self.stub.entries
            else self
        )

    def _single(self, stub: Whole, scope: str, level: int) -> Single:
        text = stub.text({}, (), b"")
        encoded = Encoded(text, level).came_as(stub.digest or "", stub.frame)
        return Single(self.path, self.source, encoded, scope, stub.kind, stub.count)

    def _cut(self, stub: Whole, scope: str, level: int) -> Cut:
        """Return this part as one whose tail and index may change without a read."""
        tail = stub.simple
        assert stub.kind is not None  # what is in pieces has one
        is_stored = tail is None or tail.in_store
        return Cut(
            self.path,
            self.source,
            stub.kind,
            stub.count,
            stub.size,
            stub.entries,
            stub.entries,
            None if tail is None or is_stored else self._single(tail, scope, level),
            scope,
            fold,
            stored_tail=tail if isinstance(tail, Stored) else None,
            inherited=stub.reads,
            relies_on=self.relies_on,
        )

    def movable(self, known: Known) -> list[tuple[str, int]]:
        """Return the blobs of a value that is at hand."""
        del known
        return self._blobs_at_hand()

    def _blobs_at_hand(self) -> list[tuple[str, int]]:
        if self.is_unread:
            return []
        blob = self.stub.whole.blob
        return blobs_read(self.read) if blob is None else [(blob.at, blob.length)]

    def fixed(self) -> set[str]:
        """Return the packs that the stub names, if its text is known only by its digest."""
        if self.unread().extents or self._blobs_at_hand():
            return set()
        return self.stub.packs() | self.relies_on

    def unread(self) -> Unread:
        """Return the blobs of an unopened value, if no field is next to its stub."""
        if not self.is_unread or self.stub.beside is not None:
            return Unread()
        whole = self.stub.whole
        return Unread(tuple(whole.blobs()), whole.read.reads)

    def with_read(self, move: Move) -> Leaving:
        """Return this part with more of its blobs at hand."""
        if not self.unread().extents:
            return self  # also where fields stand next to the stub: `whole` leaves these out
        stub = self.stub.whole
        if stub.base is None:
            return self._with_read(stub, move)
        base = self._with_read(stub.base, move)
        layers = [_layer_read(one, move) for one in stub.layers]
        return Rebased(self.path, self.source, stub, base, tuple(layers))

    def _with_read(self, stub: Whole, move: Move) -> Leaving:
        if stub.entries:
            return self._cut(stub, move.scope, move.level).with_read(move)
        if stub.blob is None or stub.blob.at not in move.packs:
            return Kept(self.path, self.source, {KEY: stub.to_wire()}, stub, self.wire)
        encoded = Encoded(move.texts([stub.blob])[stub.blob], move.level)
        encoded = encoded.came_as(stub.blob.sha256)
        return Single(
            self.path, self.source, encoded, move.scope, stub.kind, stub.count, blob=stub.blob
        )

    def moved(self, move: Move) -> Leaving:
        """Return the value, with its blobs in these packs to be written again."""
        if all(name not in move.packs for name, _ in self._blobs_at_hand()):
            return self
        stub = self.stub.whole
        text = json_text.encode(self.source) if self.read is None else self.read.text
        single = move.single(self.source, text, self.path)
        if stub.blob is not None:
            return single.storing()
        return move.in_pieces(single, self.read).moved(move)

    def relied_on(self) -> set[str]:
        """Return the packs that were read for it."""
        return set(self.relies_on)

    def placed(self, placing: Placing) -> Whole:
        """Return the stub as it was; there is nothing new."""
        del placing
        return self.stub.whole

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """Return the object as it was, signed with the first key, so that older keys can retire."""
        del stubs
        return self.body if sign is None else {**self.body, KEY: sign(self.stub, self.body[KEY])}


def _layer_read(layer: Layer, move: Move) -> Overlay:
    """Return a layer, with its text if its pack moves."""
    if layer.blob.at not in move.packs:
        return Overlay(layer.size, layer.blob, None)
    encoded = Encoded(move.texts([layer.blob])[layer.blob], move.level)
    return Overlay(layer.size, layer.blob, encoded.came_as(layer.blob.sha256))


def without_previews(wire: dict[str, Any]) -> dict[str, Any]:
    """Return a stub, with the fields next to it, without previews.

    A seal adds previews as its own policy says (`previews`), whatever the payload had.
    """
    root: list[Any] = [wire]
    pending: list[tuple[Any, Any]] = [(root, 0)]
    while pending:
        container, key = pending.pop()
        one = container[key]
        if isinstance(one, list) and any(isinstance(item, dict | list) for item in one):
            container[key] = items = list(one)
            pending.extend((items, index) for index in range(len(items)))
        elif isinstance(one, dict):
            body = one.get(KEY)
            if isinstance(body, dict) and PREVIEW in body:
                one = {**one, KEY: {name: body[name] for name in body if name != PREVIEW}}
                container[key] = one
            nested = [name for name in one if name != KEY and isinstance(one[name], dict | list)]
            if nested:
                container[key] = copy = dict(one)
                pending.extend((copy, name) for name in nested)
    result: dict[str, Any] = root[0]
    return result


class Rebased(Leaving, frozen=True):
    """An unopened delta whose base is partly stored again.

    Attributes:
        stub: The delta.
        base: The base's part.
        layers: The stored deltas between the two.
    """

    stub: Whole
    base: Leaving
    layers: tuple[Overlay, ...] = ()

    @property
    def wire(self) -> int:
        """Upper bound of the stub's bytes."""
        return stub_wire(self.stub.to_wire()) + self.base.wire

    @property
    def opened_bytes(self) -> int:
        """Those of the stub."""
        return self.stub.opened_bytes

    def movable(self, known: Known) -> list[tuple[str, int]]:
        """Return those of the base, and the layers that were read."""
        layers = [(one.pack, one.length) for one in self.layers if one.is_movable]
        return self.base.movable(known) + layers

    def fixed(self) -> set[str]:
        """Return those of the base."""
        return self.base.fixed()

    def unread(self) -> Unread:
        """Return those of the base, and the layers that were not read."""
        unread = self.base.unread()
        left = [one.blob for one in self.layers if one.encoded is None and one.blob is not None]
        return Unread((*unread.blobs, *left), unread.advised)

    def moved(self, move: Move) -> Rebased:
        """Return this part with blobs of its base, and layers, to be written again."""
        layers = tuple([one.moved(move.packs) for one in self.layers])
        return msgspec.structs.replace(self, base=self.base.moved(move), layers=layers)

    def relied_on(self) -> set[str]:
        """Return those of the base."""
        return self.base.relied_on()

    def placed(self, placing: Placing) -> Whole:
        """Return the delta with the current places of its base and layers."""
        base = self.base.placed(placing)
        if not self.layers:
            return msgspec.structs.replace(self.stub, base=base)
        layers = tuple([one.placed(placing) for one in self.layers])
        return msgspec.structs.replace(self.stub, base=base, layers=layers)
