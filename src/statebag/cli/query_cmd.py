"""`statebag query`: print the opened output of an execution on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from statebag.cli.json_output import check_output, output_option, write_text
from statebag.cli.path_argument import path_argument
from statebag.cli.stores import reading_client, store_option
from statebag.stepfunctions import query

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("query", short_help="Print the output of an execution on AWS, opened.")
@click.argument("execution", metavar="ARN")
@click.argument("path", required=False)
@output_option
@store_option
def command(execution: str, path: str | None, *, output: Path | None, store: str | None) -> None:
    """Print the output of the execution ARN, which must have succeeded, or the value at PATH in it.

    PATH is as for `statebag cat`.

    \b
    Example:
      statebag query arn:aws:states:eu-west-1:123456789012:execution:orders:run-1 '$.report'
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    check_output(output)
    wanted = None if path is None else path_argument(path)
    with reading_client(store) as client:
        value = query(client, execution, None if wanted is None else wanted.beginning)
        value = value if wanted is None else wanted.of(value)

    from statebag.format import json_text  # noqa: PLC0415 - kept out of --help

    write_text(json_text.encode(value), output)
