"""`statebag fsck`: check whether everything in a store is whole."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from statebag.cli.bag_source import bags_option, read_bags
from statebag.cli.checking import checking
from statebag.cli.counts import counted
from statebag.cli.executions import Executions, histories_option
from statebag.cli.exit_codes import BY_ERROR, SUCCESS
from statebag.cli.json_output import json_of
from statebag.cli.stores import check_scope_is_there, name_store, reading_client, store_option
from statebag.cli.terminal_text import printable
from statebag.errors import BlobCorrupt, BlobMissing, NotPermitted, StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from statebag.upkeep.fsck import FsckReport

__all__ = ["command", "encoded", "exit_code_of", "print_encrypted", "print_faults"]

_VERDICTS = {
    True: "everything it reads from is intact",
    False: "NOT whole",
    None: "not checked: it needs an encrypted object",
}


@click.command("fsck", short_help="Check every object of a store.")
@click.argument("scope", default="")
@bags_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@histories_option
@store_option
def command(
    scope: str, *, bags: tuple[str, ...], as_json: bool, histories: Path, store: str | None
) -> None:
    """Read every pack and snapshot of a store, or of SCOPE in it, and check each digest.

    It reports damaged and missing objects, and the affected scopes, snapshots and bags. It writes
    nothing; `statebag repair` repairs.

    A missing pack is noticed only if something refers to it. Often only a bag refers to the newest
    pack of an execution: pass the bag with --bag.

    An object that is encrypted with a key that is not in STATEBAG_ENCRYPTION_KEYS cannot be
    checked: it is counted as encrypted.

    The exit code is 0 if everything is whole, 13 if something is damaged, 12 if something is only
    missing, 11 if something could not be read, and 18 if something could not be checked without its
    key.

    \b
    Examples:
      statebag fsck --store s3://bucket/prefix
      statebag fsck my-machine/my-execution --json
      statebag fsck my-machine/my-execution --bag bag.json
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    from statebag.upkeep.fsck import fsck  # noqa: PLC0415 - kept out of --help

    with reading_client(store, at_once=True) as client:
        prefix = encoded(scope)
        if not bags:  # a bag shows that an execution was there, of which all may be lost
            check_scope_is_there(client.store, prefix)
        with checking(client.store, prefix) as advance:
            report = fsck(
                client.store, prefix, advance, read_bags(bags, client, Executions(histories))
            )
    if as_json:
        click.echo(json_of({"store": client.store.url, **_as_dict(report)}))
    else:
        name_store(client)
        print_faults(report)
    sys.exit(exit_code_of(report))


def encoded(scope: str) -> str:
    """Return a scope encoded as in names; empty for the whole store."""
    from statebag.format.names import encode_scope  # noqa: PLC0415 - kept out of --help

    return encode_scope(scope.strip("/")) if scope else ""


def exit_code_of(report: FsckReport) -> int:
    """Return the code of the worst fault."""
    kinds = {fault.kind for fault in report.faults}
    for kind, error in (
        ("damaged", BlobCorrupt),
        ("missing", BlobMissing),
        ("unreadable", StoreUnavailable),
    ):
        if kind in kinds:
            return BY_ERROR[error]
    return BY_ERROR[NotPermitted] if report.encrypted else SUCCESS


def print_faults(report: FsckReport) -> None:
    """Print the report for people."""
    counts = ", ".join(counted(count, kind) for kind, count in report.objects.items())
    click.echo(
        f"{counts or 'no objects'}: {counted(report.blobs, 'blob')}, {report.bytes:,} bytes read"
    )
    for fault in report.faults:
        lost = "" if fault.lost_blobs is None else f", {counted(fault.lost_blobs, 'blob')} lost"
        click.echo(printable(f"{fault.kind}: {fault.name}: {fault.detail}{lost}"))
        for touched in fault.touches:
            click.echo(f"    touches {printable(touched)}")
    for label, whole in report.bags.items():
        click.echo(f"bag {printable(label)}: {_VERDICTS[whole]}")
    for name in report.others:
        click.echo(f"not ours: {printable(name)}")
    print_encrypted(report)
    if report.whole:
        if not report.bags:
            click.echo("Without --bag, packs referenced only by in-flight bags are not checked.")
        click.echo("everything is intact")


def print_encrypted(report: FsckReport) -> None:
    """Print how many objects could not be checked, if any."""
    count = len(report.encrypted)
    if count:
        click.echo(
            f"encrypted: {count:,} {'object' if count == 1 else 'objects'}, not checked without "
            "the key. Set STATEBAG_ENCRYPTION_KEYS to the writer's keys"
        )


def _as_dict(report: FsckReport) -> dict[str, object]:
    return {
        "whole": report.whole,
        "objects": report.objects,
        "blobs": report.blobs,
        "bytes": report.bytes,
        "others": report.others,
        "encrypted": report.encrypted,
        "bags": report.bags,
        "faults": [
            {
                "kind": fault.kind,
                "name": fault.name,
                "lost_blobs": fault.lost_blobs,
                "touches": list(fault.touches),
                "detail": fault.detail,
            }
            for fault in report.faults
        ],
    }
