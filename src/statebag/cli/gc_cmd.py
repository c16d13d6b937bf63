"""`statebag gc`: delete the objects of executions that are over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

import click

from statebag.cli.counts import counted
from statebag.cli.fsck_cmd import encoded
from statebag.cli.json_output import json_of
from statebag.cli.screen_tables import is_on_screen, print_table
from statebag.cli.stores import check_scope_is_there, name_store, reading_client, store_option
from statebag.cli.terminal_text import printable

if TYPE_CHECKING:
    from statebag.upkeep.gc import Collection

__all__ = ["command"]


def _days(_context: click.Context, _parameter: click.Parameter, days: float) -> timedelta:
    try:
        return timedelta(days=days)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{days} days is out of the range of a timedelta") from None


@click.command("gc", short_help="Delete the objects of executions that are over.")
@click.option("--delete", is_flag=True, help="Mark and delete; without it, only report.")
@click.option("--retention-days", type=float, default=95.0, show_default=True, callback=_days)
@click.option("--grace-days", type=float, default=7.0, show_default=True, callback=_days)
@click.option("--keep", metavar="SCOPE", multiple=True, help="A scope to keep. Repeatable.")
@click.option("--with-snapshots", is_flag=True, help="Delete executions that have snapshots, too.")
@click.option(
    "--executions",
    metavar="ARN",
    multiple=True,
    help=(
        "Ask Step Functions when executions ended: arn:aws:states:<region>:<account>. Repeat it "
        "for each account and region that uses the store."
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print the decisions as JSON.")
@store_option
def command(
    *,
    delete: bool,
    retention_days: timedelta,
    grace_days: timedelta,
    keep: tuple[str, ...],
    with_snapshots: bool,
    executions: tuple[str, ...],
    as_json: bool,
    store: str | None,
) -> None:
    """Delete all objects of executions that ended longer ago than the retention.

    The first pass marks executions. A pass after the grace deletes those that have not changed
    since. Without --executions, the end of an execution is unknown, and a year is added to the
    retention, because an execution may run for a year. Run this command on a schedule with
    --delete; running it often, or twice at once, does no harm.

    \b
    Examples:
      statebag gc --store s3://bucket/prefix
      statebag gc --delete --executions arn:aws:states:eu-west-1:123456789012
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    from statebag.upkeep.gc import Rules, collect  # noqa: PLC0415 - kept out of --help

    ended = None
    if executions:
        from statebag.stepfunctions.execution_ends import execution_ends  # noqa: PLC0415 - slow, rarely needed

        ended = execution_ends(executions)
    rules = Rules(
        retention=retention_days,
        grace=grace_days,
        keep=tuple(encoded(scope) for scope in keep),
        with_snapshots=with_snapshots,
        ended=ended,
    )
    with reading_client(store, at_once=True) as client:
        for scope in rules.keep:
            check_scope_is_there(client.store, scope)
        done = collect(client.store, rules, dry_run=not delete)
    if as_json:
        click.echo(json_of({"store": client.store.url, **_as_dict(done, delete=delete)}))
        return
    name_store(client)
    if is_on_screen():
        _print_table(done)
    else:
        _print_lines(done)
    click.echo(f"{counted(done.deleted_objects, 'object')} deleted, {done.deleted_bytes:,} bytes")
    if not delete:
        click.echo("nothing was written: this was a dry run; add --delete to delete")


def _print_lines(done: Collection) -> None:
    for one in done.decisions:
        click.echo(
            f"{one.action:6} {printable(unquote(one.scope))}: {one.why} "
            f"({counted(one.objects, 'object')}, {one.bytes:,} bytes)"
        )
    for left in done.leftovers:
        why = left.why or _LEFT[left.action]
        click.echo(f"{left.action:6} {printable(left.name)}: {why} ({left.bytes:,} bytes)")


def _print_table(done: Collection) -> None:
    from statebag.cli.fitted_table import Column, FittedTable, Name  # noqa: PLC0415 - rich is slow to import
    from statebag.cli.styled_text import Text  # noqa: PLC0415 - as above

    if not done.decisions and not done.leftovers:
        return
    numbers = (Column("objects", leaves=1, right=True), Column("bytes", leaves=2, right=True))
    table = FittedTable((Column("action"), Column("scope, and why"), *numbers), names=1)
    for one in done.decisions:
        named = Name(Text(printable(unquote(one.scope)))).add(Text(one.why, style="dim"), lead="  ")
        table.add_row(one.action, named, f"{one.objects:,}", f"{one.bytes:,}")
    for left in done.leftovers:
        why = Text(left.why or _LEFT[left.action], style="dim")
        named = Name(Text(printable(left.name))).add(why, lead="  ")
        table.add_row(left.action, named, "1", f"{left.bytes:,}")
    print_table(table)


_LEFT = {"delete": "left by a killed writer", "wait": "a write may be in progress"}


def _as_dict(done: Collection, *, delete: bool) -> dict[str, object]:
    return {
        "dry_run": not delete,
        "deleted_objects": done.deleted_objects,
        "deleted_bytes": done.deleted_bytes,
        "decisions": [one.as_dict() for one in done.decisions],
        "leftovers": [
            {"name": one.name, "action": one.action, "bytes": one.bytes, "why": one.why}
            for one in done.leftovers
        ],
    }
