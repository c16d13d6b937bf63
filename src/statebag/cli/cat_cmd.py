"""`statebag cat`: one value of a bag."""

from __future__ import annotations

import click

from statebag.cli.json_input import read_json
from statebag.cli.json_output import write_text
from statebag.cli.stores import reading_client, store_option

__all__ = ["command"]


@click.command("cat", short_help="Give one value of a bag.")
@click.argument("bag")
@click.argument("path", default="$")
@click.option("--scope", metavar="MACHINE/EXECUTION", help="Refuse objects of other scopes.")
@click.option("--raw/--json", help="A string as it is, without quotes, or JSON. [--json]")
@store_option
def command(bag: str, path: str, *, scope: str | None, raw: bool, store: str | None) -> None:
    """Give the value at PATH in the file BAG; - reads the standard input.

    Only what is on the way to the value is read: of a long array, the one piece that holds
    the item. PATH is $.field, $.field[0].name or $['odd name'], and $ the whole state.

    \b
    Examples:
      statebag cat bag.json '$.state_history[3]'
      statebag cat bag.json current_state.report --raw
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    wire = read_json(bag)

    from statebag.format import json_text  # noqa: PLC0415 - kept out of --help

    with reading_client(store) as client:
        value = client.get(wire, path, scope)
    write_text(value.encode() if raw and isinstance(value, str) else json_text.encode(value))
