"""`statebag import`: seal an exported state into a store."""

from __future__ import annotations

from pathlib import Path

import click

from statebag.cli.json_output import check_output, output_option, write_text
from statebag.cli.stores import store_option, writing_client
from statebag.cli.unusable_file import UnusableFile

__all__ = ["command"]


@click.command("import", short_help="Seal an exported state into a store.")
@click.argument("archive", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--scope", required=True, help="Where it goes: <state machine>/<execution name>.")
@output_option
@store_option
def command(archive: Path, *, scope: str, output: Path | None, store: str | None) -> None:
    """Verify everything in the file ARCHIVE, seal its state into a store, and print the bag.

    A damaged or forged archive is refused before anything is written.

    \b
    Examples:
      statebag import state.sbag --scope machine/run-2 --output copy.json
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    check_output(output)
    try:
        data = archive.read_bytes()
    except OSError as error:
        raise UnusableFile("read", str(archive), error) from error
    bag = writing_client(store).unpack(data, scope)

    from statebag.format import json_text  # noqa: PLC0415 - kept out of --help

    write_text(json_text.encode(bag), output)
