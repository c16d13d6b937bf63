"""A bag as text: `States.JsonToString`, the body of a message, an environment variable.

Text is taken for a bag's where it is JSON that holds a stub, or a string that in its turn is a
bag's text; and where it is no JSON (cut, JSON Lines, NaN beside the bag) but spells the beginning
of a stub. The reserved key must be spelled out: no engine writes its letters as escapes.
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
"""Texts within one another that are looked into. Chosen: a message in the envelope of a topic in
that of a queue takes three, and each level doubles the backslashes."""

_MARK = f'"{KEY}'
_MARK_IN_STRING = b'\\"' + KEY.encode()
# A stub's beginning, at any level of text. Possessive: nothing is ever given back.
_BEGINNING = re.compile(rf'"{KEY}\\*+"(?:\s|\\+[nrt])*+:(?:\s|\\+[nrt])*+\{{')


def may_hold_bag_text(text: bytes) -> bool:
    """Whether a string in this JSON text could be the text of a bag; quick, and rarely true."""
    return _MARK_IN_STRING in text


def decoded_text(text: str | bytes) -> Any:
    """The object, array or string that text is; None where it is something else, or no JSON."""
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
    """The object or array that text is, also as text of text; None where it is something else."""
    value: Any = text
    for _ in range(LEVELS):
        value = decoded_text(value)
        if not isinstance(value, str):
            return value
    return None


def is_bag_text(text: str, levels: int = LEVELS) -> bool:
    """Whether a string is the text of a bag, or holds one at so many levels of text."""
    if KEY not in text or not levels:
        return False
    value = decoded_text(text)
    if value is None:
        return _BEGINNING.search(text) is not None
    if _MARK in text and _holds_stub(value):
        return True
    return any(is_bag_text(one, levels - 1) for one, _ in _strings(value))


def is_broken_text(text: str) -> bool:
    """Whether the text of a bag is no JSON, so that it cannot be opened."""
    return decoded_text(text) is None


def as_bag(value: Any) -> Any:
    """What a caller means by a bag: the JSON value of its text, or the value itself.

    Args:
        value: Any value. `bytes` are JSON text, whatever it holds, since no JSON value is bytes. A
            `str` is text where it holds a stub, also as text of text; any other is the string that
            it is.

    Raises:
        InvalidState: Bytes that are not JSON text.
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
    """The strings in a value that are the text of a bag, with their paths.

    What an object with the reserved key holds is not looked at: it is a stub, or data.
    """
    for text, path in _strings(value):
        if is_bag_text(text):
            yield text, path


def _strings(value: Any) -> Iterator[tuple[str, Path]]:
    """The strings in a value that have the reserved key in them, with their paths."""
    pending: list[tuple[Any, Path]] = [(value, ())] if _may_have_strings(value) else []
    while pending:
        one, path = pending.pop()
        if isinstance(one, str):
            if KEY in one:
                yield one, path
            continue
        pending.extend(reversed([(member, (*path, key)) for key, member in _members(one)]))


def _may_have_strings(value: Any) -> bool:
    """The quick answer, level by level, with the loops in C: most values have none."""
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
