"""Encode and decode JSON text, for the whole library.

The text is compact UTF-8 as msgspec writes it. Two serializers print some floats in different ways,
so only this one writes text that is hashed. msgspec accepts values that JSON does not give back
(dates, tuples, `NaN` as `null`, integer keys); `json_check` refuses these.
"""

from __future__ import annotations

import json
import math
import re
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import BlobCorrupt, InvalidState, LimitExceeded
from statebag.format.json_depth import (
    MAX_DEPTH,
    offset_beyond,
    overflows,
    text_is_deeper,
    value_is_deeper,
)
from statebag.format.json_memory import LIGHT, check_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statebag.errors import StatebagError

__all__ = [
    "EXACT_INTEGER",
    "MAX_DEPTH",
    "count_items",
    "decode",
    "encode",
    "encoder",
    "engine_may_change",
    "join_each",
    "join_items",
    "join_texts",
    "nests_deeper",
    "no_room",
    "split_items",
    "wire_size",
    "wire_size_at_most",
    "wire_sizes",
]

EXACT_INTEGER = 2**53
"""Above it, a reader that uses doubles (IEEE 754), as JavaScript does, may round."""

_WRITTEN_ALIKE: frozenset[type] = frozenset({str, int, bool, type(None)})
_SUSPICIOUS_NUMBER = re.compile(rb"[0-9.]{16}|[0-9][eE]|-0(?![0-9])")
_ASCII = bytes(range(128))
# Bytes of a text whose brackets are not counted before its depth is looked at. Measured: nearly all
# longer texts have many, and counting took a tenth of an open of 10 MB.
_LONG = 16 * 1024
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()
_ARRAY_OF_RAW = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT_OF_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])


def encode(value: Any, opaque: Callable[[Any], Any] | None = None) -> bytes:
    """Return the JSON text of a value that passed `check_json`.

    Args:
        value: Any JSON value.
        opaque: Called for an object that is not JSON value; what it raises goes through.

    Raises:
        InvalidState: The value nests deeper than the rest of the interpreter's recursion limit.
    """
    try:
        return _ENCODER.encode(value) if opaque is None else encoder(opaque)(value)
    except RecursionError:
        raise no_room(InvalidState) from None


def encoder(opaque: Callable[[Any], Any]) -> Callable[[Any], bytes]:
    """Return a function that is `encode` with this `opaque`, and faster for many values."""
    return msgspec.json.Encoder(enc_hook=opaque).encode


def decode(text: bytes | memoryview, where: str | None = None, *, reckoned: bool = False) -> Any:
    """Return the value of JSON text.

    Args:
        text: UTF-8.
        where: The object that it is from, for errors.
        reckoned: Whether the caller has checked how much memory the value takes.

    Raises:
        BlobCorrupt: The text is not JSON, or nests deeper than any seal allows.
        LimitExceeded: This thread's stack has no room for the levels of the text, or the value
            would take more memory than this process may use.
    """
    if not reckoned and len(text) >= LIGHT:
        check_memory(text, where)
    many = text[:1] != b'"' and (  # a string has no levels, whatever brackets are in it
        len(text) > _LONG or (len(text) > MAX_DEPTH and _count_of_brackets(text) > MAX_DEPTH)
    )
    if many and overflows() and text_is_deeper(bytes(text)):
        raise _too_deep(text, where)
    try:
        value = _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # Not chained: the decoder's message may quote the text.
        raise BlobCorrupt(
            f"the stored text ({len(text)} bytes) is not JSON", object_name=where
        ) from None
    except RecursionError:
        if text_is_deeper(bytes(text)):
            raise _too_deep(text, where) from None
        raise no_room(LimitExceeded) from None
    if many and value_is_deeper(value):
        raise _too_deep(text, where)
    return value


def _count_of_brackets(text: bytes | memoryview) -> int:
    data = bytes(text)
    return data.count(b"[") + data.count(b"{")


def _too_deep(text: bytes | memoryview, where: str | None) -> BlobCorrupt:
    offset = offset_beyond(bytes(text))
    return BlobCorrupt(
        f"the stored text nests deeper than {MAX_DEPTH} levels, from byte {offset} on",
        object_name=where,
    )


def no_room(kind: type[StatebagError]) -> StatebagError:
    """Return the error for a value whose levels do not fit the rest of the caller's stack."""
    return kind(
        "the value nests deeper than what is left of Python's recursion limit",
        hint="Call it from fewer frames, or raise the limit with sys.setrecursionlimit.",
    )


def split_items(text: bytes, kind: str) -> list[bytes]:
    """Return the texts of an array's items, or of an object's `"key":value` members, in order.

    Raises:
        BlobCorrupt: The text is not of that kind.
    """
    parts = _split(text, kind)
    if isinstance(parts, list):
        return list(map(bytes, parts))
    return [_ENCODER.encode(key) + b":" + bytes(value) for key, value in parts.items()]


def count_items(text: bytes, kind: str) -> int:
    """Return how many `split_items` would return; the values are not made.

    Raises:
        BlobCorrupt: As for `split_items`.
    """
    return len(_split(text, kind))


def _split(text: bytes, kind: str) -> list[msgspec.Raw] | dict[str, msgspec.Raw]:
    try:
        return _ARRAY_OF_RAW.decode(text) if kind == "array" else _OBJECT_OF_RAW.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        # Not chained: the decoder's message may quote the text.
        raise BlobCorrupt(
            "the stored text is not an array or an object, as its stub says"
        ) from None


def join_items(items: Sequence[bytes | memoryview], kind: str) -> bytes:
    """Return the text of an array or object from the texts of its items or members."""
    start, end = (b"[", b"]") if kind == "array" else (b"{", b"}")
    if len(items) < 2:
        return start + b"".join(items) + end
    # The brackets go around the first and the last item, so that a long text is copied only once.
    return b",".join([start + items[0], *items[1:-1], b"".join((items[-1], end))])


def join_each(runs: list[list[bytes]], kind: str) -> list[bytes]:
    """Return such a text for each of several runs of items."""
    around = b"[%b]" if kind == "array" else b"{%b}"
    return [around % b",".join(items) for items in runs]


def join_texts(texts: list[bytes], kind: str) -> bytes:
    """Return the text of several arrays or objects, none empty, joined into one."""
    return join_items([memoryview(text)[1:-1] for text in texts], kind)


def wire_size(value: Any, text: bytes | None = None) -> int:
    """Return the bytes that a value may take in a payload, in the larger of two usual forms.

    One form is compact UTF-8, as an engine counts it. The other is ASCII with escapes and spaces,
    as a Lambda runtime's `json.dumps` may send it.
    """
    if text is None:
        text = _ENCODER.encode(value)
    if type(value) in _WRITTEN_ALIKE and text.isascii() and b"\x7f" not in text:
        return len(text)
    return max(len(text), len(json.dumps(value)))


def wire_sizes(
    values: list[Any],
    texts: list[bytes],
    exact: list[bool],
    sources: list[Any],
    *,
    exponents: bool = False,
) -> list[int]:
    """Return the sizes of several values, exact or as upper bounds.

    Args:
        values: The values as they will be in the payload.
        texts: The texts of the sources.
        exact: For each, whether its size must be exact.
        sources: The values before escaping.
        exponents: As for `wire_size_at_most`.
    """
    return [
        wire_size(value, text if value is source else None)
        if wanted
        else wire_size_at_most(text, exponents=exponents)
        for value, text, wanted, source in zip(values, texts, exact, sources, strict=True)
    ]


def wire_size_at_most(text: bytes, *, exponents: bool = False) -> int:
    """Return an upper bound of `wire_size` from the text alone, a percent or two above it.

    It counts a space for each comma and colon, although those in strings do not get one.

    Args:
        text: Compact JSON text.
        exponents: Whether numbers may have exponents (see `Checked.no_exponents`), which may take a
            byte more. A number follows a comma, a colon or a bracket.
    """
    gaps = text.count(b",") + text.count(b":")
    if exponents:
        gaps += gaps + text.count(b"[") + 1
    escapes = 5 * text.count(b"\x7f")
    if not text.isascii():
        # Two bytes of UTF-8 become six, three become six, and four become twelve.
        escapes += 2 * len(text.translate(None, _ASCII))
    return len(text) + escapes + gaps


def engine_may_change(value: Any, text: bytes) -> bool:
    """Return whether an engine may change a number in a value.

    It may change an integer or float beyond 2**53, which a reader with doubles may round or print
    in another way, and the float -0.0.
    """
    if _SUSPICIOUS_NUMBER.search(text) is None:
        return False
    pending = [value]
    while pending:
        one = pending.pop()
        kind = type(one)
        if kind is int or kind is float:
            if abs(one) > EXACT_INTEGER or (one == 0 and math.copysign(1, one) < 0):
                return True
        elif isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
    return False


def nests_deeper(value: Any, text: bytes, levels: int) -> bool:
    """Return whether arrays and objects nest deeper than `levels`."""
    if text.count(b"[") + text.count(b"{") <= levels:
        return False
    containers = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        members = chain.from_iterable(
            one.values() if isinstance(one, dict) else one for one in containers
        )
        containers = [one for one in members if isinstance(one, dict | list)]
        if not containers:
            return False
    return True
