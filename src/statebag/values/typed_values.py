"""Turn a state with values that JSON does not have into a JSON value, and back.

Such a value becomes an object of two members: `{"__typed__": "bytes", "value": "AAE="}`. A user's
dict that has the key `__typed__`, or a key that is not a string, is written as pairs:
`{"__typed__": "dict", "value": [["__typed__", 1]]}`. So data is never taken for a type. A name in
stored text only selects one of the registered classes, so it never causes an import.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from statebag.errors import ConfigurationError, InvalidState
from statebag.format import json_text
from statebag.format.json_check import check_json
from statebag.format.json_text import MAX_DEPTH
from statebag.format.paths import Path, render_path
from statebag.format.unopened import OPAQUE, NotRead, unread_in
from statebag.values.comes_back import differs_at
from statebag.values.forms import BUILT_IN, DICT, NotKeptError
from statebag.values.registered import form_of

if TYPE_CHECKING:
    from statebag.values.forms import Form

__all__ = ["TYPE_KEY", "Undecoded", "Values"]

TYPE_KEY = "__typed__"
"""The member that has the name of a type."""

_VALUE = "value"
_PLAIN: frozenset[type] = frozenset({str, int, bool, type(None)})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,99}")
_Kind = TypeVar("_Kind", bound=type)


class Undecoded(NotRead):
    """A value of a type that was not rebuilt, since a part of it was not opened.

    A later seal passes it through unread. Using it as a value raises `InvalidState`, as for
    `Unopened`.

    Attributes:
        wire: The JSON object, with `Unopened` in it.
        path: Its place in the state; None if that is not known.
    """

    __slots__ = ("path", "wire")

    def __init__(self, wire: dict[str, Any], path: Path | None = None) -> None:
        self.wire = wire
        self.path = path

    def __repr__(self) -> str:
        return "Undecoded()"

    def _is_like(self, other: object) -> bool:
        return isinstance(other, Undecoded) and self.wire == other.wire

    def _read(self) -> NoReturn:
        raise InvalidState(
            f"a part of this value of type {self.wire.get(TYPE_KEY)!r} was not opened",
            path=None if self.path is None else render_path(self.path),
            hint="Add its path to only=, or open the whole bag.",
        )

    def __getattr__(self, name: str) -> NoReturn:
        if not name.startswith("_"):
            self._read()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class Values:
    """The types that a client seals and gives back, beyond those of JSON.

    It has bytes, bytearray, tuple, set, frozenset, datetime, date, time, timedelta, Decimal, UUID,
    NaN and infinite floats, and dicts with keys of these types. Further classes are registered by
    name; a subclass needs its own registration.

    Args:
        kinds: Classes to register under their own names.
    """

    def __init__(self, *kinds: type) -> None:
        self._by_kind: dict[type, Form] = {form.kind: form for form in BUILT_IN}
        self._by_name: dict[str, Form] = {form.name: form for form in BUILT_IN}
        self._registered: list[tuple[Any, ...]] = []
        for kind in kinds:
            self.register(kind)

    def register(
        self,
        kind: _Kind,
        name: str | None = None,
        *,
        encode: Callable[[Any], Any] | None = None,
        decode: Callable[[Any], Any] | None = None,
    ) -> _Kind:
        """Register a class, and return it, so that this can decorate it.

        Args:
            kind: An enum, a dataclass, a named tuple or a pydantic model; with both functions, any
                class.
            name: Its permanent name in stored text; by default the class's own name.
            encode: Returns a JSON value for a value, or one that holds further values.
            decode: Returns the original value.

        Raises:
            ConfigurationError: The name or the class is taken, or the class needs both functions.
        """
        if not isinstance(kind, type):
            raise ConfigurationError(
                f"only a class can be registered, not a value of type {type(kind).__qualname__}",
                hint="Pass the class, and its name as the second argument.",
            )
        chosen = kind.__name__ if name is None else name
        if not isinstance(chosen, str) or not _NAME.fullmatch(chosen):
            raise ConfigurationError(
                f"the name of {kind.__qualname__} must be letters, digits and _ . : / -, and begin "
                "with a letter, not "
                + (f"{chosen!r:.100}" if isinstance(chosen, str) else type(chosen).__qualname__),
                hint="Pass another name as the second argument.",
            )
        if chosen in self._by_name:
            raise ConfigurationError(
                f"the name {chosen!r} is taken by {self._by_name[chosen].kind.__qualname__}",
                hint="Pass another name as the second argument.",
            )
        if kind in self._by_kind:
            raise ConfigurationError(
                f"{kind.__qualname__} is registered as {self._by_kind[kind].name!r}",
                hint="Register each class once.",
            )
        form = form_of(kind, chosen, encode, decode)
        self._by_kind[kind] = self._by_name[chosen] = form
        self._registered.append((kind, chosen, encode, decode))
        return kind

    def copy(self) -> Values:
        """Return other `Values` with the same registrations."""
        return _restored(self._registered)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the registrations; their classes and functions must be importable by name."""
        return _restored, (self._registered,)

    def encode(self, value: Any, default: Callable[[Any], Any] | None = None) -> Any:
        """Return the JSON value of a state; the state is not changed.

        Args:
            value: Any value of registered types; `Unopened` values stay.
            default: As for `Statebag.seal`, for values of other types.

        Raises:
            InvalidState: It holds a value of a type that is not registered, or one that its class
                would not give back.
        """
        written, is_proven = self._encoded(value, default)
        if not is_proven:
            self._prove(written)
        return written

    def _encoded(
        self, value: Any, default: Callable[[Any], Any] | None, above: Path = ()
    ) -> tuple[Any, bool]:
        """Return what `encode` returns, and whether nothing in it has to be rebuilt first.

        Args:
            value: As for `encode`.
            default: The same.
            above: The value's place in the state.
        """
        is_proven = True
        # With the originals, which keeps an id from being given to another object.
        seen: dict[int, tuple[Any, Any]] = {}
        root: list[Any] = [value]
        pending: list[tuple[Any, Any, int, Path]] = [(root, 0, 0, above)]
        while pending:
            container, key, depth, path = pending.pop()
            one = container[key]
            kind = type(one)
            if kind in _PLAIN or kind in OPAQUE or (kind is float and math.isfinite(one)):
                continue
            if id(one) in seen:
                container[key] = seen[id(one)][1]
                continue
            if depth > MAX_DEPTH:
                raise InvalidState(
                    f"the values nest deeper than {MAX_DEPTH} levels, or hold themselves",
                    path=render_path(path[:20]) + "...",
                    hint="Flatten the inner part.",
                )
            if kind is Undecoded:
                container[key] = one.wire
                continue
            form = self._by_kind.get(kind)
            if kind is dict or (form is None and isinstance(one, dict)):
                if TYPE_KEY not in one and all(type(name) is str for name in one):
                    seen[id(one)] = one, (copy := dict(one))
                    container[key] = copy
                    pending.extend((copy, name, depth + 1, (*path, name)) for name in copy)
                    continue
                form = self._by_name[DICT]
            elif form is None and isinstance(one, list):
                seen[id(one)] = one, (items := list(one))
                container[key] = items
                pending.extend((items, i, depth + 1, (*path, i)) for i in range(len(items)))
                continue
            if form is None:
                container[key] = self._by_default(one, default, path)
                pending.append((container, key, depth + 1, path))
                continue
            payload = self._payload(form, one, path)
            shell = {TYPE_KEY: form.name, _VALUE: payload}
            seen[id(one)] = one, shell
            container[key] = shell
            is_proven = is_proven and not form.proven
            if form.sorts:
                shell[_VALUE], all_proven = self._sorted(payload, default, path)
                is_proven = is_proven and all_proven
            else:
                pending.append((shell, _VALUE, depth + 1, path))
        return root[0], is_proven

    def _prove(self, written: Any) -> None:
        """Refuse a state with values that would not come back, because of their classes."""
        hint = (
            "Let the constructor take each field, and leave the other values as they are; or "
            "register the class with encode= and decode=."
        )
        check_json(written, OPAQUE, strings=False)  # no endless text is decoded
        try:
            again, _ = self._encoded(self.decode(written), None)
        except InvalidState as error:
            raise InvalidState(
                f"a value would not come back: {error.message}", path=error.path, hint=hint
            ) from None
        found = differs_at(written, again, self._form_of)
        if found is not None:
            path, form = found
            name = "a registered class" if form is None else f"type {form.kind.__qualname__}"
            raise InvalidState(
                f"a value of {name} would come back changed", path=render_path(path), hint=hint
            )

    def _form_of(self, one: dict[str, Any]) -> Form | None:
        return self._by_name.get(one[TYPE_KEY]) if TYPE_KEY in one else None

    def decode(self, value: Any) -> Any:
        """Return the state of a JSON value that `encode` returned; the argument is not changed.

        Args:
            value: The JSON value; if a part of a typed value in it is `Unopened`, the result has an
                `Undecoded`.

        Raises:
            InvalidState: An object has the key `__typed__`, but not a registered form.
        """
        root: list[Any] = [value]
        # Each typed object, with the place of the typed object around it.
        typed: list[tuple[Any, Any, Path, int | None, dict[str, Any]]] = []
        undecoded: set[int] = set()
        pending: list[tuple[Any, Any, Path, int | None]] = [(root, 0, (), None)]
        while pending:
            container, key, path, above = pending.pop()
            one = container[key]
            if isinstance(one, dict):
                copy = dict(one)
                container[key] = copy
                if TYPE_KEY in one:
                    self._check_shape(one, path)
                    typed.append((container, key, path, above, one))
                    pending.append((copy, _VALUE, path, len(typed) - 1))
                else:
                    pending.extend((copy, name, (*path, name), above) for name in one)
            elif isinstance(one, list):
                items = list(one)
                container[key] = items
                pending.extend((items, i, (*path, i), above) for i in range(len(one)))
            elif unread_in(one) is not None or type(one) is Undecoded:
                while above is not None and above not in undecoded:
                    undecoded.add(above)
                    above = typed[above][3]
        # An inner object comes after the one that holds it.
        for number in range(len(typed) - 1, -1, -1):
            container, key, path, _, original = typed[number]
            if number in undecoded:
                container[key] = Undecoded(original, path)
            else:
                container[key] = self._rebuilt(container[key], path)
        return root[0]

    def _by_default(self, one: Any, default: Callable[[Any], Any] | None, path: Path) -> Any:
        kind = type(one)
        if default is not None:
            try:
                other = default(one)
            except TypeError:  # as for json.dumps: it does not know the type
                other = one
            if other is not one:
                return other
        raise InvalidState(
            f"a value of type {kind.__module__}.{kind.__qualname__} has no registered form",
            path=render_path(path),
            hint="Register its class with Values.register, or pass default= to seal.",
        )

    def _payload(self, form: Form, one: Any, path: Path) -> Any:
        try:
            return form.encode(one)
        except NotKeptError as lost:
            raise InvalidState(
                f"a value of type {form.kind.__qualname__} has {lost.what} that would not come "
                "back",
                path=render_path(path),
                hint=lost.hint,
            ) from None
        except Exception as error:  # noqa: BLE001  # of the user's own function, with a value in it
            raise InvalidState(
                f"a value of type {form.kind.__qualname__} could not be written: "
                f"{type(error).__name__}",
                path=render_path(path),
                hint="Give each of its fields a value, or register encode= and decode= for it.",
            ) from None

    def _sorted(
        self, items: Iterable[Any], default: Callable[[Any], Any] | None, path: Path
    ) -> tuple[list[Any], bool]:
        """Return the items of a set in an order that does not change from process to process."""
        try:
            encoded = [self._encoded(one, default, path) for one in items]
            written = [one for one, _ in encoded]
            all_proven = all(is_proven for _, is_proven in encoded)
            try:
                return sorted(written, key=json_text.encode), all_proven
            except UnicodeEncodeError:  # `check_json` refuses it, with the place
                return written, all_proven
        except RecursionError:
            raise json_text.no_room(InvalidState) from None

    def _check_shape(self, one: dict[str, Any], path: Path) -> None:
        name = one[TYPE_KEY]
        if len(one) != len((TYPE_KEY, _VALUE)) or _VALUE not in one or not isinstance(name, str):
            raise InvalidState(
                f"an object with the key {TYPE_KEY} has {len(one)} members, not the two of a typed "
                "value",
                path=render_path(path),
                hint="It was sealed by a client without values=; open it with such a client.",
            )
        if name not in self._by_name:
            said = repr(name) if _NAME.fullmatch(name) else f"of {len(name)} characters"
            raise InvalidState(
                f"the type {said} is not registered",
                path=render_path(path),
                hint="Register the class with Values.register under the name that sealed it.",
            )

    def _rebuilt(self, one: dict[str, Any], path: Path) -> Any:
        form = self._by_name[one[TYPE_KEY]]
        try:
            return form.decode(one[_VALUE])
        except Exception as error:  # noqa: BLE001  # of the user's own function, with a value in it
            raise InvalidState(
                f"the stored value is not of type {form.name!r}: {type(error).__name__}",
                path=render_path(path),
                hint="If its class changed, give new fields a default, and keep the old fields.",
            ) from None


def _restored(registered: list[tuple[Any, ...]]) -> Values:
    values = Values()
    for kind, name, encode, decode in registered:
        values.register(kind, name, encode=encode, decode=decode)
    return values
