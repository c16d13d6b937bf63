"""JSON text: the one encoder and decoder of this library.

The text is compact UTF-8 as msgspec writes it. Two serializers print the same float in
different ways, so no other one ever writes text that is hashed. msgspec takes more than JSON
can give back (dates, tuples, `NaN` as `null`, integer keys), hence `json_check` beside it.
"""

from __future__ import annotations

import json
import math
import re
import sys
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import BlobCorrupt

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "EXACT_INTEGER",
    "MAX_DEPTH",
    "decode",
    "encode",
    "encoder",
    "engine_may_change",
    "join_items",
    "join_texts",
    "nests_deeper",
    "split_items",
    "wire_size",
    "wire_size_at_most",
]

MAX_DEPTH = 500
"""Arrays and objects within one another; the same limit at seal and at open."""

EXACT_INTEGER = 2**53
"""Above it a reader that uses doubles, as JavaScript does, may round."""

_WRITTEN_ALIKE: frozenset[type] = frozenset({str, int, bool, type(None)})
_SUSPICIOUS_NUMBER = re.compile(rb"[0-9.]{16}|[0-9][eE]|-0(?![0-9])")
_USUAL_RECURSION = 1000  # CPython's default limit
# Whatever it is given, this is found in one pass: a string that does not end reaches to the end.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_NO_BRACKETS = bytes(one for one in range(256) if one not in b"[]{}")
_ASCII = bytes(range(128))
_STEPS = bytes.maketrans(b"[{]}", b"\x02\x02\x00\x00")  # one more than what they add
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()
_ARRAY_OF_RAW = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT_OF_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])


def encode(value: Any, opaque: Callable[[Any], Any] | None = None) -> bytes:
    """The JSON text of a value that passed `check_json`.

    Args:
        value: Any JSON value.
        opaque: Called for an object that is no JSON value; what it raises goes through.
    """
    return _ENCODER.encode(value) if opaque is None else encoder(opaque)(value)


def encoder(opaque: Callable[[Any], Any]) -> Callable[[Any], bytes]:
    """`encode` with an `opaque`, made once for many values."""
    return msgspec.json.Encoder(enc_hook=opaque).encode


def decode(text: bytes | memoryview, where: str | None = None) -> Any:
    """The value of JSON text.

    Raises:
        BlobCorrupt: The text is no JSON, or nests deeper than any seal allows.
    """
    too_deep = sys.getrecursionlimit() > _USUAL_RECURSION and _depth_of(text) > MAX_DEPTH
    try:
        return _DECODER.decode(b"" if too_deep else text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        # Not chained: the decoder's message may quote the text.
        raise BlobCorrupt("stored text is not JSON that can be read", object_name=where) from None


def _depth_of(text: bytes | memoryview) -> int:
    """How deep text nests. The decoder stops at the recursion limit alone, and where a program
    has raised that, a hostile text could exhaust the stack.
    """  # noqa: D205 (one thought of two lines)
    data = bytes(text)
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return 0
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    return max(accumulate(brackets.translate(_STEPS), _deeper, initial=0))


def _deeper(depth: int, step: int) -> int:
    return depth + step - 1


def split_items(text: bytes, kind: str) -> list[bytes]:
    """The texts of an array's items, or of an object's `"key":value` members, in order.

    Raises:
        BlobCorrupt: The text is none of that kind.
    """
    try:
        if kind == "array":
            return [bytes(item) for item in _ARRAY_OF_RAW.decode(text)]
        members = _OBJECT_OF_RAW.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        # Not chained: the decoder's message may quote the text.
        raise BlobCorrupt("stored text is not what it was kept as") from None
    return [_ENCODER.encode(key) + b":" + bytes(value) for key, value in members.items()]


def join_items(items: list[bytes], kind: str) -> bytes:
    """The text of an array or object from the texts of its items or members."""
    inner = b",".join(items)
    return b"[%b]" % inner if kind == "array" else b"{%b}" % inner


def join_texts(texts: list[bytes], kind: str) -> bytes:
    """The text of one array or object from the texts of several that are not empty."""
    inner = b",".join([text[1:-1] for text in texts])
    return b"[%b]" % inner if kind == "array" else b"{%b}" % inner


def wire_size(value: Any, text: bytes | None = None) -> int:
    """How many bytes a value may take in a payload, in the larger of two usual forms.

    The forms are compact UTF-8, as an engine counts it, and ASCII-escaped with spaces, which
    is what a Lambda runtime's `json.dumps` may send.
    """
    if text is None:
        text = _ENCODER.encode(value)
    if type(value) in _WRITTEN_ALIKE and text.isascii() and b"\x7f" not in text:
        return len(text)
    return max(len(text), len(json.dumps(value)))


def wire_size_at_most(text: bytes, *, exponents: bool = False) -> int:
    """An upper bound of `wire_size`, from the text alone; a percent or two more than it.

    Each comma and colon may gain a space, also those in strings, which gain none.

    Args:
        text: Compact JSON text.
        exponents: Whether numbers may have exponents (otherwise see `Checked.no_exponents`):
            each may take a byte more, and follows a comma, a colon or a bracket.
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
    """Whether a number in a value may come back changed after a trip through an engine.

    That is an integer or float beyond 2**53 in size, which a reader with doubles may round or
    print otherwise, and the float -0.0.
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
    """Whether arrays and objects nest deeper than so many levels."""
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
