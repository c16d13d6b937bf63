"""Compare the states of two bags, reading only values that differ.

A value with the same digest in both bags is not read. If both values are in chunks, the chunks that
both have are skipped. So an entry that was appended to a long history costs one read at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from statebag.errors import LimitExceeded
from statebag.format import json_text
from statebag.format.json_check import check_json
from statebag.format.paths import render_path
from statebag.format.unopened import Unopened
from statebag.opening.pairing import pairs_of_items
from statebag.opening.walk import EVERYTHING, Selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.paths import Path
    from statebag.format.stub import Entry, Whole
    from statebag.opening.opener import Opener

__all__ = ["Change", "differences"]

ChangeKind = Literal["added", "removed", "changed"]
_ABSENT = object()


class Change(msgspec.Struct, frozen=True):
    """One difference.

    Attributes:
        path: Where, as `$.field[0]`. Items have their index in the later array, removed ones that
            in the earlier array.
        kind: What happened.
        before: Bytes of the JSON text that was there; 0 if nothing was.
        after: Bytes of the JSON text that is there now; 0 if nothing is.
        old: The value that was there; None if nothing was.
        new: The value that is there now; None if nothing is.
    """

    path: str
    kind: ChangeKind
    before: int
    after: int
    old: Any = None
    new: Any = None


def differences(opener: Opener, before: Any, after: Any) -> Iterator[Change]:
    """Yield all differences, in the order of the paths.

    Args:
        opener: Reads what must be read.
        before: A bag.
        after: Another one.

    Raises:
        StatebagError: As for an open.
    """
    first, second = (opener.open(bag, Selection([])) for bag in (before, after))
    for one in (first, second):  # what is plain in a bag has not been checked by anybody
        check_json(one, frozenset({Unopened}))
    try:
        yield from _Comparison(opener).of(first, second, ())
    except RecursionError:
        raise json_text.no_room(LimitExceeded) from None


class _Comparison:
    def __init__(self, opener: Opener) -> None:
        self._opener = opener

    def of(self, before: Any, after: Any, path: Path) -> Iterator[Change]:
        pending: list[tuple[Any, Any, Path]] = [(before, after, path)]
        while pending:
            one, two, place = pending.pop()
            if isinstance(one, Unopened) or isinstance(two, Unopened):
                if isinstance(one, Unopened) and isinstance(two, Unopened):
                    narrowed = self._narrowed(one, two, place)
                    if narrowed is not None:
                        pending.extend(reversed(narrowed))
                        continue
                one, two = self._opened(one, place), self._opened(two, place)
            if isinstance(one, dict) and isinstance(two, dict):
                pending.extend(reversed(list(_of_objects(one, two, place))))
            elif isinstance(one, list) and isinstance(two, list):
                pending.extend(reversed(list(_of_arrays(one, two, place, 0))))
            else:
                one, two = self._whole(one, place), self._whole(two, place)
                if one is _ABSENT or two is _ABSENT or not _same(one, two):
                    yield _change(one, two, place)

    def _opened(self, value: Any, path: Path) -> Any:
        if not isinstance(value, Unopened):
            return value
        return self._opener.open(value, EVERYTHING, is_state=True, below=path)

    def _whole(self, value: Any, path: Path) -> Any:
        """Return a value that only one side has, with everything in it opened."""
        if not isinstance(value, dict | list):
            return value
        return self._opener.open(value, EVERYTHING, is_state=True, below=path)

    def _narrowed(
        self, one: Unopened, two: Unopened, path: Path
    ) -> list[tuple[Any, Any, Path]] | None:
        """Return the parts of two unread values to compare; None if both must be read."""
        first, second = one.stub, two.stub
        if first.fingerprint is not None and first.fingerprint == second.fingerprint:
            return []
        if not (first.entries and second.entries) or first.kind != second.kind:
            return None
        return self._of_pieces(first.whole, second.whole, path)

    def _of_pieces(self, one: Whole, two: Whole, path: Path) -> list[tuple[Any, Any, Path]]:
        first: list[Entry] = list(one.entries)
        second: list[Entry] = list(two.entries)
        skipped = 0
        while True:
            common = _common_start(first, second)
            skipped += sum(entry.count for entry in first[:common])
            first, second = first[common:], second[common:]
            if not any(entry.level for entry in (*first, *second)):
                break
            first, second = self._below(first, path), self._below(second, path)
        items = self._items(first, one, path), self._items(second, two, path)
        if one.kind == "array":
            return list(_of_arrays(*items, path, skipped))
        return list(_of_objects(dict(items[0]), dict(items[1]), path))

    def _below(self, entries: list[Entry], path: Path) -> list[Entry]:
        """Return the entries with each node of the highest level replaced by what it lists."""
        highest = max((entry.level for entry in entries), default=0)
        found: list[Entry] = []
        for entry in entries:
            if entry.level and entry.level == highest:
                found.extend(self._opener.listed(entry, path))
            else:
                found.append(entry)
        return found

    def _items(self, entries: list[Entry], stub: Whole, path: Path) -> list[Any]:
        """Return the items, or pairs of key and value, of some chunks and of the tail."""
        runs = [self._opener.piece(entry, stub.kind, path) for entry in entries]
        if stub.simple is not None:
            runs.append(self._opener.tail(stub, path))
        if stub.kind == "array":
            return [item for run in runs for item in run]
        return [pair for run in runs for pair in run.items()]


def _common_start(one: list[Entry], two: list[Entry]) -> int:
    count = 0
    for first, second in zip(one, two, strict=False):
        if first.blob.sha256 != second.blob.sha256 or first.level != second.level:
            break
        count += 1
    return count


def _of_objects(
    one: dict[str, Any], two: dict[str, Any], path: Path
) -> Iterator[tuple[Any, Any, Path]]:
    for key in dict.fromkeys([*one, *two]):
        pair = one.get(key, _ABSENT), two.get(key, _ABSENT)
        if not _surely_same(*pair):
            yield (*pair, (*path, key))


def _of_arrays(
    one: list[Any], two: list[Any], path: Path, start: int
) -> Iterator[tuple[Any, Any, Path]]:
    """Return the pairs of items at one index, without equal items at both ends."""
    for place, left, right in pairs_of_items(one, two, _surely_same, _ABSENT):
        if not _surely_same(left, right):
            yield left, right, (*path, start + place)


def _surely_same(one: Any, two: Any) -> bool:
    if one is _ABSENT or two is _ABSENT:
        return False
    if isinstance(one, Unopened) or isinstance(two, Unopened):
        both = isinstance(one, Unopened) and isinstance(two, Unopened)
        return both and one.wire == two.wire
    try:
        return _same(one, two)
    except _HoldsUnopenedError:
        return False


class _HoldsUnopenedError(Exception):
    pass


def _refuse(_: Any) -> Any:
    raise _HoldsUnopenedError


def _same(one: Any, two: Any) -> bool:
    """Return whether two values have the same JSON text: 1, 1.0 and true differ."""
    return json_text.encode(one, _refuse) == json_text.encode(two, _refuse)


def _change(one: Any, two: Any, path: Path) -> Change:
    kind: ChangeKind = "added" if one is _ABSENT else "removed" if two is _ABSENT else "changed"
    sizes = [0 if value is _ABSENT else len(json_text.encode(value)) for value in (one, two)]
    values = [None if value is _ABSENT else value for value in (one, two)]
    return Change(render_path(path), kind, *sizes, *values)
