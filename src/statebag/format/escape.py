"""Escaping: user data that looks like one of our own forms, wrapped so that it stays data.

Such data is an object that has the reserved key, or one that another reader of the same state
would take for its own (`also_escape`). Only the outermost such object is wrapped: what is inside a
wrapper is opaque.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.format.stub import KEY, Escaped
from statebag.format.unopened import NotRead

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Recognizer = Callable[[dict[str, Any]], bool]

__all__ = ["also_escape", "escape", "is_foreign", "is_lookalike", "may_need_escape", "tag_names"]

tag_names: frozenset[str] = frozenset()
"""Names of which an object of a further form (`also_escape`) has at least one."""


_marks: tuple[bytes, ...] = (b'"' + KEY.encode() + b'"',)
_foreign: dict[str, tuple[tuple[tuple[str, tuple[Any, ...]], ...], Callable[[], Recognizer]]] = {}


def also_escape(
    form: str, tags: Mapping[str, tuple[Any, ...]], load: Callable[[], Recognizer]
) -> None:
    """Escape objects of a further form too, since another reader would not take them for data.

    Args:
        form: The form's name; given again, it replaces the earlier one.
        tags: Values by member name. An object of the form has at least one of these members with
            one of these values, so an object without them is told apart without `load`.
        load: Gives the function that tells whether an object is of the form; called only when an
            object with a tag is met.
    """
    # Set while the package is imported, and read on every seal.
    global _marks, tag_names  # noqa: PLW0603
    _foreign[form] = tuple(tags.items()), load
    tag_names = frozenset(name for of_form, _ in _foreign.values() for name, _ in of_form)
    # A text that holds none of these words holds no such object.
    words = {
        one if isinstance(one, str) else name
        for of_form, _ in _foreign.values()
        for name, values in of_form
        for one in values
    }
    _marks = (_marks[0], *(b'"%b"' % word.encode() for word in sorted(words)))


def may_need_escape(text: bytes) -> bool:
    """Return whether a value's JSON text has any of the words that such an object has."""
    return any(mark in text for mark in _marks)


def is_lookalike(value: dict[str, Any]) -> bool:
    """Return whether a reader would take the object itself for a stub or a further form."""
    return KEY in value or is_foreign(value)


def escape(value: Any, *, pointers: bool = True) -> Any:
    """Return a copy of a value in which every outermost lookalike is wrapped in a stub.

    Args:
        value: A JSON value.
        pointers: Whether objects of further forms (`also_escape`) are wrapped as well.
    """
    root: list[Any] = [value]
    pending: list[tuple[Any, Any]] = [(root, 0)]
    while pending:
        container, key = pending.pop()
        one = container[key]
        if isinstance(one, dict):
            if KEY in one or (pointers and is_foreign(one)):
                container[key] = {KEY: Escaped(one).to_wire()}
                continue
            container[key] = copy = dict(one)
            pending.extend((copy, name) for name, member in one.items() if _holds(member))
        elif isinstance(one, list):
            container[key] = items = list(one)
            pending.extend((items, i) for i, member in enumerate(one) if _holds(member))
    return root[0]


def is_foreign(value: dict[str, Any]) -> bool:
    """Return whether a reader would take the object for a further form (`also_escape`)."""
    for tags, load in _foreign.values():
        for name, values in tags:
            tag = value.get(name)
            # Comparing an unopened value raises. It is not a tag: tags are too short to offload.
            if not isinstance(tag, NotRead) and tag in values and load()(value):
                return True
    return False


def _holds(value: Any) -> bool:
    return isinstance(value, dict | list)
