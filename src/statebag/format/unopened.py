"""Placeholders in a state for values that were not opened."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from statebag.errors import InvalidState, InvalidStub
from statebag.format import json_text
from statebag.format.paths import Path, render_path
from statebag.format.stub import KEY, Kind, Stub
from statebag.format.stub_parsing import parse_stub

__all__ = ["OPAQUE", "Grown", "NotRead", "Unopened", "equal", "holds_unopened", "unread_in"]


class NotRead:
    """Refuse every use of a placeholder as the value that it stands for.

    Each use that would read the value raises `InvalidState` with the path and what to do. Otherwise
    a prompt would contain the placeholder's text, and a comparison would give the wrong answer.
    `repr` stays, for debuggers, test runners and the `%r` of a log.
    """

    __slots__ = ()

    def _read(self) -> NoReturn:
        raise NotImplementedError

    def _is_like(self, other: object) -> bool:
        """Return whether another placeholder of this class stands for the same value."""
        raise NotImplementedError

    def _refused(self, *_arguments: object) -> NoReturn:
        self._read()

    __getitem__ = __iter__ = __len__ = __contains__ = __setitem__ = __delitem__ = _refused
    __bool__ = __reversed__ = __str__ = __format__ = __bytes__ = _refused
    __lt__ = __le__ = __gt__ = __ge__ = _refused
    __add__ = __radd__ = __mul__ = __rmul__ = __mod__ = __or__ = __ror__ = _refused

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, NotRead):
            return type(self) is type(other) and self._is_like(other)
        return self._read()

    __hash__ = None  # type: ignore[assignment]  # equal by content that is a dict


class Unopened(NotRead):
    """A placeholder for a value of a state that was not opened.

    It is not a dict, so no data looks like it. A later seal passes it through unread. An operation
    that would read it as data (`value[0]`, `len(value)`, `if value`, `for one in value`,
    `value.get`, `value == "text"`, `str(value)`, an f-string) raises `InvalidState` with the path
    and what to do. Only two placeholders can be compared.

    Attributes:
        wire: The stub as a JSON object.
        stub: The parsed stub.
        is_own: Whether this process made the stub from the value. Such a stub came in no payload,
            so it needs no signature.
        path: Its place in the state that was opened; None if it was in none.
    """

    __slots__ = ("is_own", "path", "stub", "wire")

    def __init__(
        self,
        wire: dict[str, Any],
        stub: Stub,
        *,
        is_own: bool = False,
        path: Path | None = None,
    ) -> None:
        self.wire = wire
        self.stub = stub
        self.is_own = is_own
        self.path = path

    @property
    def size(self) -> int:
        """Return the bytes of the value's JSON text; an estimate for *rest* and escaped data."""
        return _plain_size(self.wire, self.stub)

    @property
    def kind(self) -> Kind | None:
        """Return `array` or `object`; None for another value."""
        return self.stub.kind

    @property
    def count(self) -> int:
        """Return how many items or members the value has; 0 if it has none."""
        return self.stub.count

    def __repr__(self) -> str:
        return f"Unopened({self.kind or 'value'}, {self.size} bytes)"

    def _is_like(self, other: object) -> bool:
        return isinstance(other, Unopened) and self.wire == other.wire

    def _read(self) -> NoReturn:
        raise InvalidState(
            f"the {self.kind or 'value'} of {self.size:,} bytes was not opened",
            path=None if self.path is None else render_path(self.path),
            hint="Add its path to only=, or open this value: Statebag().open(value).",
        )

    def __getattr__(self, name: str) -> NoReturn:
        if name in _OF_DATA:
            self._read()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


_OF_DATA = frozenset({*dir(dict), *dir(list), *dir(str)}) - frozenset(dir(object))
"""The names of what a JSON value offers."""


class Grown(msgspec.Struct, frozen=True):
    """An array that was not opened, with items to append."""

    before: Unopened
    items: list[Any]

    @property
    def size(self) -> int:
        """Bytes of the array's JSON text without these items."""
        return self.before.size


OPAQUE: frozenset[type] = frozenset({Unopened, Grown})
"""The types of placeholders for values that were not opened."""


def unread_in(value: object) -> Unopened | None:
    """Return the unopened value that a placeholder stands for; None for another value."""
    if isinstance(value, Grown):
        return value.before
    return value if isinstance(value, Unopened) else None


def equal(one: Any, other: Any) -> bool:
    """Return whether two values are equal; what was not opened equals only its like."""
    try:
        return bool(one == other)
    except InvalidState:  # only a part of one of them was opened
        return False


def holds_unopened(value: Any) -> bool:
    """Return whether anything in a value was not opened."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, Unopened):
            return True
        if isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
    return False


def _plain_size(wire: Any, stub: Stub) -> int:
    """Return the bytes of the value of a stub, with the fields next to the stub."""
    size = 0
    pending: list[tuple[Any, Stub]] = [(wire, stub)]
    while pending:  # next to a rest's stub may stand another one, and so on
        one, its = pending.pop()
        size += its.size
        for name in its.beside or ():
            sibling = one.get(name)
            if isinstance(sibling, dict) and KEY in sibling:
                pending.append((sibling, parse_stub(sibling, "$")))
            else:
                size += _text_size(sibling)
    return size


def _text_size(value: Any) -> int:
    try:
        return len(json_text.encode(value))
    except (RecursionError, UnicodeEncodeError):
        raise InvalidStub("a field next to the stub is not a JSON value") from None
