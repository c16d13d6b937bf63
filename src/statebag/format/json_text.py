"""JSON text: the one encoder and decoder of this library, and what it refuses.

The text is compact UTF-8 as msgspec writes it. Two serializers print the same float in
different ways, so no other one ever writes text that is hashed. msgspec takes more than JSON
can give back (dates, tuples, `NaN` as `null`, integer keys), hence `check_json` beside it.
"""

from __future__ import annotations

import json
import math
import re
import sys
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import BlobCorrupt, InvalidState
from statebag.format.paths import render_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.format.paths import Path

__all__ = [
    "MAX_DEPTH",
    "Checked",
    "check_json",
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

_MAX_DIGITS = 4300
"""CPython's own limit for reading an integer; what could not be read back is not written."""

_BEYOND = (-(10 ** (_MAX_DIGITS - 1)), 10**_MAX_DIGITS)  # msgspec counts the sign as a digit

_SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None)})
_WRITTEN_ALIKE: frozenset[type] = frozenset({str, int, bool, type(None)})
_EXACT_INTEGER = 2**53  # above it a reader that uses doubles, as JavaScript does, may round
_SUSPICIOUS_NUMBER = re.compile(rb"[0-9.]{16}|[0-9][eE]|-0(?![0-9])")
_LEAST_WITHOUT_EXPONENT = 1e-3  # a serializer may write `1e-05` below it, another one `0.00001`
_USUAL_RECURSION = 1000  # CPython's default limit
# Whatever it is given, this is found in one pass: a string that does not end reaches to the end.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_NO_BRACKETS = bytes(one for one in range(256) if one not in b"[]{}")
_ASCII = bytes(range(128))
_STEPS = bytes.maketrans(b"[{]}", b"\x02\x02\x00\x00")  # one more than what they add
_SUSPICIOUS_DEPTH = 8
_SUSPICIOUS_WIDTH = 10_000
_EXACT_CONTAINERS: frozenset[type] = frozenset({dict, list})
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
            if abs(one) > _EXACT_INTEGER or (one == 0 and math.copysign(1, one) < 0):
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


class Checked(msgspec.Struct, frozen=True):
    """What was seen of a whole value while it was checked; it holds for every part of it.

    Attributes:
        depth: Levels of arrays and objects.
        exact_numbers: No number is one that an engine may change (see `engine_may_change`).
        no_exponents: No number is so small or large that a serializer writes an exponent.
    """

    depth: int
    exact_numbers: bool
    no_exponents: bool


def check_json(
    state: Any, opaque: frozenset[type] = frozenset(), *, strings: bool = True
) -> Checked:
    """Refuse what JSON cannot hold, before anything is written.

    Args:
        state: Any Python value.
        opaque: Types that stand for JSON values (a value that was not opened).
        strings: Whether to look for lone surrogates; who encodes the value right after may leave
            that to the encoder, and ask again for the place where it raises UnicodeEncodeError.

    Returns:
        What was seen on the way.

    Raises:
        InvalidState: NaN, an infinity, a lone surrogate, a key that is no string, an integer of
            more than 4,300 digits, another type, a cycle, or more than 500 levels; with the path.
    """
    # Level by level, with the loops inside the interpreter's C code: a fraction of the time of
    # a walk node by node. Only where something is wrong does the slow walk find the place.
    level: list[Any] = [state]
    known: frozenset[type] = _SCALARS | opaque
    exact = plain = True
    for depth in range(MAX_DEPTH + 1):
        kinds = set(map(type, level))
        containers = kinds - known
        if not all(issubclass(kind, dict | list) for kind in containers):
            break
        numbers = _Numbers(level, kinds)
        if not numbers.fit or (strings and not _strings_fit(level)):
            break
        exact = exact and numbers.exact
        plain = plain and numbers.no_exponents
        if not containers:
            return Checked(depth, exact, plain)
        dicts, lists = _containers(level, containers)
        if depth >= _SUSPICIOUS_DEPTH and len(level) > _SUSPICIOUS_WIDTH:
            # Once each: a value that holds itself twice would double the work at every level.
            dicts = list({id(one): one for one in dicts}.values())
            lists = list({id(one): one for one in lists}.values())
        try:
            keys = "".join(chain.from_iterable(dicts))
            if strings:
                keys.encode()
        except (TypeError, UnicodeEncodeError):
            break
        level = list(chain.from_iterable(map(dict.values, dicts)))
        level.extend(chain.from_iterable(lists))
    raise _first_fault(state, known)


def _containers(level: list[Any], kinds: set[type]) -> tuple[list[Any], list[Any]]:
    """The dicts and the lists of one level, whose types other than scalars are `kinds`."""
    if kinds <= _EXACT_CONTAINERS:
        dicts = [one for one in level if type(one) is dict] if dict in kinds else []
        return dicts, [one for one in level if type(one) is list] if list in kinds else []
    dicts = [one for one in level if isinstance(one, dict)]
    return dicts, [one for one in level if isinstance(one, list)]


def _strings_fit(level: list[Any]) -> bool:
    try:
        "".join([one for one in level if type(one) is str]).encode()
    except UnicodeEncodeError:
        return False
    return True


class _Numbers:
    """One level's numbers: whether JSON holds them, and whether an engine leaves them alone."""

    def __init__(self, level: list[Any], kinds: set[type]) -> None:
        self.fit = self.exact = self.no_exponents = True
        if float in kinds:
            floats = [one for one in level if type(one) is float]
            self.fit = all(map(math.isfinite, floats))
            sizes = list(map(abs, floats))
            self.exact = max(sizes) <= _EXACT_INTEGER and not (
                0.0 in floats and "-0.0" in map(repr, floats)
            )
            least = min(filter(None, sizes), default=1)
            self.no_exponents = self.exact and least >= _LEAST_WITHOUT_EXPONENT
        if int in kinds:
            integers = [one for one in level if type(one) is int]
            least, most = min(integers), max(integers)
            self.fit = self.fit and not (_is_too_long(most) or _is_too_long(least))
            self.exact = self.exact and -_EXACT_INTEGER <= least <= most <= _EXACT_INTEGER


def _is_too_long(number: int) -> bool:
    least, most = _BEYOND
    return not least < number < most


def _first_fault(state: Any, known: frozenset[type]) -> InvalidState:
    """The first fault in reading order, with its path."""
    pending: list[tuple[Any, Path]] = [(state, ())]
    while pending:
        one, path = pending.pop()
        fault = _fault_of(one, path, known)
        if fault is not None:
            return fault
        if isinstance(one, dict):
            pending.extend((one[key], (*path, key)) for key in reversed(one))
        elif isinstance(one, list):
            pending.extend((one[i], (*path, i)) for i in reversed(range(len(one))))
    return InvalidState("the state changed while it was checked")


def _fault_of(one: Any, path: Path, known: frozenset[type]) -> InvalidState | None:
    at = render_path(path[:20]) + ("..." if len(path) > 20 else "")
    kind = type(one)
    message = hint = None
    if isinstance(one, dict | list):
        if len(path) >= MAX_DEPTH:
            message = f"arrays and objects nest deeper than {MAX_DEPTH} levels, or hold themselves"
            hint = "Store the inner part as a string, or flatten it."
        elif isinstance(one, dict):
            return _fault_of_keys(one, at)
    elif kind is float and not math.isfinite(one):
        message, hint = "a float that is NaN or infinite has no JSON form", "Use null or a string."
    elif kind is int and _is_too_long(one):
        message = f"an integer of more than {_MAX_DIGITS} digits, a minus sign counted as one"
        hint = "Write it as a string."
    elif kind is str and not _has_utf8(one):
        message = "a string with a lone surrogate has no UTF-8 form"
        hint = "Decode the text with errors='replace', or encode the bytes with base64."
    elif kind not in known:
        message = f"a value of type {kind.__module__}.{kind.__qualname__} has no JSON form"
        hint = _HINTS.get(kind.__name__, "Turn it into dict, list, str, int, float, bool or None.")
    return InvalidState(message, path=at, hint=hint) if message else None


_HINTS = {
    "datetime": "Use .isoformat().",
    "date": "Use .isoformat().",
    "Decimal": "Use str(value), or float(value) where that is exact enough.",
    "bytes": "Use base64.b64encode(value).decode().",
    "tuple": "Use list(value): a tuple would come back as a list.",
    "set": "Use sorted(value).",
    "UUID": "Use str(value).",
}


def _fault_of_keys(one: dict[Any, Any], at: str) -> InvalidState | None:
    for key in one:
        if type(key) is not str:
            return InvalidState(
                f"a key of type {type(key).__qualname__}: JSON objects have only string keys",
                path=at,
                hint="Use str(key).",
            )
        if not _has_utf8(key):
            return InvalidState("a key with a lone surrogate has no UTF-8 form", path=at)
    return None


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
