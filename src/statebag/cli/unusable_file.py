"""A file of the command line that cannot be read or written."""

from __future__ import annotations

import click

from statebag.cli.exit_codes import USAGE

__all__ = ["UnusableFile"]


class UnusableFile(click.FileError):
    """One line that names the file and the reason; the command was used wrongly."""

    exit_code = USAGE

    def __init__(self, file: str, error: OSError) -> None:
        super().__init__(file, error.strerror or "it cannot be used")
