"""The error for a file of the command line that cannot be read or written."""

from __future__ import annotations

import click

from statebag.cli.exit_codes import USAGE

__all__ = ["UnusableFile"]


class UnusableFile(click.ClickException):
    """An error of usage, with one line that names the file and the reason.

    Args:
        action: `read` or `write`.
        file: The name of the file, as it was given.
        error: The reason.
    """

    exit_code = USAGE

    def __init__(self, action: str, file: str, error: OSError) -> None:
        super().__init__(f"cannot {action} {file}: {error.strerror or type(error).__name__}")
