"""`statebag repair`: repair the objects that `statebag fsck` reports."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from statebag.cli.bag_source import bags_option, read_bags
from statebag.cli.checking import checking
from statebag.cli.executions import Executions, histories_option
from statebag.cli.exit_codes import BY_ERROR, SUCCESS
from statebag.cli.fsck_cmd import encoded, print_encrypted
from statebag.cli.json_output import json_of
from statebag.cli.stores import check_scope_is_there, name_store, reading_client, store_option
from statebag.cli.terminal_text import printable
from statebag.errors import BlobMissing, NotPermitted

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("repair", short_help="Repair damaged and missing objects from copies.")
@click.argument("scope", default="")
@click.option(
    "--from",
    "sources",
    metavar="URL",
    multiple=True,
    help="A store that may have copies; it is only read. [STATEBAG_REPLICAS]",
)
@bags_option
@click.option("--dry-run", is_flag=True, help="Only report what would be repaired.")
@click.option(
    "--encrypt",
    is_flag=True,
    help="Also encrypt packs and snapshots that are not encrypted, or encrypted in an older form.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@histories_option
@store_option
def command(
    scope: str,
    *,
    sources: tuple[str, ...],
    bags: tuple[str, ...],
    dry_run: bool,
    encrypt: bool,
    as_json: bool,
    histories: Path,
    store: str | None,
) -> None:
    """Check a store, or SCOPE in it, and repair damaged and missing objects.

    With --bag, it also repairs objects to which only that bag refers.

    Copies come from replicas and from earlier versions of the object in a versioned bucket. A copy
    is used only if its bytes match the digest in the object's name.

    With --encrypt, and STATEBAG_ENCRYPTION_KEYS, it also encrypts objects that are not encrypted.

    Without the key, it cannot check an encrypted object, and leaves it as it is.

    The exit code is 0 if everything is whole now, 12 if something is lost, and 18 if something
    could not be checked without its key.

    \b
    Example:
      statebag repair --store s3://bucket/prefix --from s3://copy/prefix
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    from statebag.client import Statebag  # noqa: PLC0415 - kept out of --help
    from statebag.upkeep.encrypting import encrypt_plain  # noqa: PLC0415 - kept out of --help
    from statebag.upkeep.fsck import fsck  # noqa: PLC0415 - kept out of --help
    from statebag.upkeep.repair import repair  # noqa: PLC0415 - kept out of --help

    with reading_client(store, at_once=True) as reader:
        client = reader
        if sources:
            client = Statebag(reader.store, policy=reader.policy, replicas=sources)
        prefix = encoded(scope)
        if not bags:  # a bag shows that an execution was there, of which all may be lost
            check_scope_is_there(client.store, prefix)
        # First, so that a check which must not read plain objects can.
        names = encrypt_plain(client.store, prefix, dry_run=dry_run) if encrypt else []
        with checking(client.store, prefix) as advance:
            read = read_bags(bags, client, Executions(histories))
            report = fsck(client.store, prefix, advance, read)
        done = repair(client.store, client.recovery, report, dry_run=dry_run)
    if as_json:
        outcome = {"repaired": done.repaired, "lost": done.lost, "dry_run": dry_run}
        click.echo(
            json_of(
                {
                    **outcome,
                    "encrypted": names,
                    "not_checked": report.encrypted,
                    "store": client.store.url,
                }
            )
        )
    else:
        name_store(client)
        for name in names:
            click.echo(f"{'would encrypt' if dry_run else 'encrypted'}: {name}")
        for name, place in done.repaired.items():
            verb = "would repair" if dry_run else "repaired"
            click.echo(printable(f"{verb}: {name} (from {place})"))
        for name in done.lost:
            click.echo(printable(f"lost: {name}: no store has an intact copy"))
        print_encrypted(report)
        if report.whole:
            click.echo("everything is intact")
    if done.lost:
        sys.exit(BY_ERROR[BlobMissing])
    sys.exit(BY_ERROR[NotPermitted] if report.encrypted else SUCCESS)
