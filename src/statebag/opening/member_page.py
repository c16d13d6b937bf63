"""Read a part of the items or members of a long value, and only the chunks that hold them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.arguments import check_number
from statebag.format.json_type import json_type
from statebag.format.paths import render_path
from statebag.format.stub import KEY
from statebag.format.stub_parsing import parse_stub
from statebag.format.unopened import Unopened
from statebag.opening.lookup import found_at
from statebag.opening.walk import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.paths import Path
    from statebag.format.stub import Entry, Whole
    from statebag.opening.opener import Opener

__all__ = ["member_page"]

Member = tuple[str | int, Any]


def member_page(opener: Opener, bag: Any, path: Path, start: int, count: int) -> list[Member]:
    """Return some members of an array or object, each with its index or name.

    Args:
        opener: Reads what must be read.
        bag: A bag.
        path: The array or object.
        start: The first one, from 0.
        count: How many at most.

    Raises:
        ConfigurationError: A number is not one, or below 0.
        InvalidState: Nothing is at the path, or the value is not an array or object.
        StatebagError: As for an open.
    """
    check_number("start", start, 0)
    check_number("count", count, 0)
    value, is_opened = found_at(opener, bag, path)
    wire = value.wire if isinstance(value, Unopened) else value
    if not is_opened and isinstance(wire, dict) and wire.keys() == {KEY}:
        stub = parse_stub(wire, render_path(path))
        if stub.entries and not stub.is_data:
            checked = opener.checked(stub, wire[KEY], path)
            return list(islice(_in_chunks(checked, stub.whole, start, path), count))
    opened = value if is_opened else opener.open(value, Selection(None))
    if isinstance(opened, dict):
        return list(islice(opened.items(), start, start + count))
    if isinstance(opened, list):
        return list(enumerate(opened[start : start + count], start))
    raise InvalidState(
        f"the value must be an array or object, not {json_type(opened)}", path=render_path(path)
    )


def _in_chunks(opener: Opener, stub: Whole, start: int, path: Path) -> Iterator[Member]:
    """Yield the members from `start` on; a chunk is read when its first member is asked for."""
    seen = 0
    for entry in _entries(opener, stub.entries, start, path):
        if isinstance(entry, int):
            seen += entry
            continue
        members = opener.piece(entry, stub.kind, path)
        yield from _from(members, seen, start)
        seen += entry.count
    if stub.simple is not None:
        yield from _from(opener.tail(stub, path), seen, start)


def _entries(
    opener: Opener, entries: tuple[Entry, ...], start: int, path: Path
) -> Iterator[Entry | int]:
    """Yield the chunks in order; for those that end before `start`, only the number of members."""
    ahead = list(reversed(entries))
    seen = 0
    while ahead:
        entry = ahead.pop()
        if seen + entry.count <= start:
            yield entry.count
            seen += entry.count
        elif entry.level:
            ahead.extend(reversed(opener.listed(entry, path)))
        else:
            yield entry
            seen += entry.count


def _from(members: Any, seen: int, start: int) -> Iterator[Member]:
    """Yield the members of one chunk from `start` on; `seen` members come before the chunk."""
    skipped = max(0, start - seen)
    if isinstance(members, dict):
        yield from islice(members.items(), skipped, None)
    else:
        yield from enumerate(members[skipped:], seen + skipped)
