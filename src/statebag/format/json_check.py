"""Refuse values that JSON cannot hold, before anything is written.

The check goes level by level, with the loops in the interpreter's C code, and takes a fraction of
the time of encoding.
"""

from __future__ import annotations

import math
from itertools import chain, compress, islice
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import InvalidState
from statebag.format.json_text import EXACT_INTEGER, MAX_DEPTH
from statebag.format.paths import render_path
from statebag.process.memory_limit import memory_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from statebag.format.paths import Path

__all__ = ["Checked", "check_json"]

_MAX_DIGITS = 4300
"""Digits: CPython's default limit (`sys.int_info.default_max_str_digits`). An integer that a
reader could not read back is not written."""

_BEYOND = (-(10 ** (_MAX_DIGITS - 1)), 10**_MAX_DIGITS)  # msgspec counts the sign as a digit

_SCALARS: frozenset[type] = frozenset({str, int, float, bool, type(None)})
# A serializer may write `1e-05`, another one `0.00001`. Chosen: above where serializers
# begin to write exponents (Python's `repr`: below 1e-4, JavaScript: below 1e-6).
_LEAST_WITHOUT_EXPONENT = 1e-3
# Levels, and values of the next one, above which each container is looked at once. Chosen: usual
# states do not have both, and a value that holds itself twice doubles the work at each level.
_SUSPICIOUS_DEPTH = 8
_SUSPICIOUS_WIDTH = 10_000  # chosen: as above
# Values of the next level above which it is the same at any depth: five levels, each of which holds
# the next one 30 times, have millions of values. Chosen: as many take 16 MB, and few states have a
# level of more.
_WIDEST = 2_000_000
# Objects that are looked at together. Measured on states of 1 to 100 MB (docs/design/0039): less
# takes more calls, and a whole level of a large state is fetched from memory for each question.
_OBJECTS_AT_ONCE = 512
_VALUES_AT_ONCE = 8192  # measured: as above
# Values of a state that holds some of them in many places. Measured: sealing takes 7 bytes or more
# for each, here 700 MB.
_MOST_VALUES = 10**8
# Bytes of a text that are not compared with the memory of the process. Chosen: half of the smallest
# Lambda function (Lambda quotas: 128 MB).
_ALWAYS_FITS = 64 * 1024**2
_NO_MEMORY_KNOWN = 16 * 1024**3  # bytes. Chosen: where no system says how much memory there is
_LONG_INTEGER = 2**128  # chosen: shorter ones are no longer than a usual string
# One mark for each value of a level, by its type.
_OTHER, _TEXT, _INTEGER, _FLOAT, _DICT, _LIST, _WRONG = range(7)
_MARKS: dict[type, int] = {
    **dict.fromkeys(_SCALARS, _OTHER),
    str: _TEXT,
    int: _INTEGER,
    float: _FLOAT,
    dict: _DICT,
    list: _LIST,
}
# Tables for `bytes.translate`: the values of one mark stay.
_ONLY = [bytes(int(one == mark) for one in range(256)) for mark in range(_WRONG)]


class Checked(msgspec.Struct, frozen=True):
    """Facts about a whole value that the check found; they hold for every part of it.

    Attributes:
        depth: Levels of arrays and objects.
        exact_numbers: No number is one that an engine may change (see `engine_may_change`).
        no_exponents: No number is so small or large that a serializer writes an exponent.
        usual_names: No field's name holds one of the words that the caller asked for.
    """

    depth: int
    exact_numbers: bool
    no_exponents: bool
    usual_names: bool = False


def check_json(
    state: Any,
    opaque: frozenset[type] = frozenset(),
    *,
    strings: bool = True,
    words: Collection[str] = (),
) -> Checked:
    """Refuse a value that JSON cannot hold.

    Args:
        state: Any Python value.
        opaque: Types that stand for JSON values (a value that was not opened).
        strings: Whether to look for lone surrogates. A caller that encodes the value next can leave
            this to the encoder, and call again for the path if it raises UnicodeEncodeError.
        words: Words to look for in the names of fields.

    Returns:
        The facts that were found.

    Raises:
        InvalidState: NaN, an infinity, a lone surrogate, a key that is not a string, an integer of
            more than 4,300 digits, another type, a cycle, or more than 500 levels, with the path;
            or the same parts in so many places that the text would not fit in memory.
    """
    # Level by level, with the loops inside the interpreter's C code: a fraction of the time of
    # a walk node by node. Only where something is wrong does the slow walk find the place.
    walk = _Walk(opaque, words, strings=strings)
    dicts: list[Any]
    lists: list[Any]
    dicts, lists = [], [[state]]
    is_shared = False
    try:
        for depth in range(MAX_DEPTH + 1):
            dicts, lists = walk.level(dicts, lists)
            if not dicts and not lists:
                if is_shared:
                    _check_expanded(state)
                return Checked(depth, walk.exact, walk.no_exponents, walk.usual)
            # Once each: a value that holds itself twice would double the work at every level.
            several = len(dicts) + len(lists)
            width = _width(dicts, lists)
            if width > (_WIDEST if depth < _SUSPICIOUS_DEPTH else _SUSPICIOUS_WIDTH):
                dicts, lists = _once_each(dicts), _once_each(lists)
            is_shared = is_shared or len(dicts) + len(lists) < several
    except _WrongError:
        pass
    raise _first_fault(state, _SCALARS | opaque)


def _check_fits(written: int) -> int:
    """Refuse a text that would not fit in memory, although its parts do; return its bound.

    Raises:
        InvalidState: It would take more than half of what this process may use.
    """
    # The text and its compressed or escaped form are in memory together.
    limit = max(_ALWAYS_FITS, (memory_bytes() or _NO_MEMORY_KNOWN) // 2)
    if written > limit:
        raise InvalidState(
            f"the JSON text of the state would take more than {written} bytes; this process can "
            f"write {limit}",
            path="$",
            hint="Store a part that is in many places once, and refer to it by a name.",
        )
    return limit


def _check_expanded(state: Any) -> None:
    """Refuse a value whose text would repeat its parts again and again.

    Raises:
        InvalidState: It stands for more values than memory holds, or its text does not fit.
    """
    # In each container, by its id, the inner ones first: its values, and the bytes of its strings.
    values: dict[int, int] = {}
    sizes: dict[int, int] = {}
    pending: list[tuple[Any, bool]] = [(state, False)]
    while pending:
        one, is_counted = pending.pop()
        if id(one) in values:
            continue
        members = list(one.values()) if isinstance(one, dict) else one
        if is_counted:
            values[id(one)] = 1 + sum([values.get(id(member), 1) for member in members])
            sizes[id(one)] = sum(map(len, one)) if isinstance(one, dict) else 0
            sizes[id(one)] += sum(
                [
                    len(member) if type(member) is str else sizes.get(id(member), 1)
                    for member in members
                ]
            )
        else:
            pending.append((one, True))
            inner = _once_each(one for one in members if isinstance(one, dict | list))
            pending.extend((one, False) for one in inner)
    found = values[id(state)]
    if found > _MOST_VALUES:
        raise InvalidState(
            f"the state holds the same parts in so many places that it stands for 10**"
            f"{len(str(found)) - 1} values",
            path="$",
            hint="Store a part that is in many places once, and refer to it by a name.",
        )
    if sizes[id(state)] > _ALWAYS_FITS:
        _check_fits(sizes[id(state)])


def _once_each(containers: Iterable[Any]) -> list[Any]:
    """Return containers in their order, each once even if it stands in several places."""
    return list({id(one): one for one in containers}.values())


class _WrongError(Exception):
    """Something is wrong, and the slow walk says what."""


class _Walk:
    """Look at the levels of a value, one after another, and note facts about all of them.

    A level is looked at in blocks that stay in the processor's cache: all of it would be fetched
    from memory once for each question. What is wrong raises `_WrongError`.

    Attributes:
        exact: As in `Checked`.
        no_exponents: As there.
        usual: As there.
    """

    def __init__(self, opaque: frozenset[type], words: Collection[str], *, strings: bool) -> None:
        self.exact = self.no_exponents = self.usual = True
        self._mark_of = _Marks(_MARKS, opaque)
        self._words = words
        self._strings = strings
        # Characters of strings, keys and long integers, each as often as it is written.
        self._written = 0
        self._room = _ALWAYS_FITS

    def level(self, dicts: list[Any], lists: list[Any]) -> tuple[list[Any], list[Any]]:
        """Look at the names and values in some containers; return the objects and arrays in them.

        Raises:
            InvalidState: The text of the level would not fit in memory.
        """
        more: tuple[list[Any], list[Any]] = [], []
        names = 0  # characters of the names of the level, at most
        values: list[Any] = []
        for start in range(0, len(dicts), _OBJECTS_AT_ONCE):
            some = dicts[start : start + _OBJECTS_AT_ONCE]
            names += self._names(some, names)
            # All at once: an object that another thread changes must not change in between.
            values.extend(chain.from_iterable(map(dict.values, some)))
            if len(values) >= _VALUES_AT_ONCE:
                self._blocks(values, *more)
                values = []
        items = chain.from_iterable(lists)
        while some := list(islice(items, _VALUES_AT_ONCE)):
            values += some
            if len(values) >= _VALUES_AT_ONCE:
                self._blocks(values, *more)
                values = []
        if values:
            self._values(values, *more)
        return more

    def _names(self, dicts: list[Any], before: int) -> int:
        """Look at the names of some objects; return how many characters they have at most."""
        try:
            # Most objects of a level have the same names.
            keys = "".join(set().union(*dicts) if len(dicts) > 1 else chain.from_iterable(dicts))
            at_most = len(keys) * len(dicts)
            if before + at_most > _ALWAYS_FITS:
                self._written += sum(map(len, chain.from_iterable(dicts)))
                self._check_fits()
            if self._strings:
                keys.encode()
        except (TypeError, UnicodeEncodeError):
            raise _WrongError from None
        self.usual = self.usual and not any(map(keys.__contains__, self._words))
        return at_most

    def _blocks(self, values: list[Any], dicts: list[Any], lists: list[Any]) -> None:
        """Look at many values; one object may have any number."""
        if len(values) < 2 * _VALUES_AT_ONCE:
            self._values(values, dicts, lists)
            return
        for start in range(0, len(values), _VALUES_AT_ONCE):
            self._values(values[start : start + _VALUES_AT_ONCE], dicts, lists)

    def _values(self, some: list[Any], dicts: list[Any], lists: list[Any]) -> None:
        """Look at values, and add the objects and arrays among them to the lists."""
        marks = bytes(map(self._mark_of.__getitem__, map(type, some)))
        if _WRONG in marks:
            raise _WrongError
        numbers = _Numbers(some, marks)
        texts = _marked(some, marks, _TEXT)
        size = sum(map(len, texts))
        self._written += size + numbers.digits
        if not numbers.fit or (self._strings and not _strings_fit(texts, size)):
            raise _WrongError
        self._check_fits()
        self.exact = self.exact and numbers.exact
        self.no_exponents = self.no_exponents and numbers.no_exponents
        dicts += _marked(some, marks, _DICT)
        lists += _marked(some, marks, _LIST)

    def _check_fits(self) -> None:
        if self._written > self._room:
            self._room = _check_fits(self._written)


def _width(dicts: list[Any], lists: list[Any]) -> int:
    """Return how many values these objects and arrays hold."""
    return sum(map(len, dicts)) + sum(map(len, lists))


class _Marks(dict[type, int]):
    """The marks of types; a type that is not there is an opaque one, a subclass, or wrong."""

    def __init__(self, marks: dict[type, int], opaque: frozenset[type]) -> None:
        super().__init__(marks)
        self._opaque = opaque

    def __missing__(self, kind: type) -> int:
        if kind in self._opaque:
            return _OTHER
        if issubclass(kind, dict):
            return _DICT
        return _LIST if issubclass(kind, list) else _WRONG


def _marked(level: list[Any], marks: bytes, mark: int) -> list[Any]:
    """Return the values of a level that have a mark."""
    return list(compress(level, marks.translate(_ONLY[mark]))) if mark in marks else []


def _strings_fit(texts: list[str], size: int) -> bool:
    if size > _ALWAYS_FITS:  # one of them may stand in many places
        texts = list({id(one): one for one in texts}.values())
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


class _Numbers:
    """Facts about the numbers of one level: does JSON hold them, and every engine keep them?"""

    def __init__(self, level: list[Any], marks: bytes) -> None:
        self.fit = self.exact = self.no_exponents = True
        floats = _marked(level, marks, _FLOAT)
        self.digits = 0  # of long integers, about
        if floats:
            # A sum that is finite has no NaN and no infinity in it; another may have overflowed.
            self.fit = math.isfinite(sum(floats)) or all(map(math.isfinite, floats))
            least, most = min(floats), max(floats)
            if least < _LEAST_WITHOUT_EXPONENT or most > EXACT_INTEGER:
                self.exact = -EXACT_INTEGER <= least <= most <= EXACT_INTEGER
                self._look_closer(floats)
        integers = _marked(level, marks, _INTEGER)
        if integers:
            lowest, highest = min(integers), max(integers)
            self.fit = self.fit and not (_is_too_long(highest) or _is_too_long(lowest))
            self.exact = self.exact and -EXACT_INTEGER <= lowest <= highest <= EXACT_INTEGER
            if max(-lowest, highest) > _LONG_INTEGER:
                self.digits = sum([one.bit_length() for one in integers]) // 4

    def _look_closer(self, floats: list[float]) -> None:
        """Find out what negative, tiny or huge floats mean.

        Their sizes are made one by one, never all at once, and only zeros are asked for their sign.
        """
        zeros = [one for one in floats if not one]
        self.exact = self.exact and not any(math.copysign(1, one) < 0 for one in zeros)
        sizes = map(abs, filter(None, floats) if zeros else floats)
        self.no_exponents = self.exact and min(sizes, default=1) >= _LEAST_WITHOUT_EXPONENT


def _is_too_long(number: int) -> bool:
    least, most = _BEYOND
    return not least < number < most


def _first_fault(state: Any, known: frozenset[type]) -> InvalidState:
    """Return the first fault in reading order, with its path."""
    pending: list[tuple[Any, Path]] = [(state, ())]
    deepest: dict[int, int] = {}  # levels above each container, by its id: it may have many places
    while pending:
        one, path = pending.pop()
        fault = _fault_of(one, path, known)
        if fault is not None:
            return fault
        if isinstance(one, dict | list):
            if deepest.get(id(one), -1) >= len(path):
                continue
            deepest[id(one)] = len(path)
        if isinstance(one, dict):
            pending.extend((one[key], (*path, key)) for key in reversed(one))
        elif isinstance(one, list):
            pending.extend((one[i], (*path, i)) for i in reversed(range(len(one))))
    return InvalidState("the state changed during the check; another thread may have written to it")


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
                f"a key must be a string in JSON, not {type(key).__qualname__}",
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
