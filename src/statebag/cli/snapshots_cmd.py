"""`statebag snapshots`: list the snapshots of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from statebag.cli.fsck_cmd import encoded
from statebag.cli.json_output import json_of
from statebag.cli.screen_tables import is_on_screen, moment_cell, object_cell, print_table
from statebag.cli.stores import check_scope_is_there, name_store, reading_client, store_option
from statebag.cli.terminal_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.store.contract import ObjectInfo

__all__ = ["command"]


@click.command("snapshots", short_help="List the snapshots of a store.")
@click.argument("scope", default="")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@store_option
def command(scope: str, *, as_json: bool, store: str | None) -> None:
    """List the snapshots of a store or SCOPE: time, size of the bag, name.

    `diff` accepts the name, and so does `restore_snapshot` in a workflow.

    \b
    Example:
      statebag snapshots my-machine/my-execution
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    from statebag.upkeep.objects import kind_of  # noqa: PLC0415 - kept out of --help

    with reading_client(store, at_once=True) as client:
        check_scope_is_there(client.store, encoded(scope))
        if not as_json:
            name_store(client)
        found = (
            one for one in client.store.list(encoded(scope)) if kind_of(one.name) == "snapshot"
        )
        if not as_json and is_on_screen():
            _print_table(found)
            return
        for info in found:
            when = info.modified.isoformat(timespec="seconds")
            if as_json:
                row = {"name": info.name, "bytes": info.size, "written": when}
                click.echo(json_of({**row, "store": client.store.url}))
            else:
                click.echo(f"{when}  {info.size:>7,}  {printable(info.name)}")


def _print_table(found: Iterable[ObjectInfo]) -> None:
    from statebag.cli.fitted_table import Column, FittedTable  # noqa: PLC0415 - rich is slow to import

    columns = (
        Column("snapshot"),
        Column("bytes", leaves=1, right=True),
        Column("written", leaves=2),
    )
    table = FittedTable(columns)
    for info in found:
        table.add_row(object_cell(info.name), f"{info.size:,}", moment_cell(info.modified))
    print_table(table)
