"""`statebag seal`: make a bag of a state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from statebag.cli.json_input import read_json
from statebag.cli.json_output import check_output, json_of, output_option, write_text
from statebag.cli.stores import store_option, writing_client

if TYPE_CHECKING:
    from pathlib import Path

    from statebag.telemetry.usage import Usage

__all__ = ["command"]


@click.command("seal", short_help="Make a bag of a state.")
@click.argument("file", default="-")
@click.option(
    "--scope",
    metavar="MACHINE/EXECUTION",
    help=("Where packs go. [the scope of --parent, or unscoped]"),
)
@click.option(
    "--max-bag-bytes",
    metavar="N",
    type=click.IntRange(min=1024),
    help="The bag's bound. [STATEBAG_MAX_BAG_BYTES, else 98304]",
)
@click.option(
    "--parent",
    metavar="BAG",
    help="A bag of an earlier state: it is opened, and what did not change is not stored again.",
)
@output_option
@store_option
@click.option("--json", "as_json", is_flag=True, help="Write the summary as JSON.")
@click.option("--quiet", is_flag=True, help="Write no summary.")
def command(
    file: str,
    *,
    scope: str | None,
    max_bag_bytes: int | None,
    parent: str | None,
    output: Path | None,
    store: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a bag of the state in FILE, which is JSON; - or nothing reads the standard input.

    The bag is printed to the standard output as JSON, once everything that it refers to is stored.
    A summary goes to the standard error.

    \b
    Examples:
      statebag seal state.json --scope machine/run-1 --output bag.json
      statebag seal < state.json > bag.json
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    if file == "-" and parent == "-":
        raise click.UsageError("The state and its parent cannot both be the standard input.")
    check_output(output)
    state = read_json(file)
    parent_bag = None if parent is None else read_json(parent)

    from msgspec.structs import replace  # noqa: PLC0415 - these are kept out of --help

    from statebag.environment import policy_from_environment  # noqa: PLC0415
    from statebag.format import json_text  # noqa: PLC0415
    from statebag.telemetry import usage  # noqa: PLC0415

    policy = policy_from_environment()
    if max_bag_bytes is not None:
        policy = replace(policy, max_bag_bytes=max_bag_bytes)
    client = writing_client(store, policy)
    if parent_bag is not None:
        client.open(parent_bag, embedded=False)  # only what was read and verified counts as stored
    with usage.measured() as used:
        bag = client.seal(state, scope=scope, parent=parent_bag)
    write_text(json_text.encode(bag), output)
    if not quiet:
        click.echo(_summary(used, as_json=as_json), err=True)


def _summary(used: Usage, *, as_json: bool) -> str:
    from statebag.environment import sealing_is_off  # noqa: PLC0415 - kept out of --help

    if as_json:
        figures = {
            "state_bytes": used.plain_bytes,
            "bag_bytes": used.bag_bytes,
            "blobs_stored": used.blobs_stored,
            "blobs_carried": used.blobs_carried,
            "puts": used.puts,
            "bytes_put": used.bytes_put,
        }
        return json_of(figures)
    if sealing_is_off():
        return f"STATEBAG_PLAIN is set: the state of {used.plain_bytes:,} bytes is not sealed"
    written = f", {used.bytes_put:,} bytes" if used.puts else ""
    return (
        f"state {used.plain_bytes:,} bytes -> bag {used.bag_bytes:,} bytes; "
        f"blobs: {used.blobs_stored:,} stored, {used.blobs_carried:,} carried; "
        f"{used.puts:,} PUT{written}"
    )
