"""`statebag diff`: what differs between two states."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from statebag.cli.bag_source import is_in_store, read_bag
from statebag.cli.executions import Executions, histories_option
from statebag.cli.json_output import json_of
from statebag.cli.screen_tables import is_on_screen, print_table
from statebag.cli.stores import reading_client, store_option
from statebag.cli.terminal_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from statebag.opening.difference import Change

__all__ = ["command"]

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_MOST_SHOWN = 1_000  # characters of a value. Chosen: some lines of a terminal


@click.command("diff", short_help="Show what differs between two states.")
@click.argument("before")
@click.argument("after")
@click.option("--values", is_flag=True, help="Show values too, which may be secrets.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@histories_option
@store_option
def command(
    before: str, after: str, *, values: bool, as_json: bool, histories: Path, store: str | None
) -> None:
    """Show the differences between the bags BEFORE and AFTER by path, with sizes in bytes.

    A bag is a file, - for the standard input, a snapshot's name or address, or an execution at an
    event: ARN@EVENT, or ARN for its newest state. For an execution of this machine, the beginning
    of its name can replace the ARN; @6 is an event of the newest one. Only values that differ are
    read from the store. --values cuts long values; with --json they are whole. The exit code is
    0 even if the bags differ.

    \b
    Examples:
      statebag diff bag.json bag.json
      statebag diff bag.json bag.json --values --json
      statebag diff "$ARN@6" "$ARN@11" --values
      statebag diff @6 @
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    in_store = is_in_store(before) or is_in_store(after)
    with reading_client(store, at_once=in_store) as client:
        source = Executions(histories)
        one, two = (read_bag(given, client, source) for given in (before, after))
        changes = client.differences(one, two)
    if changes and not as_json and not values and is_on_screen():
        _print_table(changes)
        return
    for change in changes:
        if as_json:
            line = {
                "path": change.path,
                "kind": change.kind,
                "before": change.before,
                "after": change.after,
            }
            click.echo(json_of({**line, "old": change.old, "new": change.new} if values else line))
            continue
        click.echo(
            f"{_SIGNS[change.kind]} {printable(change.path)}  {change.before:,} -> {change.after:,}"
        )
        if values:
            if change.kind != "added":
                click.echo(f"    - {_shortened(change.old)}")
            if change.kind != "removed":
                click.echo(f"    + {_shortened(change.new)}")
    if not changes and not as_json:
        click.echo("no difference", file=sys.stderr)


def _shortened(value: Any) -> str:
    text = json_of(value)
    more = len(text) - _MOST_SHOWN
    return text if more <= 0 else f"{text[:_MOST_SHOWN]}… {more:,} more characters (--json)"


def _print_table(changes: Iterable[Change]) -> None:
    from statebag.cli.fitted_table import Column, FittedTable, Name  # noqa: PLC0415 - rich is slow to import

    sizes = (Column("before", leaves=1, right=True), Column("after", leaves=2, right=True))
    table = FittedTable((Column(""), Column("path"), *sizes), names=1)
    for one in changes:
        path = Name(printable(one.path))
        table.add_row(_SIGNS[one.kind], path, f"{one.before:,}", f"{one.after:,}")
    print_table(table)
