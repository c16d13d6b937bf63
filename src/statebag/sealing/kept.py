"""The part of a value whose stub stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from statebag.format import json_text
from statebag.format.stub import KEY, Stored, Stub, Whole
from statebag.sealing.cut_value import Cut
from statebag.sealing.cutting import fold
from statebag.sealing.leaving import Encoded, Leaving, Single
from statebag.sealing.parts import Part, Plain, stub_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.format.paths import Path
    from statebag.format.unopened import Unopened
    from statebag.sealing.layout import Placing
    from statebag.sealing.parts import Sign

__all__ = ["Kept"]


class Kept(Leaving, frozen=True):
    """A stub that stays as it was: not opened, or unchanged since it was."""

    body: dict[str, Any]  # the whole JSON object that stands in the bag
    stub: Stub
    wire: int
    relies_on: frozenset[str] = frozenset()  # packs that were read for it; of no unopened value

    is_kept: ClassVar[bool] = True

    @classmethod
    def unopened(cls, path: Path, value: Unopened) -> Part:
        """Return the part for a value that was not opened."""
        if value.stub.is_data:  # escaped data is as plain as any
            return Plain(path, value, value.wire, json_text.wire_size(value.wire))
        beside = value.stub.beside is not None
        size = json_text.wire_size(value.wire) if beside else stub_wire(value.wire[KEY])
        return cls(path, value, value.wire, value.stub, size)

    @classmethod
    def unchanged(cls, path: Path, value: Any, stub: Whole, packs: frozenset[str]) -> Kept:
        """Return the part for a value that has a stub already, and needs these packs."""
        body = stub.to_wire()
        return cls(path, value, {KEY: body}, stub, stub_wire(body), packs)

    def settled(self, scope: str, level: int) -> Leaving:
        """Return it with its inline frame as a separate part, after the chunks."""
        one = self.stub.simple
        if one is None or one.in_store:
            return self
        return self._cut(scope, level) if self.stub.entries else self._single(one, scope, level)

    def folded(self, scope: str, level: int) -> Leaving:
        """Return this part with one node for its chunks."""
        return self._cut(scope, level).folded(scope, level) if self.stub.entries else self

    def _single(self, stub: Whole, scope: str, level: int) -> Single:
        text = stub.text({}, (), b"")
        encoded = Encoded(text, level).came_as(stub.digest or "", stub.frame)
        return Single(self.path, self.source, encoded, scope, stub.kind, stub.count)

    def _cut(self, scope: str, level: int) -> Cut:
        """Return a part whose tail and index may change without being read."""
        stub, tail = self.stub.whole, self.stub.simple
        assert stub.kind is not None  # what is in chunks has one
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

    def movable(self) -> list[tuple[str, int]]:
        """Return the blob of a value that is at hand."""
        blob = None if self.is_unread else self.stub.whole.blob
        return [] if blob is None else [(blob.at, blob.length)]

    def fixed(self) -> set[str]:
        """Return the packs that the stub names."""
        return set() if self.movable() else self.stub.packs()

    def moved(self, packs: set[str], scope: str, level: int) -> Leaving:
        """Return the value as a blob that will be written again."""
        if not any(name in packs for name, _ in self.movable()):
            return self
        stub = self.stub.whole
        encoded = Encoded(json_text.encode(self.source), level)
        return Single(self.path, self.source, encoded, scope, stub.kind, stub.count, stored=True)

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
