"""JSON values that a user gives in a file or on the standard input."""

from __future__ import annotations

import json
from typing import Any

import click

from statebag.errors import InvalidState

__all__ = ["read_json"]


def read_json(source: str) -> Any:
    """The JSON value in the file `source`, or on the standard input where it is `-`.

    Raises:
        InvalidState: It is not UTF-8, not JSON, or holds what JSON cannot (NaN, infinity).
        click.UsageError: The file cannot be read.
    """
    from statebag.format.json_text import check_json  # noqa: PLC0415 - kept out of --help

    place = "the standard input" if source == "-" else source
    try:
        with click.open_file(source, "rb") as stream:
            text = stream.read().decode("utf-8-sig")
        value = json.loads(text, parse_constant=_refuse)
    except OSError as error:
        raise click.UsageError(f"{source} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidState(f"{place} is not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise InvalidState(
            f"{place} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except RecursionError:
        raise InvalidState(f"{place} is nested too deeply") from None
    except ValueError as error:
        raise InvalidState(f"{place} is not JSON: {error}") from None
    check_json(value)
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")
