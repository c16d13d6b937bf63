"""Check what callers pass: a wrong argument is a `ConfigurationError` that names what was found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from statebag.errors import ConfigurationError
from statebag.format.paths import LONGEST_INDEX

__all__ = [
    "check_callable",
    "check_each_text",
    "check_file",
    "check_has",
    "check_iterable",
    "check_kind",
    "check_number",
    "check_optional",
    "check_text",
    "is_huge",
]


def is_huge(value: object) -> bool:
    """Return whether a value is a number that Python may refuse to write."""
    return isinstance(value, int) and abs(value) >= LONGEST_INDEX


def check_kind(name: str, value: object, kinds: type | tuple[type, ...], said: str) -> None:
    """Refuse an argument of another type.

    Args:
        name: The argument's name.
        value: What was passed.
        kinds: The types that it may have.
        said: What it must be, with an article: `a Policy`.

    Raises:
        ConfigurationError: It is of none of them.
    """
    if not isinstance(value, kinds):
        raise ConfigurationError(f"{name} must be {said}, not {_found(value)}")


def check_number(name: str, value: object, least: int) -> None:
    """Refuse an argument that is not an int from `least` to below `LONGEST_INDEX`.

    Raises:
        ConfigurationError: It is of another type, too small or too large.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{name} must be an int, not {_found(value)}")
    if not least <= value < LONGEST_INDEX:
        shown = "a number of more than 18 digits" if is_huge(value) else value
        raise ConfigurationError(f"{name} must be {least} or more, not {shown}")


def check_iterable(name: str, value: object, said: str) -> Iterable[Any]:
    """Return an argument that holds several values, which a text, bytes or an object does not.

    Raises:
        ConfigurationError: It cannot be iterated, or is a single value.
    """
    if isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{name} must be {said}, not {_found(value)}")
    return value


def check_each_text(name: str, values: Iterable[object]) -> tuple[str, ...]:
    """Return values that must all be texts.

    Raises:
        ConfigurationError: One is not.
    """
    texts = tuple(values)
    for one in texts:
        if not isinstance(one, str):
            raise ConfigurationError(f"{name} must be of str, not of {_found(one)}")
    return texts  # type: ignore[return-value]  # each was looked at


def check_file(name: str, value: object) -> None:
    """Refuse an argument that is not the path of a file or folder.

    Raises:
        ConfigurationError: It is neither a str nor a path, or no file can have that name.
    """
    if isinstance(value, bytes) or not isinstance(value, str | os.PathLike):
        raise ConfigurationError(f"{name} must be a path, not {_found(value)}")
    try:
        is_usable = b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        is_usable = False
    if not is_usable:
        raise ConfigurationError(
            f"{name} must be a path, not {_found(value)} with a NUL or a lone surrogate in it"
        )


def check_text(name: str, value: object) -> None:
    """Refuse an argument that is not a str, or has a lone surrogate or a NUL in it.

    Raises:
        ConfigurationError: It is not such a text.
    """
    check_kind(name, value, str, "a str")
    text = str(value)
    if not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text):
        raise ConfigurationError(
            f"{name} must be text, not {len(text)} characters with a surrogate"
        )
    if "\0" in text:
        raise ConfigurationError(f"{name} must be text, not {len(text)} characters with a NUL")


def check_optional(given: Mapping[str, object], kinds: type | tuple[type, ...], said: str) -> None:
    """Refuse each of several arguments, by name, that is neither None nor of a type.

    Raises:
        ConfigurationError: One is of another type.
    """
    for name, value in given.items():
        if value is not None:
            check_kind(name, value, kinds, said)


def check_callable(name: str, value: object, said: str) -> None:
    """Refuse an argument that must be callable, and is not.

    Raises:
        ConfigurationError: It is neither a function nor another callable.
    """
    if not callable(value):
        raise ConfigurationError(f"{name} must be {said}, not {_found(value)}")


def check_has(name: str, value: object, method: str, said: str) -> None:
    """Refuse an argument that lacks the method that is to be called.

    Raises:
        ConfigurationError: It does not have it.
    """
    if isinstance(value, type) or not callable(getattr(value, method, None)):
        raise ConfigurationError(f"{name} must be {said}, not {_found(value)}")


def _found(value: object) -> str:
    return type(value).__qualname__
