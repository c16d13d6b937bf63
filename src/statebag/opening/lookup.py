"""Look up one value of a bag by its path, reading only the blobs on the way.

An index into an array that is cut into chunks reads one chunk (and the index nodes above it),
however long the array is; a slice reads the chunks that it meets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from statebag.errors import InvalidState
from statebag.format.derived import marked_fields, set_aside
from statebag.format.paths import render_path
from statebag.format.stub import KEY
from statebag.format.stub_parsing import parse_stub
from statebag.format.unopened import Unopened, holds_unopened
from statebag.opening.walk import EVERYTHING, Selection, plain_copy

if TYPE_CHECKING:
    from statebag.format.paths import Part, Path, Place
    from statebag.format.stub import Stub
    from statebag.opening.opener import Opener

__all__ = ["found_at", "look_up"]

_NAMES_SHOWN = 12  # in a message. Chosen: it stays a line or two


def look_up(opener: Opener, bag: Any, path: Place) -> Any:
    """Return the opened value at `path`; the list of the items of a slice.

    Raises:
        InvalidState: Nothing is at the path; the message names what is there instead.
    """
    value, opened = found_at(opener, bag, path)
    if opened:
        return value
    is_state = not isinstance(value, Unopened) and holds_unopened(bag)
    return opener.open(value, EVERYTHING, is_state=is_state)


def found_at(opener: Opener, bag: Any, path: Place) -> tuple[Any, bool]:
    """Return the value at `path`, and whether it is opened; a stub there is not read.

    Raises:
        InvalidState: Nothing is at the path; the message names what is there instead.
    """
    value = bag
    way = cast("Path", path[:-1])  # a slice is the last part
    opened = False  # below an opened value nothing is a stub any more
    for depth, part in enumerate(path):
        if isinstance(value, Unopened):
            value = value.wire
        elif not opened and isinstance(value, dict) and KEY in value and holds_unopened(bag):
            opened = True  # of a state that was opened before: it is data
        if not opened and isinstance(value, dict):
            if any(one.name == part for one in marked_fields(value)):
                value, opened = opener.open(value, Selection([(str(part),)])), True
            else:
                value, _ = set_aside(value)
        if not opened and isinstance(value, dict) and KEY in value:
            stub = parse_stub(value, render_path(path[:depth]))
            checked = opener.checked(stub, value[KEY], way[:depth])
            if isinstance(part, str) and part in stub.siblings:
                value = stub.siblings[part]
                continue
            if stub.entries and stub.kind == "array":
                wanted = _indices(part, stub.count)
                if wanted is None:
                    raise _nothing(f"an array of {stub.count} items", path[: depth + 1])
                items = checked.items(stub.whole, wanted, way[:depth])
                value, opened = items if isinstance(part, slice) else items[0], True
                continue
            value = _own_value(checked, value, stub)
            opened = True
        value = _member(value, part, path[: depth + 1])
    return value, opened


def _own_value(opener: Opener, wire: dict[str, Any], stub: Stub) -> Any:
    if stub.is_data:
        return plain_copy(stub.original)  # what is handed out is no part of the bag
    if stub.beside is not None:
        # Only what is behind the stub itself: the wanted field is not one of those next to it.
        wire = {KEY: {key: v for key, v in wire[KEY].items() if key not in {"rest", "beside"}}}
    return opener.open(wire, EVERYTHING)


def _indices(part: Part | slice, count: int) -> range | None:
    """Return the indices that a part of a path names in an array; None if no item is there."""
    if isinstance(part, slice):
        return range(*part.indices(count))
    if isinstance(part, int) and -count <= part < count:
        at = part if part >= 0 else part + count
        return range(at, at + 1)
    return None


def _member(value: Any, part: Part | slice, path: Place) -> Any:
    if isinstance(value, list):
        wanted = _indices(part, len(value))
        if wanted is not None:
            return value[part]  # type: ignore[index]  # a name has no indices
    elif isinstance(value, dict) and not isinstance(part, slice) and part in value:
        return value[part]
    if isinstance(value, dict):
        names = [render_path((name,))[1:].lstrip(".") for name in list(value)[:_NAMES_SHOWN]]
        there = f"an object with {', '.join(names) or 'no fields'}"
        if len(value) > _NAMES_SHOWN:
            there += f" and {len(value) - _NAMES_SHOWN} more"
    elif isinstance(value, list):
        there = f"an array of {len(value)} items"
    else:
        there = "a single value"
    raise _nothing(there, path)


def _nothing(there: str, path: Place) -> InvalidState:
    return InvalidState(
        "the bag has no value at this path",
        path=render_path(path),
        hint=f"{render_path(path[:-1])} is {there}.",
    )
