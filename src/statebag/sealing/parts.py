"""The parts of a plan: in which form each value of a state will stand in the bag.

A plan is a tree of parts, shaped like the state down to the values that leave it. Parts are frozen:
a step of sealing gives a new tree. What leaves is in `leaving`. A part answers for itself,
so that a step asks and does not tell parts apart.
"""

from __future__ import annotations

import json
from operator import is_
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from statebag.format import json_text
from statebag.format.stub import KEY, Rest
from statebag.format.unopened import unread_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statebag.format.paths import Path
    from statebag.format.stub import Stub, Whole
    from statebag.sealing.layout import Placing
    from statebag.sealing.leaving import Leaving, Single

__all__ = [
    "Branch",
    "Gathered",
    "Part",
    "Plain",
    "Sign",
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


class Part(msgspec.Struct, frozen=True):
    """What every part answers.

    Attributes:
        path: Where its value stands in the state.
        source: The value, or what stands for it in the state.
        is_plain: Whether the value stays as it is.
        is_container: Whether its members have parts of their own.
        has_left: Whether it is a stub without anything beside it.
        leaves: Whether it is a stub, with or without that.
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
        """Whether `wire` is more than it need be (see `measured`)."""
        return False

    @property
    def children(self) -> dict[Any, Part]:
        """Parts of members, by key or index."""
        return {}

    @property
    def whole(self) -> Leaving | None:
        """Of an object with fields beside its stub: the part of the others together."""
        return None

    @property
    def carried(self) -> Single | None:
        """What of it travels in the bag as a frame of its own."""
        return None

    @property
    def new_bytes(self) -> int:
        """About how many bytes of it go into a new pack."""
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
        """The same as a control field, if it is plain."""
        return self

    def measured(self) -> Part:
        """The same without an estimate."""
        return self

    def storing(self) -> Part:
        """The same with what travels in the bag stored instead."""
        return self

    def settled(self, scope: str, level: int) -> Part:
        """The same with unread bytes that travel in the bag as a part that can be stored.

        Args:
            scope: The encoded scope of the pack to be.
            level: zstd's level.
        """
        del scope, level
        return self

    def stored_in_pieces(self, in_pieces: Callable[[Single], Leaving], piece_bytes: int) -> Part:
        """The same with what was carried before, and is stored instead, in pieces if it is large.

        Args:
            in_pieces: Cuts a value.
            piece_bytes: What is no larger stays one blob.
        """
        del in_pieces, piece_bytes
        return self

    def folded(self, scope: str, level: int) -> Part:
        """The same with as few entries of an index as it can have, and all of it stored."""
        del scope, level
        return self

    def movable(self) -> list[tuple[str, int]]:
        """Packs that hold blobs whose text is at hand, each with the bytes of such a blob."""
        return []

    def fixed(self) -> set[str]:
        """Packs that it refers to in any case."""
        return set()

    def moved(self, packs: set[str], scope: str, level: int) -> Part:
        """The same with its movable blobs of these packs written anew."""
        del packs, scope, level
        return self

    def relied_on(self) -> set[str]:
        """Packs that it relies on because this process remembers them, and nothing else says so.

        A stub that came unopened is handed on as it came: whether its pack is there was the
        business of whoever wrote it. What was opened, or is put together from what is remembered,
        could be written again, and so must not refer to what is gone.
        """
        return set()

    def placed(self, placing: Placing) -> Whole | None:
        """The stub of what leaves, with what is new of it put into the pack."""
        del placing
        return None

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """The JSON value that stands for it in the bag.

        Args:
            stubs: Of what left, by path.
            sign: Signs a stub's body.
        """
        raise NotImplementedError

    def with_children(self, children: dict[Any, Part]) -> Part:
        """The same with other parts of the same members."""
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
        """The same as a control field."""
        return msgspec.structs.replace(self, control=True)

    def measured(self) -> Plain:
        """The same without an estimate."""
        size = json_text.wire_size(self.value)
        return msgspec.structs.replace(self, wire=size, estimated=False)

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """The value."""
        del stubs, sign
        return self.value


class Branch(Part, frozen=True):
    """An object or array whose members have parts of their own."""

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
        """The object or array of what stands for the members."""
        members = {key: child.in_bag(stubs, sign) for key, child in self.children.items()}
        return list(members.values()) if isinstance(self.source, list) else members


class Gathered(Part, frozen=True):
    """The *rest* form: many small fields as one value, other fields beside it."""

    whole: Leaving
    required: tuple[str, ...]
    children: dict[Any, Part]

    is_container: ClassVar[bool] = True
    leaves: ClassVar[bool] = True

    @property
    def wire(self) -> int:
        """Upper bound of the stub and of what stands beside it."""
        extra = len(json.dumps({"rest": True, "beside": list(self.required)}))
        beside = sum(key_wire(key) + 4 + child.wire for key, child in self.children.items())
        return self.whole.wire + extra + beside

    @property
    def carried(self) -> Single | None:
        """Of the whole."""
        return self.whole.carried

    @property
    def new_bytes(self) -> int:
        """Of the whole."""
        return self.whole.new_bytes

    def with_whole(self, whole: Leaving) -> Gathered:
        """The same with another part of the fields together."""
        return self if whole is self.whole else msgspec.structs.replace(self, whole=whole)

    def storing(self) -> Gathered:
        """The same with the whole stored."""
        return self.with_whole(self.whole.storing())

    def stored_in_pieces(
        self, in_pieces: Callable[[Single], Leaving], piece_bytes: int
    ) -> Gathered:
        """The same with the whole in pieces, if it is stored and large."""
        return self.with_whole(self.whole.stored_in_pieces(in_pieces, piece_bytes))

    def folded(self, scope: str, level: int) -> Gathered:
        """The same with as few entries for the whole as it can have."""
        return self.with_whole(self.whole.folded(scope, level))

    def movable(self) -> list[tuple[str, int]]:
        """Of the whole; one that is kept was put together for this seal, and stays."""
        return [] if self.whole.is_kept else self.whole.movable()

    def fixed(self) -> set[str]:
        """Of the whole."""
        packs = self.whole.fixed()
        return packs | {name for name, _ in self.whole.movable()} if self.whole.is_kept else packs

    def moved(self, packs: set[str], scope: str, level: int) -> Gathered:
        """The same with the whole's blobs written anew."""
        return (
            self if self.whole.is_kept else self.with_whole(self.whole.moved(packs, scope, level))
        )

    def relied_on(self) -> set[str]:
        """Of the whole."""
        return self.whole.relied_on()

    def placed(self, placing: Placing) -> Whole:
        """The stub of the whole."""
        return self.whole.placed(placing)

    def in_bag(self, stubs: Mapping[Path, Whole], sign: Sign | None) -> Any:
        """The stub of the whole with what stands beside it."""
        stub = Rest(stubs[self.path], self.required, {})
        body = stub.to_wire()
        members = {key: child.in_bag(stubs, sign) for key, child in self.children.items()}
        return {KEY: body if sign is None else sign(stub, body), **members}


def walk(root: Part) -> list[Part]:
    """All parts, outermost first, in the order of their paths."""
    found: list[Part] = []
    pending = [root]
    while pending:
        part = pending.pop()
        found.append(part)
        if part.children:
            pending.extend(reversed(part.children.values()))
    return found


def what_leaves(root: Part) -> list[Part]:
    """The parts that are stubs, or have one, in the order of their paths."""
    return [part for part in walk(root) if part.leaves]


def part_at(root: Part, path: Path) -> Part:
    """The part of the value at a path."""
    for key in path:
        root = root.children[key]
    return root


def changed(root: Part, changes: Mapping[Path, Part]) -> Part:
    """The tree with other parts at some paths; members of these are changed in their turn."""
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
    """The tree with each part replaced, the innermost and last first.

    Args:
        root: The tree.
        change: Gives what stands for a part, whose members were replaced before.
    """
    if root.children:
        replaced = {key: mapped(child, change) for key, child in reversed(root.children.items())}
        if any(replaced[key] is not child for key, child in root.children.items()):
            root = root.with_children({key: replaced[key] for key in root.children})
    return change(root)
