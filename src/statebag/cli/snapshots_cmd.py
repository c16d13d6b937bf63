"""`statebag snapshots`: list the snapshots of a store."""

from __future__ import annotations

import click

from statebag.cli.fsck_cmd import encoded
from statebag.cli.json_output import json_of
from statebag.cli.stores import check_scope_is_there, name_store, reading_client, store_option
from statebag.cli.terminal_text import printable

__all__ = ["command"]


@click.command("snapshots", short_help="List the snapshots of a store.")
@click.argument("scope", default="")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
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
        for info in client.store.list(encoded(scope)):
            if kind_of(info.name) != "snapshot":
                continue
            when = info.modified.isoformat(timespec="seconds")
            if as_json:
                row = {"name": info.name, "bytes": info.size, "written": when}
                click.echo(json_of({**row, "store": client.store.url}))
            else:
                click.echo(f"{when}  {info.size:>7,}  {printable(info.name)}")
