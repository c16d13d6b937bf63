"""`statebag heads`: list the heads of a store, or the versions of those in a scope."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import click

from statebag.cli.fsck_cmd import encoded
from statebag.cli.json_output import json_of
from statebag.cli.screen_tables import is_on_screen, moment_cell, object_cell, print_table
from statebag.cli.stores import name_store, reading_client, store_option
from statebag.cli.terminal_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from statebag.store.contract import Store

__all__ = ["command"]


@click.command("heads", short_help="List the heads of a store, or their versions.")
@click.argument("scope", default="")
@click.option("--versions", is_flag=True, help="List superseded versions, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@store_option
def command(scope: str, *, versions: bool, as_json: bool, store: str | None) -> None:
    """List the heads of a store, or of SCOPE and the scopes below it.

    For each: when it was written, its scope and name, the label of the version, and the name of the
    object, which `export`, `diff` and `fsck --bag` accept.

    \b
    Example:
      statebag heads langgraph/thread-7 --versions
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    with reading_client(store, at_once=True) as client:
        if not as_json:
            name_store(client)
        rows = _rows(client.store, encoded(scope), with_versions=versions)
        if not as_json and is_on_screen():
            _print_table(rows)
            return
        for row in rows:
            if as_json:
                click.echo(json_of({**row, "store": client.store.url}))
            else:
                parts = (row["written"], row["scope"], row["head"], row["label"], row["name"])
                click.echo("  ".join(printable(one) for one in parts))


def _rows(store: Store, scope: str, *, with_versions: bool) -> Iterator[dict[str, str]]:
    from statebag.upkeep.head_objects import head_objects, is_over, state_of  # noqa: PLC0415 - kept out of --help

    superseded = []
    for info, one in head_objects(store, scope):
        row = {
            "written": info.modified.isoformat(timespec="seconds"),
            "scope": unquote(one.scope),
            "head": unquote(one.name),
            "label": unquote(one.label),
            "name": info.name,
        }
        if one.kind == "version":
            superseded.append((one, row))
        elif one.kind == "head":
            state = state_of(store, info.name)
            if state is not None and state.newest is not None:
                yield {**row, "label": state.newest.label}
                if with_versions:
                    for version, its in reversed(superseded):
                        is_of = (version.scope, version.name) == (one.scope, one.name)
                        if is_of and not is_over(version, state, set()):
                            yield its
            superseded.clear()


def _print_table(rows: Iterable[dict[str, str]]) -> None:
    from statebag.cli.fitted_table import Column, FittedTable  # noqa: PLC0415 - rich is slow to import

    table = FittedTable((Column("scope, head and label"), Column("written", leaves=1)))
    for row in rows:
        title = "  ".join((f"{row['scope']} {row['head']}", row["label"]))
        table.add_row(object_cell(row["name"], title), moment_cell(row["written"]))
    print_table(table)
