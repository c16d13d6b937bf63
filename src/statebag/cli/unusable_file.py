"""A file of the command line that cannot be read or written."""

from __future__ import annotations

import click

from statebag.cli.exit_codes import USAGE

__all__ = ["UnusableFile"]


class UnusableFile(click.ClickException):
    """One line that names the file and the reason; the command was used wrongly.

    Args:
        action: What cannot be done, `read` or `write`.
        file: The name as it was given.
        error: Why not.
    """

    exit_code = USAGE

    def __init__(self, action: str, file: str, error: OSError) -> None:
        super().__init__(f"cannot {action} {file}: {error.strerror or type(error).__name__}")
