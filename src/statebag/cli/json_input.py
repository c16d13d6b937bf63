"""Read JSON values from a file or the standard input, exactly."""

from __future__ import annotations

import codecs
import json
import sys
from typing import Any

import click

from statebag.cli.unusable_file import UnusableFile
from statebag.errors import BlobCorrupt, InvalidState, LimitExceeded

__all__ = ["read_json"]

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "UTF-8 with a byte order mark",
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16, whose mark begins in the same way
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_json(source: str) -> Any:
    """Return the JSON value in the file `source`, or on the standard input if it is `-`.

    Integers keep all digits, and floats all bits. If an object repeats a key, the last one counts.

    Raises:
        InvalidState: The input is not UTF-8 without a byte order mark, is not JSON, or holds a
            value that a seal refuses (NaN, infinity, a lone surrogate). No message quotes the
            input.
        LimitExceeded: Its values would take more memory than this process may use.
        UnusableFile: The file cannot be read.
    """
    from statebag.format.json_check import check_json  # noqa: PLC0415 - kept out of --help
    from statebag.format.json_memory import check_memory  # noqa: PLC0415 - kept out of --help

    place = "the standard input" if source == "-" else source
    text = _read_bytes(source)
    _check_encoding(text, place)
    check_memory(text, place)
    try:
        value = _decode(text)
        check_json(value)
    except json.JSONDecodeError as error:
        raise InvalidState(
            f"{place} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
            if text.strip()
            else f"{place} is empty"
        ) from None
    except InvalidState as error:
        error.message = f"{place}: {error.message}"
        raise
    return value


def _read_bytes(source: str) -> bytes:
    if source == "-" and sys.stdin.isatty():
        click.echo("reading JSON from the standard input...", err=True)
    try:
        with click.open_file(source, "rb") as stream:
            data: bytes = stream.read()
    except OSError as error:
        raise UnusableFile("read", source, error) from error
    return data


def _check_encoding(text: bytes, place: str) -> None:
    hint = "Save it as UTF-8 without a byte order mark"
    for mark, name in _BYTE_ORDER_MARKS.items():
        if text.startswith(mark):
            raise InvalidState(f"{place} must be plain UTF-8, not {name}", hint=hint)
    if b"\0" in text[:4]:  # no JSON text has one; half the bytes of UTF-16 are
        raise InvalidState(
            f"{place} must be plain UTF-8, not UTF-16, UTF-32 or other bytes", hint=hint
        )
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        message = f"{place} is not UTF-8 text: line {line}, byte {error.start} of the whole"
        raise InvalidState(message, hint=hint) from None


def _decode(text: bytes) -> Any:
    from statebag.format import json_text  # noqa: PLC0415 - kept out of --help
    from statebag.format.json_depth import loads_leniently  # noqa: PLC0415 - kept out of --help

    try:
        return json_text.decode(text)
    except (BlobCorrupt, LimitExceeded):
        # The exact decoder knows no lines, and the standard one takes more than JSON. Where it
        # does (NaN, 1e400, half of a surrogate pair), the check that follows finds the place.
        return loads_leniently(text)
