"""The parts of a plan: in which form each value of a state will stand in the bag.

A plan is a tree of parts, shaped like the state down to the values that leave it. Every part
knows `wire`, the bytes it takes in the bag (an upper bound while a pack's name and offsets are
not known yet), and `source`, the value it stands for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.format import json_text
from statebag.format.codec import compress, sha256_hex
from statebag.format.stub import (
    KEY,
    THIS_PACK,
    Blob,
    Carried,
    Entry,
    Escaped,
    Extent,
    Kind,
    Patched,
    Pieces,
    Rest,
    Stored,
    Whole,
)
from statebag.process.computed_once import computed_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.format.paths import Path
    from statebag.format.unopened import Unopened

__all__ = [
    "Branch",
    "Cut",
    "Gathered",
    "Group",
    "Kept",
    "Member",
    "Part",
    "Piece",
    "Plain",
    "Single",
    "stub_wire",
]


def stub_wire(body: dict[str, Any]) -> int:
    """Bytes of a stub in a payload, in the larger of the two usual forms.

    That is the one with spaces: one after each comma and colon. No string of a stub has such a
    character (names are percent-encoded) or one that is not ASCII.
    """
    text = json_text.encode({KEY: body})
    return len(text) + text.count(b",") + text.count(b":")


def key_wire(key: str) -> int:
    """Bytes of an object's key in a payload, its quotes with it."""
    if key.isascii() and key.isprintable() and '"' not in key and "\\" not in key:
        return len(key) + 2
    return len(json.dumps(key))


class Plain(msgspec.Struct):
    """A value that stays as it is (user data with the reserved key: escaped)."""

    path: Path
    source: Any
    value: Any
    wire: int
    control: bool = False
    estimated: bool = False  # whether `wire` is an upper bound

    @property
    def is_escaped(self) -> bool:
        """Whether it is user data with the reserved key."""
        return self.value is not self.source


class Kept(msgspec.Struct):
    """A stub that stays as it was: not opened, or unchanged since it was."""

    path: Path
    source: Any  # an Unopened, or the value itself
    body: dict[str, Any]  # the whole JSON object that stands in the bag
    stub: Whole | Rest
    wire: int
    relies_on: frozenset[str] = frozenset()  # packs that were read for it; of no unopened value

    @classmethod
    def unopened(cls, path: Path, value: Unopened) -> Kept | Plain:
        """The part for a value that was not opened."""
        if isinstance(value.stub, Escaped):  # escaped data is as plain as any
            return Plain(path, value, value.wire, json_text.wire_size(value.wire))
        if isinstance(value.stub, Rest):
            return cls(path, value, value.wire, value.stub, json_text.wire_size(value.wire))
        return cls(path, value, value.wire, value.stub, stub_wire(value.wire[KEY]))

    @classmethod
    def unchanged(
        cls, path: Path, value: Any, stub: Stored | Pieces, packs: frozenset[str]
    ) -> Kept:
        """The part for a value that the store already holds, in these packs."""
        body = stub.to_wire()
        return cls(path, value, {KEY: body}, stub, stub_wire(body), packs)


class Single(msgspec.Struct, dict=True):
    """A value that leaves as one blob, carried in the bag unless `stored` is set."""

    path: Path
    source: Any
    text: bytes
    scope: str
    level: int
    kind: Kind | None = None
    count: int = 0
    stored: bool = False
    blob: Blob | None = None  # where it lies already, or was put
    base: Stored | Pieces | None = None  # with `patch`: what it is carried as a difference to
    patch: bytes = b""
    relies_on: frozenset[str] = frozenset()  # the packs behind the base

    @computed_once
    def sha256(self) -> str:
        """Of the text."""
        return sha256_hex(self.text)

    @computed_once
    def frame(self) -> bytes:
        """The compressed text."""
        return compress(self.text, self.level)

    def take_frame(self, carried: Carried) -> None:
        """Travel on as the bytes that came, whatever codec made them."""
        self.__dict__["frame"], self.__dict__["sha256"] = carried.frame, carried.sha256

    def take_patch(self, patched: Patched, packs: frozenset[str]) -> None:
        """Travel on as the difference that came, for the very text that it gives."""
        self.base, self.patch, self.relies_on = patched.base, patched.patch, packs
        self.__dict__["sha256"] = patched.sha256

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return len(self.text)

    @property
    def carried_bytes(self) -> int:
        """Bytes that travel in the bag as base64; 0 where it is stored."""
        if self.stored or self.blob:
            return 0
        if self.base is None:
            return _base64_bytes(self.frame)
        tail = self.base.tail if isinstance(self.base, Pieces) else None
        return _base64_bytes(self.patch) + (
            _base64_bytes(tail.frame) if isinstance(tail, Carried) else 0
        )

    @property
    def wire(self) -> int:
        """Upper bound of the stub's bytes."""
        if self.blob is not None or self.stored:
            blob = self.blob or Blob("0" * 64, self.size, THIS_PACK, 10**10, 10**9)
            blob = blob.placed(_name(self.scope))
            return stub_wire(Stored(blob, self.kind, self.count).to_wire())
        if self.base is not None:
            return stub_wire(self._patched().to_wire())
        empty = Carried("0" * 64, self.size, b"", self.kind, self.count)
        return stub_wire(empty.to_wire()) + self.carried_bytes

    def stub(self, pack: str) -> Stored | Carried | Patched:
        """The stub, once the pack's name is known."""
        if self.blob is not None:
            return Stored(self.blob.placed(pack), self.kind, self.count)
        if self.base is not None:
            return self._patched()
        return Carried(self.sha256, self.size, self.frame, self.kind, self.count)

    def _patched(self) -> Patched:
        assert self.base is not None  # asked by whoever calls
        return Patched(self.base, self.sha256, self.size, self.patch, self.kind, self.count)


class Piece(msgspec.Struct):
    """One piece of a value that is cut."""

    text: bytes
    count: int
    sha256: str
    blob: Blob | None = None

    level: int = 0

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return len(self.text)


class Group(msgspec.Struct):
    """An index node to be: the members it will list, all of one level."""

    members: list[Piece | Entry | Group]
    level: int
    sha256: str = ""  # stands for the node when groups are grouped again


Member = Piece | Entry | Group


class Cut(msgspec.Struct):
    """A large array or object that leaves in pieces."""

    path: Path
    source: Any
    kind: Kind
    count: int
    size: int
    top: list[Member]
    tail: Single | Stored | None
    scope: str
    grouping: Callable[[list[Member]], list[Member]]
    newest: list[Member] = []  # pieces that are carried with the tail until it is stored
    last: Single | Stored | None = None  # what the tail is then
    members: list[Member] = []  # the top before it was grouped
    inherited: tuple[Extent, ...] = ()  # what to read ahead for entries that were not read
    entries: tuple[Entry, ...] = ()  # what the top became, once it is laid out
    reads: tuple[Extent, ...] = ()  # likewise; advice that may be left out
    relies_on: frozenset[str] = frozenset()  # of an unchanged value: packs that were read for it

    def arrange(self) -> None:
        """Group the members under index nodes."""
        self.members = self.top
        self.top = self.grouping(self.members)

    def part_from_newest(self) -> None:
        """The newest pieces are stored as what they are, and only what is left stays the tail."""
        if self.newest:
            self.top = [*self.members, *self.newest]
            self.tail, self.newest, self.last = self.last, [], None
            self.arrange()

    @property
    def wire(self) -> int:
        """Upper bound of the stub's bytes."""
        rows = tuple(self._some_entry(member) for member in self.top)
        body = Pieces(self.kind, self.count, self.size, rows).to_wire()
        tail = 0
        if isinstance(self.tail, Single):
            tail = self.tail.wire
        elif self.tail is not None:
            tail = stub_wire(self.tail.to_wire())
        return stub_wire(body) + tail

    def _some_entry(self, member: Piece | Entry | Group) -> Entry:
        if isinstance(member, Entry):
            return member
        blob = member.blob if isinstance(member, Piece) else None
        if blob is None:
            blob = Blob("0" * 64, 10**10, THIS_PACK, 10**10, 10**9)
        return Entry(blob.placed(_name(self.scope)), self.count, self.size, member.level)

    def stub(self, pack: str) -> Pieces:
        """The stub, once the pack's name is known."""
        tail = self.tail.stub(pack) if isinstance(self.tail, Single) else self.tail
        assert not isinstance(tail, Patched)  # a tail has no base
        entries = tuple(
            Entry(entry.blob.placed(pack), entry.count, entry.size, entry.level)
            for entry in self.entries
        )
        reads = tuple(one.placed(pack) for one in self.reads)
        return Pieces(self.kind, self.count, self.size, entries, tail, reads)


class Branch(msgspec.Struct):
    """An object or array whose members have parts of their own."""

    path: Path
    source: Any
    children: dict[Any, Part]  # by key, or by index

    @property
    def wire(self) -> int:
        """Bytes of the brackets, keys, separators and members."""
        total = 2 + 2 * max(len(self.children) - 1, 0)
        if isinstance(self.source, dict):
            total += sum(key_wire(key) + 2 for key in self.children)
        return total + sum(child.wire for child in self.children.values())


class Gathered(msgspec.Struct):
    """The *rest* form: many small fields as one value, other fields beside it."""

    path: Path
    source: Any
    whole: Single | Cut | Kept
    required: tuple[str, ...]
    children: dict[Any, Part]

    @property
    def wire(self) -> int:
        """Upper bound of the stub and of what stands beside it."""
        extra = len(json.dumps({"rest": True, "beside": list(self.required)}))
        beside = sum(key_wire(key) + 4 + child.wire for key, child in self.children.items())
        return self.whole.wire + extra + beside


Part = Plain | Kept | Single | Cut | Branch | Gathered


def _base64_bytes(data: bytes) -> int:
    return -(-len(data) // 3) * 4


def _name(scope: str) -> str:
    return f"{scope}/{'0' * 32}.pack"
