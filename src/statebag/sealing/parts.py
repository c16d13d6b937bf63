"""Define the parts of a plan: the form of each value of a state in the bag.

A plan is a tree of parts, shaped like the state down to the values that leave it. Parts are frozen:
each step of sealing makes a new tree. A step asks a part, and does not look at its class. The parts
of values that leave are in `leaving`.
"""

from __future__ import annotations

import json
from operator import is_
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from statebag.format import json_text
from statebag.format.stub import KEY, Blob, Extent, Rest
from statebag.format.unopened import unread_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.format.paths import Path
    from statebag.format.stub import Stub, Whole
    from statebag.opening.known import Known
    from statebag.opening.verified import Verified
    from statebag.sealing.compaction import Move
    from statebag.sealing.cutting import Member
    from statebag.sealing.layout import Placing
    from statebag.sealing.leaving import Leaving, Single

__all__ = [
    "Branch",
    "Gathered",
    "Part",
    "Plain",
    "Sign",
    "Unread",
    "changed",
    "key_wire",
    "mapped",
    "part_at",
    "stub_wire",
    "walk",
    "what_leaves",
]

if TYPE_CHECKING:
    Sign = Callable[[Stub, dict[str, Any]], dict[str, Any]]
    """Gives a stub's body with its signature."""


def stub_wire(body: dict[str, Any]) -> int:
    """Return the bytes of a stub in a payload, in the larger of the two usual forms.

    The larger form has a space after each comma and colon. No string of a stub has a comma, a colon
    or a character that is not ASCII: names are percent-encoded.
    """
    text = json_text.encode({KEY: body})
    return len(text) + text.count(b",") + text.count(b":")


def key_wire(key: str) -> int:
    """Return the bytes of an object's key in a payload, with its quotes."""
    if key.isascii() and key.isprintable() and '"' not in key and "\\" not in key:
        return len(key) + 2
    return len(json.dumps(key))


class Unread(msgspec.Struct, frozen=True):
    """The bytes of a part that must be read before it can move.

    Attributes:
        blobs: The blobs that its stub names.
        advised: The prefetch list of its stub: extents with what only index nodes list.
    """

    blobs: tuple[Blob, ...] = ()
    advised: tuple[Extent, ...] = ()

    @property
    def extents(self) -> list[Extent]:
        """Both, as extents of packs."""
        named = [Extent(one.at, one.offset, one.length) for one in self.blobs]
        return [*named, *self.advised]


class Part(msgspec.Struct, frozen=True):
    """The questions that every part answers.

    Attributes:
        path: The place of its value in the state.
        source: The value, or the `Unopened` that stands for it.
        is_plain: Whether the value stays as it is.
        is_container: Whether its members are separate parts.
        has_left: Whether it is a stub without fields next to it.
        leaves: Whether it is a stub, with or without fields next to it.
        is_kept: Whether it is a stub that stays as it was.
    """

    path: Path
    source: Any

    is_plain: ClassVar[bool] = False
    is_container: ClassVar[bool] = False
    has_left: ClassVar[bool] = False
    leaves: ClassVar[bool] = False
    is_kept: ClassVar[bool] = False

    @property
    def wire(self) -> int:
        """Bytes in the bag: an upper bound while a pack's name and offsets are not known."""
        raise NotImplementedError

    @property
    def control(self) -> bool:
        """Whether it must stay plain."""
        return False

    @property
    def estimated(self) -> bool:
        """Whether `wire` is an estimate from above (see `measured`)."""
        return False

    @property
    def children(self) -> dict[Any, Part]:
        """Parts of members, by key or index."""
        return {}

    @property
    def whole(self) -> Leaving | None:
        """The part of an object's other fields, if fields are next to its stub."""
        return None

    @property
    def carried(self) -> Single | None:
        """The blob that is inline in the bag; None if there is none."""
        return None

    @property
    def new_bytes(self) -> int:
        """About how many of its bytes go into a new pack."""
        return 0

    @property
    def is_escaped(self) -> bool:
        """Whether it is user data with the reserved key."""
        return False

    @property
    def is_unread(self) -> bool:
        """Whether its value passes through without having been read."""
        return unread_in(self.source) is not None

    def as_control(self) -> Part:
        """Return this part as a control field, if it is plain."""
        return self

    def measured(self) -> Part:
        """Return this part without an estimate."""
        return self

    def storing(self) -> Part:
        """Return this part with its inline bytes stored instead."""
        return self

    def ended(self) -> Part:
        """Return this part without a delta whose value is at hand."""
        return self

    def settled(self, scope: str, level: int) -> Part:
        """Return this part with unread inline bytes as a part that can be stored.

        Args:
            scope: The encoded scope of the new pack.
            level: zstd's level.
        """
        del scope, level
        return self

    def stored_in_pieces(self, in_pieces: Callable[[Single], Leaving], piece_bytes: int) -> Part:
        """Return this part with large values, inline before and now stored, in chunks.

        Args:
            in_pieces: Cuts a value.
            piece_bytes: A value that is not larger stays one blob.
        """
        del in_pieces, piece_bytes
        return self

    def folded(self, scope: str, level: int) -> Part:
        """Return this part with as few entries of an index as possible, all of it stored."""
        del scope, level
        return self

    def movable(self, known: Known) -> list[tuple[str, int]]:
        """Return the packs of blobs whose text is at hand, each with the bytes of these blobs.

        Args:
            known: Where index nodes are.
        """
        del known
        return []

    def fixed(self) -> set[str]:
        """Return the packs that it must go on referring to."""
        return set()

    def unread(self) -> Unread:
        """Return what must be read before it can move."""
        return Unread()

    def with_read(self, move: Move) -> Part:
        """Return this part with its unread chunks of these packs read.

        Raises:
            StatebagError: From reading.
        """
        del move
        return self

    def moved(self, move: Move) -> Part:
        """Return this part with its movable blobs of these packs to be written again.

        Args:
            move: The packs, and what cuts a value.
        """
        del move
        return self

    @property
    def pieces(self) -> tuple[Member, ...]:
        """The members that its index lists, if it leaves in chunks."""
        return ()

    @property
    def opened_bytes(self) -> int:
        """Bytes that an open counts for it against `Policy.max_open_bytes`, besides index nodes."""
        return 0

    @property
    def own_stored_text(self) -> bytes | None:
        """The text of its one blob, or of its tail, if that is stored."""
        return None

    @property
    def base_read(self) -> Verified | None:
        """The verified value that its delta starts from, if that is at hand."""
        return None

    @property
    def layer_texts(self) -> tuple[bytes, ...]:
        """The own texts of its layers, if all are at hand."""
        return ()

    def relied_on(self) -> set[str]:
        """Return the packs that it relies on only because this process remembers them.

        A stub that was not opened is passed on as it is: its writer checked that its pack exists. A
        value that was opened, or is assembled from memory, could be written again, so it must not
        refer to a pack that is gone.
        """
        return set()

    def placed(self, placing: Placing) -> Whole | None:
        """Put its new blobs into the pack, and return the stub."""
        del placing
        return None

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """Return the JSON value that represents it in the bag.

        Args:
            stubs: The stubs of the values that leave, by path.
            sign: Signs a stub's body.
        """
        raise NotImplementedError

    def with_children(self, children: dict[Any, Part]) -> Part:
        """Return this part with other parts of the same members."""
        return msgspec.structs.replace(self, children=children)


class Plain(Part, frozen=True):
    """A value that stays as it is (user data with the reserved key: escaped)."""

    value: Any
    wire: int
    control: bool = False
    estimated: bool = False

    is_plain: ClassVar[bool] = True

    @property
    def is_escaped(self) -> bool:
        """Whether it is user data with the reserved key."""
        return self.value is not self.source

    def as_control(self) -> Plain:
        """Return this part as a control field."""
        return msgspec.structs.replace(self, control=True)

    def measured(self) -> Plain:
        """Return this part without an estimate."""
        size = json_text.wire_size(self.value)
        return msgspec.structs.replace(self, wire=size, estimated=False)

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """Return the value."""
        del stubs, sign
        return self.value


class Branch(Part, frozen=True):
    """An object or array whose members are separate parts."""

    children: dict[Any, Part]

    is_container: ClassVar[bool] = True

    @property
    def wire(self) -> int:
        """Bytes of the brackets, keys, separators and members."""
        total = 2 + 2 * max(len(self.children) - 1, 0)
        if isinstance(self.source, dict):
            total += sum(key_wire(key) + 2 for key in self.children)
        return total + sum([child.wire for child in self.children.values()])

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """Return the object or array with the form of each member."""
        members = {key: child.in_bag(stubs, sign) for key, child in self.children.items()}
        return list(members.values()) if isinstance(self.source, list) else members


class Gathered(Part, frozen=True):
    """The *rest* form: many small fields as one value, with the other fields next to it."""

    whole: Leaving
    required: tuple[str, ...]
    children: dict[Any, Part]

    is_container: ClassVar[bool] = True
    leaves: ClassVar[bool] = True

    @property
    def wire(self) -> int:
        """Upper bound of the stub and of the fields next to it."""
        extra = len(json.dumps({"rest": True, "beside": list(self.required)}))
        beside = sum(key_wire(key) + 4 + child.wire for key, child in self.children.items())
        return self.whole.wire + extra + beside

    @property
    def pieces(self) -> tuple[Member, ...]:
        """Those of the whole."""
        return self.whole.pieces

    @property
    def opened_bytes(self) -> int:
        """Those of the whole."""
        return self.whole.opened_bytes

    @property
    def own_stored_text(self) -> bytes | None:
        """Those of the whole."""
        return self.whole.own_stored_text

    @property
    def base_read(self) -> Verified | None:
        """Of the whole."""
        return self.whole.base_read

    @property
    def layer_texts(self) -> tuple[bytes, ...]:
        """Of the whole."""
        return self.whole.layer_texts

    @property
    def carried(self) -> Single | None:
        """Those of the whole."""
        return self.whole.carried

    @property
    def new_bytes(self) -> int:
        """Those of the whole."""
        return self.whole.new_bytes

    def with_whole(self, whole: Leaving) -> Gathered:
        """Return this part with another part of the gathered fields."""
        return self if whole is self.whole else msgspec.structs.replace(self, whole=whole)

    def ended(self) -> Gathered:
        """Return this part with the gathered fields without their delta."""
        return self.with_whole(self.whole.ended())

    def storing(self) -> Gathered:
        """Return this part with the gathered fields stored."""
        return self.with_whole(self.whole.storing())

    def stored_in_pieces(
        self, in_pieces: Callable[[Single], Leaving], piece_bytes: int
    ) -> Gathered:
        """Return this part with the gathered fields in chunks, if they are stored and large."""
        return self.with_whole(self.whole.stored_in_pieces(in_pieces, piece_bytes))

    def folded(self, scope: str, level: int) -> Gathered:
        """Return this part with as few entries for the gathered fields as possible."""
        return self.with_whole(self.whole.folded(scope, level))

    def movable(self, known: Known) -> list[tuple[str, int]]:
        """Return those of the whole."""
        return self.whole.movable(known)

    def fixed(self) -> set[str]:
        """Return those of the whole."""
        return self.whole.fixed()

    def unread(self) -> Unread:
        """Return those of the whole."""
        return self.whole.unread()

    def with_read(self, move: Move) -> Gathered:
        """Return this part with more of the whole read."""
        return self.with_whole(self.whole.with_read(move))

    def moved(self, move: Move) -> Gathered:
        """Return this part with the whole's blobs to be written again."""
        return self.with_whole(self.whole.moved(move))

    def relied_on(self) -> set[str]:
        """Return those of the whole."""
        return self.whole.relied_on()

    def placed(self, placing: Placing) -> Whole:
        """Return the stub of the whole."""
        return self.whole.placed(placing)

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """Return the stub of the gathered fields, with the other fields next to it."""
        stub = Rest(stubs[self.path], self.required, {})
        body = stub.to_wire()
        members = {key: child.in_bag(stubs, sign) for key, child in self.children.items()}
        return {KEY: body if sign is None else sign(stub, body), **members}


def walk(root: Part) -> list[Part]:
    """Return all parts, outermost first, in the order of their paths."""
    found: list[Part] = []
    pending = [root]
    while pending:
        part = pending.pop()
        found.append(part)
        if part.children:
            pending.extend(reversed(part.children.values()))
    return found


def what_leaves(root: Part) -> list[Part]:
    """Return the parts that are stubs, or have one, in the order of their paths."""
    return [part for part in walk(root) if part.leaves]


def part_at(root: Part, path: Path) -> Part:
    """Return the part of the value at a path."""
    for key in path:
        root = root.children[key]
    return root


def changed(root: Part, changes: Mapping[Path, Part]) -> Part:
    """Return the tree with other parts at some paths, and in their members."""
    if not changes:
        return root
    root = changes.get(root.path, root)
    if not root.children:
        return root
    children = {
        key: changed(child, changes) if child.children else changes.get(child.path, child)
        for key, child in root.children.items()
    }
    if all(map(is_, children.values(), root.children.values())):
        return root
    return root.with_children(children)


def mapped(root: Part, change: Callable[[Part], Part]) -> Part:
    """Return the tree with each part replaced, the innermost and last first.

    Args:
        root: The tree.
        change: Returns the part that replaces another one, whose members were replaced before.
    """
    if root.children:
        replaced = {key: mapped(child, change) for key, child in reversed(root.children.items())}
        if any(replaced[key] is not child for key, child in root.children.items()):
            root = root.with_children({key: replaced[key] for key in root.children})
    return change(root)
