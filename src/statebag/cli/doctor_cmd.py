"""`statebag doctor`: check whether a store is fit to hold states."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from statebag.cli.exit_codes import BY_ERROR, SUCCESS
from statebag.cli.json_output import json_of
from statebag.cli.screen_tables import is_on_screen, print_table
from statebag.cli.stores import reading_client, store_option
from statebag.cli.terminal_text import printable
from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from statebag.upkeep.doctor import Outcome

__all__ = ["command"]


@click.command("doctor", short_help="Check whether a store is fit for states.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@store_option
def command(*, as_json: bool, store: str | None) -> None:
    """Check the operations of a store and the settings of its bucket.

    It writes a few small objects below @doctor and deletes them again. The settings of an S3 bucket
    are read with boto3, if it is installed.

    The exit code is 20 if a check fails, and 0 otherwise, even with warnings.

    \b
    Example:
      statebag doctor --store s3://bucket/prefix
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    findings = _found(store)
    if as_json:
        click.echo(json_of([_as_dict(one) for one in findings]))
    elif is_on_screen():
        _print_table(findings)
    else:
        width = max(len(one.what) for one in findings)
        for one in findings:
            advice = f"\n{'':{width + 9}}{one.advice}" if one.advice else ""
            click.echo(printable(f"{one.status:8} {one.what:{width}} {one.seen}{advice}"))
    failed = any(one.status == "fail" for one in findings)
    sys.exit(BY_ERROR[ConfigurationError] if failed else SUCCESS)


def _found(store: str | None) -> list[Outcome]:
    from statebag.upkeep.doctor import examine  # noqa: PLC0415 - kept out of --help

    with reading_client(store, at_once=True) as client:
        findings = list(examine(client.store))
        scheme, _, rest = client.store.url.partition("://")
    if scheme == "s3":
        from statebag.upkeep.bucket import examine_bucket  # noqa: PLC0415 - kept out of --help

        bucket, _, prefix = rest.partition("/")
        findings.extend(examine_bucket(bucket, prefix))
    return findings


def _print_table(findings: list[Outcome]) -> None:
    from statebag.cli.fitted_table import Column, FittedTable, Name  # noqa: PLC0415 - rich is slow to import

    table = FittedTable((Column(""), Column("")), names=1, has_head=False)
    for one in findings:
        named = Name(printable(f"{one.what}: {one.seen}"))
        if one.advice:
            named.add(printable(one.advice), lead="  ")
        table.add_row(one.status, named)
    print_table(table)


def _as_dict(one: Outcome) -> dict[str, str]:
    return {"what": one.what, "status": one.status, "seen": one.seen, "advice": one.advice}
