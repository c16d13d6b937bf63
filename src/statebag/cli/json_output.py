"""Write JSON text: exactly to a file or a pipe, with escapes to a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from statebag.cli.terminal import write_value
from statebag.cli.terminal_text import json_escaped
from statebag.cli.unusable_file import UnusableFile
from statebag.errors import ConfigurationError

__all__ = ["check_output", "json_of", "output_option", "write_text"]

output_option = click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write to a file instead of the standard output.",
)
"""The option `--output`."""


def check_output(file: Path | None) -> None:
    """Refuse a file that cannot be written, before any other work.

    Raises:
        ConfigurationError: Its folder does not exist.
    """
    if file is not None and not file.absolute().parent.is_dir():
        raise ConfigurationError(
            f"the folder of {file} does not exist",
            hint="Make it, or choose another place for --output",
        )


def json_of(value: Any, indent: int | None = None) -> str:
    """Return a report's JSON text, with letters of every script but nothing that steers a terminal.

    Args:
        value: What a command found.
        indent: Spaces for each level; None for one line.
    """
    return json_escaped(json.dumps(value, ensure_ascii=False, indent=indent))


def write_text(text: bytes, file: Path | None = None, *, as_json: bool = True) -> None:
    """Write a text and a line end: exactly, or on a terminal with escapes.

    Args:
        text: UTF-8.
        file: The file; None for the standard output.
        as_json: Whether it is JSON text, which is escaped as JSON.

    Raises:
        UnusableFile: The file cannot be written.
    """
    if file is None:
        write_value(text, as_json=as_json)
        return
    try:
        file.write_bytes(text + b"\n")
    except OSError as error:
        raise UnusableFile("write", str(file), error) from error
