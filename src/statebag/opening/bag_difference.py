"""Compare the states of two bags without reading the store.

A stub has the size of its value. It also has the digest of its text, or the digests of its chunks.
They show which values differ, and for plain and inline values also where. If they are not enough,
the difference is reported as possible, never left out: each difference of two states is at or below
a reported path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from statebag.errors import BlobCorrupt
from statebag.format import json_text
from statebag.format.codec import sha256_hex
from statebag.format.derived import marked_fields, set_aside
from statebag.format.paths import render_path
from statebag.format.stub import KEY
from statebag.format.stub_parsing import parse_stub
from statebag.opening.inspection import inspect
from statebag.opening.pairing import pairs_of_items

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from statebag.format.paths import Path
    from statebag.format.stub import Stub

__all__ = ["BagChange", "bag_differences"]

# Bytes of an inline value's text. Chosen: as much as a payload may have
_LARGEST_LOOKED_INTO = 262_144
_ABSENT = object()


class BagChange(msgspec.Struct, frozen=True):
    """One value that differs.

    Attributes:
        path: Where, as `$.field[0]`. Items have their index in the later array, removed ones that
            in the earlier array.
        kind: What happened; `possible` if the bags do not show whether anything did.
        before: Bytes of the JSON text of the opened value that was there; 0 if nothing was.
        after: Bytes of the JSON text of the opened value that is there now; 0 if none is.
    """

    path: str
    kind: Literal["added", "removed", "changed", "possible"]
    before: int
    after: int


class _Value(msgspec.Struct, frozen=True):
    """A value of a bag, or `_ABSENT`; `is_data` if nothing in it is a stub."""

    wire: Any
    is_data: bool = False
    stub: Stub | None = None

    @property
    def size(self) -> int:
        if self.wire is _ABSENT:
            return 0
        if self.is_data:
            return len(json_text.encode(self.wire))
        return inspect(self.wire).root.size

    def inside(self, member: Any) -> _Value:
        return _Value(member, is_data=self.is_data)


def bag_differences(before: Any, after: Any) -> Iterator[BagChange]:
    """Yield all differences between the states of two bags, in the order of the paths.

    Args:
        before: A bag, or any JSON value that holds stubs.
        after: Another one.

    Raises:
        InvalidStub, UnsupportedFormat: An object that has the reserved key and is not a stub.
        BlobCorrupt: Inline bytes are damaged.
    """
    pending: list[tuple[_Value, _Value, Path]] = [(_Value(before), _Value(after), ())]
    while pending:
        one, two, path = pending.pop()
        if _same_text(one, two):
            continue
        one, two, derived = _without_derived(one, two, path)
        yield from derived
        one, two = _met(one, path), _met(two, path)
        if one.stub is None and two.stub is None:
            members = _members(one, two, path)
            if members is not None:
                pending.extend(reversed(members))
                continue
        elif one.stub is not None and two.stub is not None and _are_rests(one.stub, two.stub):
            whole = one.stub.whole, two.stub.whole
            beside = _of_objects(_Value(one.stub.siblings), _Value(two.stub.siblings), path)
            pending.extend(reversed(beside))
            kind = _verdict(*whole)
            if kind != "same":
                yield BagChange(render_path(path), kind, whole[0].size, whole[1].size)
            continue
        change = _change(one, two, path)
        if change is not None:
            yield change


def _same_text(one: _Value, two: _Value) -> bool:
    if one.wire is _ABSENT or two.wire is _ABSENT or one.is_data != two.is_data:
        return False
    return json_text.encode(one.wire) == json_text.encode(two.wire)


def _without_derived(
    one: _Value, two: _Value, path: Path
) -> tuple[_Value, _Value, list[BagChange]]:
    """Return two values without the fields that may be derived, and those of them that may differ.

    Only the source shows whether such a field is derived, and the source is not read.
    """
    left, right = (({}, {}) if v.is_data else set_aside(v.wire) for v in (one, two))
    names = dict.fromkeys([*left[1], *right[1]])
    if not names or not (isinstance(one.wire, dict) and isinstance(two.wire, dict)):
        return one, two, []
    same_sources = all(
        _same_text(_Value(one.wire.get(place)), _Value(two.wire.get(place)))
        for place in (KEY, *(mark.source for mark in marked_fields(one.wire)))
    )
    changes = []
    for name in names:
        pair = [_Value(v.wire.get(name, _ABSENT), is_data=v.is_data) for v in (one, two)]
        marked = name in left[1] and name in right[1]
        if not (marked and same_sources and _same_text(*pair)):
            sizes = [value.size for value in pair]
            changes.append(BagChange(render_path((*path, name)), "possible", *sizes))
    return _without(one, names), _without(two, names), changes


def _without(value: _Value, names: Collection[str]) -> _Value:
    wire = {name: member for name, member in value.wire.items() if name not in names}
    return _Value(wire, is_data=value.is_data)


def _met(value: _Value, path: Path) -> _Value:
    """Return a value with its stub parsed, or its data if it is escaped, or inline and small."""
    wire = value.wire
    if value.is_data or not isinstance(wire, dict):
        return value
    if KEY not in wire:
        return value
    stub = parse_stub(wire, render_path(path))
    if stub.is_data:
        return _Value(stub.original, is_data=True)
    if _is_in_bag(stub) and stub.size <= _LARGEST_LOOKED_INTO:
        where = render_path(path)
        try:
            text = stub.whole.text({}, (), b"")
        except BlobCorrupt as error:
            error.object_name = where
            raise
        return _Value(json_text.decode(text, where), is_data=True)
    return _Value(wire, stub=stub)


def _members(one: _Value, two: _Value, path: Path) -> list[tuple[_Value, _Value, Path]] | None:
    """Return the pairs of members that may differ; None if a value has no members."""
    if isinstance(one.wire, dict) and isinstance(two.wire, dict):
        return _of_objects(one, two, path)
    if isinstance(one.wire, list) and isinstance(two.wire, list):
        return _of_arrays(one, two, path)
    return None


def _of_objects(one: _Value, two: _Value, path: Path) -> list[tuple[_Value, _Value, Path]]:
    return [
        (
            one.inside(one.wire.get(key, _ABSENT)),
            two.inside(two.wire.get(key, _ABSENT)),
            (*path, key),
        )
        for key in dict.fromkeys([*one.wire, *two.wire])
    ]


def _of_arrays(one: _Value, two: _Value, path: Path) -> list[tuple[_Value, _Value, Path]]:
    """Return the pairs of items at one index, without equal items at both ends."""
    left = [one.inside(item) for item in one.wire]
    right = [two.inside(item) for item in two.wire]
    pairs = pairs_of_items(left, right, _same_text, _Value(_ABSENT))
    return [(before, after, (*path, place)) for place, before, after in pairs]


def _change(one: _Value, two: _Value, path: Path) -> BagChange | None:
    sizes = one.size, two.size
    if one.wire is _ABSENT or two.wire is _ABSENT:
        return BagChange(render_path(path), "added" if one.wire is _ABSENT else "removed", *sizes)
    kind: Literal["same", "changed", "possible"]
    if _has_beside(one.stub) or _has_beside(two.stub):
        kind = "changed" if sizes[0] != sizes[1] else "possible"
    elif one.stub is not None and two.stub is not None:
        kind = _verdict(one.stub, two.stub)
    elif one.stub is not None:
        kind = _against_plain(one.stub, two, sizes)
    elif two.stub is not None:
        kind = _against_plain(two.stub, one, sizes)
    else:
        kind = "same" if _texts_of_data(one, two) else "changed"
    return None if kind == "same" else BagChange(render_path(path), kind, *sizes)


def _texts_of_data(one: _Value, two: _Value) -> bool:
    """Return whether two scalars, or values of different kinds, have the same text."""
    return json_text.encode(one.wire) == json_text.encode(two.wire)


def _against_plain(
    stub: Stub, plain: _Value, sizes: tuple[int, int]
) -> Literal["same", "changed", "possible"]:
    if sizes[0] != sizes[1]:
        return "changed"
    digest = stub.digest
    if digest is None or not (plain.is_data or _has_no_stub(plain.wire)):
        return "possible"
    return "same" if sha256_hex(json_text.encode(plain.wire)) == digest else "changed"


def _verdict(one: Stub, two: Stub) -> Literal["same", "changed", "possible"]:
    digests = one.digest, two.digest
    if None not in digests:
        return "same" if digests[0] == digests[1] else "changed"
    if one.size != two.size or one.count != two.count:
        return "changed"
    if one.fingerprint is not None and one.fingerprint == two.fingerprint:
        return "same"
    return "possible"


def _has_beside(stub: Stub | None) -> bool:
    return stub is not None and stub.beside is not None


def _are_rests(one: Stub, two: Stub) -> bool:
    return one.beside is not None and two.beside is not None


def _is_in_bag(stub: Stub) -> bool:
    return stub.beside is None and not stub.whole.in_store


def _has_no_stub(wire: Any) -> bool:
    pending = [wire]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if KEY in value:
                return False
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return True
