"""Put the first keys or characters of a value into its stub, for a person who reads the bag.

A preview is added after everything else is decided, and only if the bag's bound leaves room. So it
never makes a value leave, and no digest, signature or pack depends on it. No reader uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from statebag.format import json_text
from statebag.format.bag_text import may_be_bag_text
from statebag.format.json_text import wire_size
from statebag.format.names import is_shown
from statebag.format.stub import KEY, PREVIEW
from statebag.format.unopened import unread_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.sealing.layout import Layout
    from statebag.sealing.parts import Part

__all__ = ["preview_of", "with_previews"]

_CUT = "..."
_LEVELS = 20  # chosen: nobody reads deeper, and a stack of calls stays short
_AROUND = len(f'"{PREVIEW}": , ')  # bytes that the field takes, without its value
_WORDS = {True: "true", False: "false", None: "null"}


def with_previews(layout: Layout, text: bytes, bound: int, most: int) -> tuple[Layout, bytes]:
    """Return a layout whose bag has previews in its stubs, with the bag's text.

    Args:
        layout: A layout whose bag is within the bound.
        text: Its text.
        bound: Bytes that the bag may take.
        most: Bytes that each preview may take.
    """
    room = bound - wire_size(layout.bag, text)
    found: list[tuple[Part, str]] = []
    for part in layout.leaving:
        preview = _of_part(part, most)
        takes = _AROUND + wire_size(preview)
        if preview and takes <= room:
            room -= takes
            found.append((part, preview))
    if not found:
        return layout, text
    root = [layout.bag]
    for part, preview in found:
        container, key = _place(root, (0, *part.path))
        one = container[key]
        container[key] = {**one, KEY: {**one[KEY], PREVIEW: preview}}
    return replace(layout, bag=root[0]), json_text.encode(root[0])


def _place(container: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    for key in path[:-1]:
        container = container[key]
    return container, path[-1]


def _of_part(part: Part, most: int) -> str:
    unread = unread_in(part.source)
    if unread is not None:
        body = unread.wire.get(KEY)
        came = body.get(PREVIEW) if isinstance(body, dict) else None
        # From a payload, and so of any type and length.
        return _bounded(came, most) if isinstance(came, str) else ""
    value = part.source
    if part.children and isinstance(value, dict):  # the others stand next to the stub
        value = {key: None for key in value if key not in part.children}
    return preview_of(value, most)


def preview_of(value: Any, most: int) -> str:
    """Return the first keys of an object, or the first characters of another value.

    Args:
        value: A JSON value, which may hold values that were not opened.
        most: Bytes that the preview may take in a bag.

    Returns:
        A text of printable characters; empty if it would look like the text of a bag.
    """
    if isinstance(value, str):
        return _bounded(value, most)
    fragments = _keys(value) if isinstance(value, dict) else _fragments(value, most)
    return _bounded(_first(fragments, most), most)


def _first(fragments: Iterator[str], most: int) -> str:
    """Return the beginning of the fragments: more than `most` characters, or all of them."""
    text: list[str] = []
    length = 0
    for one in fragments:
        text.append(one[: most + 1])
        length += len(text[-1])
        if length > most:
            break
    return "".join(text)


def _keys(value: dict[str, Any]) -> Iterator[str]:
    between = ""
    for key in value:
        yield between
        yield key
        between = ", "


def _fragments(value: Any, most: int, levels: int = _LEVELS) -> Iterator[str]:
    """Yield a value's text piece by piece, so that only its beginning has to be made."""
    if isinstance(value, dict | list) and levels:
        start, end = "{}" if isinstance(value, dict) else "[]"
        yield start
        between = ""
        for one in value:
            yield between
            between = ", "
            if isinstance(value, dict):
                yield f"{one[:most]}: "
            yield from _fragments(value[one] if isinstance(value, dict) else one, most, levels - 1)
        yield end
    elif isinstance(value, str):
        yield f"'{value[:most]}'"
    elif isinstance(value, bool) or value is None:
        yield _WORDS[value]
    elif isinstance(value, int | float):
        yield json_text.encode(value).decode()
    else:  # it was not opened, or is too deep
        yield _CUT


def _bounded(text: str, most: int) -> str:
    """Return a text of printable characters, cut if it would take more than `most` bytes."""
    if may_be_bag_text(text[: 2 * most]):
        return ""
    taken = whole = 0  # whole: how many characters fit together with the mark of a cut
    shown: list[str] = []
    for char in text:
        shown.append(char if is_shown(char) else " ")
        taken += wire_size(shown[-1]) - len('""')
        if taken > most:
            return "".join(shown[:whole]) + _CUT if most > len(_CUT) else "".join(shown[:-1])
        if taken <= most - len(_CUT):
            whole = len(shown)
    return "".join(shown)
