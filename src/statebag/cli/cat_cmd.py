"""`statebag cat`: one value of a bag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from statebag.cli.bag_source import read_file_or_execution
from statebag.cli.executions import Executions, histories_option
from statebag.cli.json_output import write_text
from statebag.cli.path_argument import path_argument
from statebag.cli.stores import reading_client, store_option

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("cat", short_help="Print one value of a bag.")
@click.argument("bag")
@click.argument("path", default="$")
@click.option("--at", type=click.IntRange(min=1), metavar="EVENT", help="An event of an execution.")
@click.option("--scope", metavar="MACHINE/EXECUTION", help="Refuse objects of other scopes.")
@click.option("--raw/--json", help="Print a string without quotes, or JSON. [--json]")
@histories_option
@store_option
def command(
    bag: str,
    path: str,
    *,
    at: int | None,
    scope: str | None,
    raw: bool,
    histories: Path,
    store: str | None,
) -> None:
    """Print the value at PATH in the file BAG; - reads the standard input.

    BAG may be an execution: its ARN; the beginning of a name, for one of this machine; or @, for
    the newest one of this machine. Then the command reads the payload of the EVENT (--at, or
    ARN@EVENT; `statebag log` shows the numbers), or the newest state. If the event has no payload,
    the last one before it counts.

    Only blobs on the way to the value are read: of a long array, the one chunk with the item. PATH
    is $.field, $.field[0].name or $['odd name'], and $ the whole state. It may also be a JSONPath
    that counts from an array's end ($.field[-1]) or finds several values, which are printed as a
    list: $.field[-3:], $.field[*].name, $..name, $.field[?(@.n > 1)].

    \b
    Examples:
      statebag cat bag.json '$.state_history[3]'
      statebag cat bag.json '$.state_history[-2:].n'
      statebag cat bag.json current_state.report --raw
      statebag cat "$ARN" --at 9 '$.state_history[3]'
      statebag cat @ '$.state_history[-1]'
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    wanted = path_argument(path)
    wire = read_file_or_execution(bag, Executions(histories), at)

    from statebag.format import json_text  # noqa: PLC0415 - kept out of --help

    with reading_client(store) as client:
        value = wanted.of(client.get(wire, wanted.beginning, scope, embedded=False))
    if raw and isinstance(value, str):
        write_text(value.encode(), as_json=False)
    else:
        write_text(json_text.encode(value))
