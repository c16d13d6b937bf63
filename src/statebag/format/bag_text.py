"""Recognize the text of a bag: made by `States.JsonToString`, or in a message.

Text counts as a bag's if it is JSON that holds a stub, or a string that is a bag's text. It also
counts if it is not JSON (cut, JSON Lines, NaN next to the bag) but has the beginning of a stub. The
reserved key must be there without escapes: no engine escapes its letters.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState, StatebagError
from statebag.format import json_text
from statebag.format.json_memory import check_memory
from statebag.format.stub import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.paths import Path

__all__ = [
    "LEVELS",
    "as_bag",
    "bag_texts",
    "decoded_text",
    "is_bag_text",
    "is_broken_text",
    "may_hold_bag_text",
    "value_of_text",
]

LEVELS = 4
"""Texts in texts that are looked into. Chosen: a message in the envelope of a topic in
that of a queue takes three, and each level doubles the backslashes."""

_MARK = f'"{KEY}'
_MARK_IN_STRING = b'\\"' + KEY.encode()
# A stub's beginning, at any level of text. Possessive: nothing is ever given back.
_BEGINNING = re.compile(rf'"{KEY}\\*+"(?:\s|\\+[nrt])*+:(?:\s|\\+[nrt])*+\{{')


def may_hold_bag_text(text: bytes) -> bool:
    """Return whether a string in this JSON text could be a bag's text, by a quick test."""
    return _MARK_IN_STRING in text


def decoded_text(text: str | bytes) -> Any:
    """Return the object, array or string of JSON text; None for any other text."""
    try:
        data = text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError:
        return None
    check_memory(data)  # too much of it does not make it no JSON
    try:
        value = json_text.decode(data)
    except StatebagError:
        return None
    return value if isinstance(value, dict | list | str) else None


def value_of_text(text: str | bytes) -> Any:
    """Return the object or array of JSON text, or of text in text; None for any other."""
    value: Any = text
    for _ in range(LEVELS):
        value = decoded_text(value)
        if not isinstance(value, str):
            return value
    return None


def is_bag_text(text: str, levels: int = LEVELS) -> bool:
    """Return whether a string is a bag's text, or has one in it at so many levels of text."""
    if KEY not in text or not levels:
        return False
    value = decoded_text(text)
    if value is None:
        return _BEGINNING.search(text) is not None
    if _MARK in text and _holds_stub(value):
        return True
    return any(is_bag_text(one, levels - 1) for one, _ in _strings(value))


def is_broken_text(text: str) -> bool:
    """Return whether the text of a bag is not JSON, so that it cannot be opened."""
    return decoded_text(text) is None


def as_bag(value: Any) -> Any:
    """Return the bag that a caller means: the JSON value of its text, or the value itself.

    Args:
        value: Any value. `bytes` are JSON text, since no JSON value is bytes. A `str` is JSON text
            if it holds a stub, also as text in text; any other `str` is a string.

    Raises:
        InvalidState: The bytes are not JSON text.
        LimitExceeded: The value would take more memory than there is.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        text = bytes(value)
        check_memory(text)
        try:
            value = json_text.decode(text)
        except StatebagError as error:
            raise InvalidState(
                f"the text of the bag ({len(text)} bytes) is not JSON",
                hint="Pass UTF-8 JSON text.",
            ) from error
    if isinstance(value, str) and _MARK in value:
        found = value_of_text(value)
        if found is not None and _holds_stub(found):
            return found
    return value


def bag_texts(value: Any) -> Iterator[tuple[str, Path]]:
    """Yield the strings in a value that are the text of a bag, with their paths.

    It skips objects with the reserved key: they are stubs, or data.
    """
    for text, path in _strings(value):
        if is_bag_text(text):
            yield text, path


def _strings(value: Any) -> Iterator[tuple[str, Path]]:
    """Yield the strings in a value that have the reserved key in them, with their paths."""
    pending: list[tuple[Any, Path]] = [(value, ())] if _may_have_strings(value) else []
    while pending:
        one, path = pending.pop()
        if isinstance(one, str):
            if KEY in one:
                yield one, path
            continue
        pending.extend(reversed([(member, (*path, key)) for key, member in _members(one)]))


def _may_have_strings(value: Any) -> bool:
    """Return quickly whether there may be such strings: most values have none."""
    level = [value]
    while level:
        if KEY in "\n".join([one for one in level if isinstance(one, str)]):
            return True
        dicts = [one for one in level if isinstance(one, dict)]
        lists = [one for one in level if isinstance(one, list)]
        level = list(chain.from_iterable(map(dict.values, dicts)))
        level.extend(chain.from_iterable(lists))
    return False


def _members(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return [(key, one) for key, one in value.items() if key != KEY]
    return list(enumerate(value)) if isinstance(value, list) else []


def _holds_stub(value: Any) -> bool:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            body = one.get(KEY)
            if isinstance(body, dict) and "v" in body:
                return True
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
    return False
