"""`statebag repair`: mend what `statebag fsck` finds."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from statebag.cli.bag_source import bags_option, read_bags
from statebag.cli.checking import checking
from statebag.cli.executions import Executions, histories_option
from statebag.cli.exit_codes import BY_ERROR, SUCCESS
from statebag.cli.fsck_cmd import encoded
from statebag.cli.stores import store_option, writing_client
from statebag.cli.terminal_text import printable
from statebag.errors import BlobMissing

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("repair", short_help="Mend damaged and missing objects from copies.")
@click.argument("scope", default="")
@click.option(
    "--from",
    "sources",
    metavar="URL",
    multiple=True,
    help="A store that may have copies; it is only read. [STATEBAG_REPLICAS]",
)
@bags_option
@click.option("--dry-run", is_flag=True, help="Only say what would be mended.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@histories_option
@store_option
def command(
    scope: str,
    *,
    sources: tuple[str, ...],
    bags: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    histories: Path,
    store: str | None,
) -> None:
    """Check a store, all of it or SCOPE, and write damaged and missing objects anew.

    With --bag also what that bag alone refers to.

    Copies come from replicas and from earlier versions of the object in a versioned bucket. A
    copy is taken only where its bytes are those that the object's name says.

    The exit code is 0 where all is whole now, and 12 where something is lost.

    \b
    Example:
      statebag repair --store s3://bucket/prefix --from s3://copy/prefix
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    from statebag.client import Statebag  # noqa: PLC0415 - kept out of --help
    from statebag.upkeep.fsck import fsck  # noqa: PLC0415 - likewise
    from statebag.upkeep.repair import repair  # noqa: PLC0415 - likewise

    client = writing_client(store)
    if sources:
        client = Statebag(client.store, policy=client.policy, replicas=sources)
    prefix = encoded(scope)
    with checking(client.store, prefix) as advance:
        report = fsck(client.store, prefix, advance, read_bags(bags, client, Executions(histories)))
    done = repair(client.store, client.recovery, report, dry_run=dry_run)
    if as_json:
        outcome = {"mended": done.mended, "lost": done.lost, "dry_run": dry_run}
        click.echo(json.dumps(outcome))
    else:
        for name, place in done.mended.items():
            click.echo(printable(f"{'would mend' if dry_run else 'mended'}: {name} (from {place})"))
        for name in done.lost:
            click.echo(printable(f"lost: {name}: no store has it whole"))
        if not report.faults:
            click.echo("all is whole")
    sys.exit(BY_ERROR[BlobMissing] if done.lost else SUCCESS)
