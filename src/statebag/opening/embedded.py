"""Find the text of bags in strings, and open it if the caller says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from statebag.environment import sealing_is_off
from statebag.errors import InvalidState
from statebag.format import json_text
from statebag.format.bag_text import (
    LEVELS,
    bag_texts,
    decoded_text,
    is_bag_text,
    is_broken_text,
    names_with_bag_text,
    value_of_text,
)
from statebag.format.paths import render_path
from statebag.format.stub import KEY
from statebag.format.unopened import Unopened
from statebag.opening.walk import EVERYTHING, Selection
from statebag.telemetry.log_warnings import warn

if TYPE_CHECKING:
    from statebag.format.paths import Path, Place
    from statebag.opening.opener import Opener

__all__ = [
    "look_for_texts",
    "look_for_texts_at",
    "open_texts",
    "parsed_along",
    "say_texts_are_left",
]

_ERROR_TEXT = "Cause"  # the engine quotes the input of what failed there; see `look_for_texts`


def look_for_texts(bag: Any, embedded: bool | None, below: Path = ()) -> None:
    """Warn or raise if strings hold the text of a bag and the caller does not open them.

    Text below a key `Cause` is never an error: there, Step Functions quotes the input of a failed
    execution or task, and a handler of the failure must not fail because of it.

    Args:
        bag: The value that was opened, so it is a JSON value without cycles.
        embedded: False logs a warning. None raises, unless sealing is off: then it
            logs a warning too.
        below: Its path.

    Raises:
        InvalidState: There is such a string, and `embedded` is None.
    """
    found = [(text, (*below, *path), is_name) for text, path, is_name in bag_texts(bag)]
    if not found:
        return
    refuses = embedded is None and not sealing_is_off()
    for text, path, is_name in found:
        if refuses and _ERROR_TEXT not in path:
            if is_name:
                raise _a_name(text, path)
            if is_broken_text(text):
                raise _broken(path)
            raise InvalidState(
                "the string has a bag in it, and embedded= does not say whether to open it",
                path=_at(path),
                hint="Pass embedded=True to open it, or embedded=False to keep the string.",
            )
    _warn([path for _, path, _ in found], "embedded=True opens them")


def look_for_texts_at(bag: Any, path: Place, embedded: bool | None) -> None:
    """Do the same for the plain value at a path of a bag; a stub holds only data."""
    for part in path:
        if isinstance(part, str):
            if not isinstance(bag, dict) or part not in bag or part == KEY:
                return
        elif not isinstance(bag, list) or (
            isinstance(part, int) and not -len(bag) <= part < len(bag)
        ):
            return
        bag = bag[part]
    look_for_texts(bag, embedded, cast("Path", path))  # only rendered


def say_texts_are_left(state: Any) -> None:
    """Log a warning if strings of a state hold a bag's text, which a seal does not write again."""
    found = [path for _, path, _ in bag_texts(state)]
    if found:
        _warn(
            found,
            "the objects they refer to are not repaired; repair(bag, embedded=True) does that",
        )


def open_texts(opener: Opener, state: Any, selection: Selection, below: Path = ()) -> Any:
    """Return the state with each bag's text in a string replaced by the opened value's text.

    The string stays a string, so its reader works with large and small bags alike. Each text is
    opened whole.

    Args:
        opener: Reads within its limits and scope, which include what it has read already.
        state: Opened; nothing else refers to it.
        selection: Texts outside it are left as they are.
        below: Its path.

    Raises:
        InvalidState: A text holds a bag but is not JSON, and is not below a key `Cause`; or the
            name of a field is such a text.
    """
    root = [state]
    pending: list[tuple[Any, Any, Path]] = [(root, 0, below)]
    while pending:
        container, key, path = pending.pop()
        one = container[key]
        if isinstance(one, Unopened):
            continue
        if isinstance(one, str):
            if selection.enters(path) and is_bag_text(one):
                container[key] = _opened(opener, one, path, LEVELS)
        elif isinstance(one, dict):
            named = next(names_with_bag_text(one), None) if selection.enters(path) else None
            if named is not None:
                raise _a_name(named, path)
            pending.extend((one, name, (*path, name)) for name in one)
        elif isinstance(one, list):
            pending.extend((one, i, (*path, i)) for i in range(len(one)))
    return root[0]


def _opened(opener: Opener, text: str, path: Path, levels: int) -> str:
    value = decoded_text(text)
    if value is None:
        if _ERROR_TEXT in path:  # the engine cuts long ones
            _warn([path], "it is not JSON")
            return text
        raise _broken(path)
    opened = [opener.open(value, EVERYTHING, below=path)]
    pending: list[tuple[Any, Any]] = [(opened, 0)]
    while pending:
        container, key = pending.pop()
        one = container[key]
        if isinstance(one, str):
            if is_bag_text(one, levels - 1):
                container[key] = _opened(opener, one, path, levels - 1)
        elif isinstance(one, dict):
            pending.extend((one, name) for name in one)
        elif isinstance(one, list):
            pending.extend((one, i) for i in range(len(one)))
    return json_text.encode(opened[0]).decode()


def parsed_along(event: Any, path: Path) -> Any:
    """Return an event with each text on the way to a path replaced by its JSON value.

    Args:
        event: It is not changed.
        path: A string on the way, or at the end, is replaced if it is the text of an object or
            array.
    """
    root = [event]
    container: Any = root
    key: Any = 0
    for part in (*path, None):
        try:
            one = container[key]
        except (LookupError, TypeError):
            break
        if isinstance(one, str):
            parsed = value_of_text(one)
            one = one if parsed is None else parsed
        if not isinstance(one, dict | list):
            break
        container[key] = one = one.copy()
        container, key = one, part
    return root[0]


def _warn(found: list[Path], what: str) -> None:
    warn(
        "BagTextsLeft",
        "%d strings hold the text of a bag and were not opened, the first at %s; %s",
        len(found),
        _at(found[0]),
        what,
        count=len(found),
    )


def _a_name(name: str, path: Path) -> InvalidState:
    return InvalidState(
        f"the name of a field ({len(name)} characters) has a bag in it, and cannot be opened",
        path=_at(path),
        hint="Pass embedded=False to keep the name, or pass the bag as a value.",
    )


def _broken(path: Path) -> InvalidState:
    return InvalidState(
        "the string has a bag in it, but is not JSON, so it cannot be opened",
        path=_at(path),
        hint="Pass embedded=False to keep the string, or JSON that holds the bag "
        "(json.dumps(bag) instead of str(bag), and not in base64).",
    )


def _at(path: Path) -> str:
    return render_path(path[:20]) + ("..." if len(path) > 20 else "")
