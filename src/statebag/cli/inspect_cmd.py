"""`statebag inspect`: show what a bag holds, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from statebag.cli.bag_source import read_file_or_execution
from statebag.cli.executions import Executions, histories_option
from statebag.cli.extras import needs
from statebag.cli.json_output import json_of
from statebag.cli.stores import reading_client, store_option

if TYPE_CHECKING:
    from pathlib import Path

    from statebag.opening.inspection import Inspection

__all__ = ["command"]


@click.command("inspect", short_help="Show the fields of a bag, and where they are.")
@click.argument("bag", default="-")
@click.option("--deep", is_flag=True, help="Read the indexes of long values, but no values.")
@click.option("--all", "show_all", is_flag=True, help="Show every field, however many.")
@click.option("--json", "as_json", is_flag=True, help="Print every field as JSON.")
@histories_option
@store_option
def command(
    bag: str, *, deep: bool, show_all: bool, as_json: bool, histories: Path, store: str | None
) -> None:
    """Show the fields of the file BAG, their sizes, and where their bytes are.

    - or nothing reads the standard input; an execution is ARN@EVENT, or ARN for its newest state.
    The store is not read, except with --deep.

    \b
    Examples:
      statebag inspect bag.json
      statebag inspect bag.json --deep --json
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    wire = read_file_or_execution(bag, Executions(histories))

    from statebag.environment import policy_from_environment  # noqa: PLC0415 - kept out of --help
    from statebag.opening.inspection import inspect  # noqa: PLC0415 - kept out of --help

    bound = policy_from_environment().max_bag_bytes
    inspection = _inspect_deep(wire, store) if deep else inspect(wire)
    if as_json:
        click.echo(json_of(_as_dict(inspection, bound)))
        return
    with needs("cli"):
        from statebag.cli.bag_tree import print_bag  # noqa: PLC0415 - rich is slow to import
    print_bag(inspection, bound=bound, show_all=show_all)


def _inspect_deep(wire: Any, store: str | None) -> Inspection:
    from statebag.opening.fetch import Fetcher  # noqa: PLC0415 - these are kept out of --help
    from statebag.opening.inspection import IndexReader, inspect  # noqa: PLC0415
    from statebag.opening.opener import Confinement  # noqa: PLC0415
    from statebag.store.cache import BlobCache  # noqa: PLC0415
    from statebag.store.retrying import deadline  # noqa: PLC0415

    with reading_client(store) as client, deadline(client.policy.deadline_seconds):
        fetcher = Fetcher(client.store, BlobCache(client.policy.cache_bytes), client.policy)
        return inspect(wire, IndexReader(fetcher, Confinement(None, ())))


def _as_dict(inspection: Inspection, bound: int) -> dict[str, Any]:
    """Return the inspection as a JSON value; sizes in bytes, fields in the order of the state."""
    from statebag.asl.quotas import PAYLOAD_LIMIT  # noqa: PLC0415 - kept out of --help
    from statebag.format.paths import render_path  # noqa: PLC0415 - kept out of --help

    return {
        "state_bytes": inspection.root.size,
        "bag_bytes": inspection.bag_bytes,
        "max_bag_bytes": bound,
        "payload_limit": PAYLOAD_LIMIT,
        "unread_indexes": inspection.unread_indexes,
        "packs": [
            {"name": pack.name, "blobs": pack.blobs, "bytes": pack.bytes}
            for pack in inspection.packs
        ],
        "fields": [
            {
                "path": render_path(one.path),
                "kind": one.kind,
                "form": one.form,
                "size": one.size,
                "bag_bytes": one.bag_bytes,
                "count": one.count,
                "places": [
                    {
                        "part": place.part,
                        "pack": place.pack,
                        "offset": place.offset,
                        "length": place.length,
                        "size": place.size,
                        "count": place.count,
                    }
                    for place in one.places
                ],
            }
            for one in inspection.root.walk()
        ],
    }
