"""`statebag export`: a whole state as one file."""

from __future__ import annotations

from pathlib import Path

import click

from statebag.cli.bag_source import is_in_store, read_bag
from statebag.cli.executions import Executions, histories_option
from statebag.cli.json_output import check_output
from statebag.cli.stores import reading_client, store_option
from statebag.cli.terminal_text import printable
from statebag.cli.unusable_file import UnusableFile

__all__ = ["command"]


@click.command("export", short_help="Write a whole state to one file.")
@click.argument("bag", default="-")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    required=True,
    help="The archive to write.",
)
@histories_option
@store_option
def command(bag: str, *, output: Path, histories: Path, store: str | None) -> None:
    """Write the whole state of BAG to one file that needs no store.

    A bag is a file, - for the standard input, the name or address of a snapshot or of a version of
    a head (`statebag heads` lists them), or an execution at an event: ARN@EVENT, or ARN for its
    newest state.

    \b
    Examples:
      statebag export bag.json --output state.sbag
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    check_output(output)
    with reading_client(store, at_once=is_in_store(bag)) as client:
        archive = client.export(read_bag(bag, client, Executions(histories)))
    try:
        output.write_bytes(archive)
    except OSError as error:
        raise UnusableFile("write", str(output), error) from error
    click.echo(f"{printable(str(output))}: {len(archive):,} bytes", err=True)
