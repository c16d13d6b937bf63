"""Look up one value of a bag by its path, reading only the blobs on the way.

An index into an array that is cut into chunks reads one chunk (and the index nodes above it),
however long the array is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.derived import marked_fields, set_aside
from statebag.format.paths import render_path
from statebag.format.stub import KEY
from statebag.format.stub_parsing import parse_stub
from statebag.format.unopened import Unopened
from statebag.opening.walk import Selection, plain_copy

if TYPE_CHECKING:
    from statebag.format.paths import Path
    from statebag.format.stub import Stub
    from statebag.opening.opener import Opener

__all__ = ["found_at", "look_up"]

_NAMES_SHOWN = 12  # in a message. Chosen: it stays a line or two


def look_up(opener: Opener, bag: Any, path: Path) -> Any:
    """Return the opened value at `path`.

    Raises:
        InvalidState: Nothing is at the path; the message names what is there instead.
    """
    value, opened = found_at(opener, bag, path)
    return value if opened else opener.open(value, Selection(None))


def found_at(opener: Opener, bag: Any, path: Path) -> tuple[Any, bool]:
    """Return what stands at `path`, and whether it is opened; a stub there is not read.

    Raises:
        InvalidState: Nothing is at the path; the message names what is there instead.
    """
    value = bag
    opened = False  # below an opened value nothing is a stub any more
    for depth, part in enumerate(path):
        if isinstance(value, Unopened):
            value = value.wire
        if not opened and isinstance(value, dict):
            if any(one.name == part for one in marked_fields(value)):
                value, opened = opener.open(value, Selection([(str(part),)])), True
            else:
                value, _ = set_aside(value)
        if not opened and isinstance(value, dict) and KEY in value:
            stub = parse_stub(value, render_path(path[:depth]))
            checked = opener.checked(stub, value[KEY], path[:depth])
            if part in stub.siblings:
                value = stub.siblings[str(part)]
                continue
            if stub.entries and stub.kind == "array":
                if not isinstance(part, int) or part >= stub.count:
                    raise _nothing(f"an array of {stub.count} items", path[: depth + 1])
                value, opened = checked.item(stub.whole, part, path), True
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
    return opener.open(wire, Selection(None))


def _member(value: Any, part: str | int, path: Path) -> Any:
    if isinstance(value, dict) and part in value:
        return value[part]
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
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


def _nothing(there: str, path: Path) -> InvalidState:
    return InvalidState(
        "the bag has no value at this path",
        path=render_path(path),
        hint=f"{render_path(path[:-1])} is {there}.",
    )
