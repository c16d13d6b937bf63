"""Recognize the text of a bag: made by `States.JsonToString`, or in a message.

Text counts as a bag's if it is JSON that holds a stub, or a string that is a bag's text. It also
counts if it is not JSON (cut, JSON Lines, NaN next to the bag, Python's `str(bag)`) but has the
beginning of a stub, also in base64. The reserved key must be there without escapes: no engine
escapes its letters. The name of a field can be such a text too.
"""

from __future__ import annotations

import binascii
import re
from itertools import chain
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState, LimitExceeded, StatebagError
from statebag.format import json_text
from statebag.format.json_memory import check_memory
from statebag.format.stub import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.format.paths import Path

__all__ = [
    "JSON_MARKS",
    "LEVELS",
    "STRING_MARKS",
    "as_bag",
    "as_bags",
    "bag_texts",
    "check_parts",
    "decoded_text",
    "is_bag_text",
    "is_broken_text",
    "may_be_bag_text",
    "names_with_bag_text",
    "value_of_text",
]

LEVELS = 4
"""Texts in texts that are looked into. Chosen: a message in the envelope of a topic in
that of a queue takes three, and each level doubles the backslashes."""

_MARK = f'"{KEY}'
# A stub's beginning, at any level of text. Possessive: nothing is ever given back.
_BEGINNING = re.compile(rf"""["']{KEY}\\*+["'](?:\s|\\+[nrt])*+:(?:\s|\\+[nrt])*+\{{""")
# Bytes of decoded base64 in which a stub's beginning is looked for. Chosen: the key with its quotes
# takes 14, and the rest is room for spaces and backslashes.
_BEGINNING_BYTES = 90


def _in_base64(text: bytes) -> tuple[tuple[str, int], ...]:
    """Return what base64 makes of a text at each place in the data, the same in both alphabets.

    Returns:
        The characters that depend on the text alone, and their place in a group of 4.
    """
    found = []
    for before in range(3):
        encoded = binascii.b2a_base64(bytes(before) + text, newline=False).decode()
        start, end = -(-before * 8 // 6), (before + len(text)) * 8 // 6
        found.append((encoded[start:end], start))
    return tuple(found)


_IN_BASE64 = _in_base64(KEY.encode())
STRING_MARKS = (KEY, *(mark for mark, _ in _IN_BASE64))
"""A string that holds none of these is not the text of a bag."""
# Containers of a level from which on they are compared. Chosen: usual bags have fewer, and 500 such
# levels end in seconds.
_MANY_CONTAINERS = 5_000
_MANY_MEMBERS = 50_000  # of the containers of a level. Chosen: as above
# Characters above which strings are not joined as often as they stand in a value. Chosen: half of
# the smallest Lambda function (Lambda quotas: 128 MB).
_LONG = 64 * 1024**2
_STANDARD = str.maketrans("-_", "+/")
JSON_MARKS = (
    b'\\"' + KEY.encode(),
    b"'" + KEY.encode(),
    *(mark.encode() for mark, _ in _IN_BASE64),
)
"""A JSON text that holds none of these has no string in it that is a bag's text."""


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
    if not levels or not may_be_bag_text(text):
        return False
    if KEY not in text:
        return _begins_in_base64(text)
    value = decoded_text(text)
    if value is None:
        return _BEGINNING.search(text) is not None
    if _MARK in text and _holds_stub(value):
        return True
    return any(is_bag_text(one, levels - 1) for one, _, _ in _strings(value))


def may_be_bag_text(text: str) -> bool:
    """Return whether a string could be the text of a bag, by a quick test."""
    return any(map(text.__contains__, STRING_MARKS))


def _begins_in_base64(text: str) -> bool:
    for mark, start in _IN_BASE64:
        at = text.find(mark)
        while at >= 0:
            # From the group before, which has the quote, or from the first whole one.
            begin = max(at - start - 4, (at - start) % 4)
            part = text[begin : begin + _BEGINNING_BYTES // 3 * 4]
            data = part.translate(_STANDARD).partition("=")[0]
            data = re.split(r"[^A-Za-z0-9+/]", data, maxsplit=1)[0]
            data = data[: len(data) // 4 * 4]
            if _BEGINNING.search(binascii.a2b_base64(data).decode("latin-1")):
                return True
            at = text.find(mark, at + 1)
    return False


def is_broken_text(text: str) -> bool:
    """Return whether the text of a bag is not JSON, so that it cannot be opened."""
    return decoded_text(text) is None


def check_parts(value: Any) -> None:
    """Refuse a value whose parts stand in so many places that no call with it would end.

    A value without such parts passes, however large or deep it is: its reader counts the levels.

    Args:
        value: Any value; only dicts and lists are looked into.

    Raises:
        LimitExceeded: It stands for more than 4,000,000 values, or holds itself.
    """
    level = [value]
    for _ in range(json_text.MAX_DEPTH + 1):
        dicts = [one for one in level if isinstance(one, dict)]
        lists = [one for one in level if isinstance(one, list)]
        containers = len(dicts) + len(lists)
        if not containers:
            return
        members = sum(map(len, dicts)) + sum(map(len, lists))
        if containers > _MANY_CONTAINERS or members > _MANY_MEMBERS:
            different = len(set(map(id, dicts))) + len(set(map(id, lists)))
            if different < containers:
                break
        level = list(chain.from_iterable(map(dict.values, dicts)))
        level.extend(chain.from_iterable(lists))
    from statebag.format.shared_parts import check_shared_parts  # noqa: PLC0415 - seldom needed

    check_shared_parts(value)


def as_bag(value: Any) -> Any:
    """Return the bag that a caller means: the JSON value of its text, or the value itself.

    Args:
        value: Any value. `bytes` are JSON text, since no JSON value is bytes. A `str` is JSON text
            if it holds a stub, also as text in text; any other `str` is a string.

    Raises:
        InvalidState: The bytes are not JSON text.
        LimitExceeded: The value would take more memory than there is, or holds the same parts in
            too many places.
    """
    if isinstance(value, dict | list):
        check_parts(value)
        return value
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


def as_bags(values: list[Any]) -> list[Any]:
    """Return the bags that a caller means by some values, each as `as_bag` does."""
    if all(isinstance(one, dict | list) for one in values):
        try:
            check_parts(values)
        except LimitExceeded:
            pass  # together they may hold more than one of them may
        else:
            return values
    return [as_bag(one) for one in values]


def bag_texts(value: Any) -> Iterator[tuple[str, Path, bool]]:
    """Yield the strings in a value that are the text of a bag.

    It skips objects with the reserved key: they are stubs, or data.

    Returns:
        Each string with its path and False. For the name of a field: the name, the path of its
        object, and True.
    """
    for found in _strings(value):
        if is_bag_text(found[0]):
            yield found


def names_with_bag_text(value: dict[str, Any]) -> Iterator[str]:
    """Yield the names of an object's fields that are the text of a bag."""
    return filter(is_bag_text, value if may_be_bag_text("\n".join(value)) else ())


def _strings(value: Any) -> Iterator[tuple[str, Path, bool]]:
    """Yield the strings in a value that could be a bag's text, names of fields too."""
    pending: list[tuple[Any, Path]] = [(value, ())] if _may_have_strings(value) else []
    while pending:
        one, path = pending.pop()
        if isinstance(one, str):
            if may_be_bag_text(one):
                yield one, path, False
            continue
        if isinstance(one, dict):
            names = [name for name in one if name != KEY and may_be_bag_text(name)]
            yield from ((name, path, True) for name in names)
        pending.extend(reversed([(member, (*path, key)) for key, member in _members(one)]))


def _may_have_strings(value: Any) -> bool:
    """Return quickly whether there may be such strings: most values have none."""
    level = [value]
    while level:
        if may_be_bag_text(_joined([one for one in level if isinstance(one, str)])):
            return True
        dicts = [
            {name: one[name] for name in one if name != KEY} if KEY in one else one
            for one in level
            if isinstance(one, dict)
        ]
        if may_be_bag_text(_joined(list(chain.from_iterable(dicts)))):
            return True
        lists = [one for one in level if isinstance(one, list)]
        level = list(chain.from_iterable(map(dict.values, dicts)))
        level.extend(chain.from_iterable(lists))
    return False


def _joined(texts: list[str]) -> str:
    """Return texts with a line end between them; each once, if they are long together."""
    if sum(map(len, texts)) > _LONG:  # one of them may stand in many places
        texts = list({id(one): one for one in texts}.values())
    return "\n".join(texts)


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
