"""`statebag open`: print the state in a bag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from statebag.cli.bag_source import read_file_or_execution
from statebag.cli.executions import Executions, histories_option
from statebag.cli.json_output import check_output, output_option, write_text
from statebag.cli.path_argument import path_argument
from statebag.cli.stores import reading_client, store_option

if TYPE_CHECKING:
    from pathlib import Path

    from statebag.format.paths import Place

__all__ = ["command"]


@click.command("open", short_help="Print the state in a bag.")
@click.argument("file", default="-")
@click.option(
    "--only",
    metavar="PATH",
    multiple=True,
    help="Open and print only the value at this path. Repeatable.",
)
@click.option("--bag", "as_bag", is_flag=True, help="With --only: print the rest too, as a bag.")
@click.option("--scope", metavar="MACHINE/EXECUTION", help="Refuse objects of other scopes.")
@click.option("--legacy", is_flag=True, help="Follow legacy pointers too.")
@click.option("--embedded", is_flag=True, help="Also open bags whose text is in strings.")
@click.option("--pretty/--json", help="Indented for people, or the exact text. [--json]")
@output_option
@histories_option
@store_option
def command(
    file: str,
    *,
    only: tuple[str, ...],
    as_bag: bool,
    scope: str | None,
    legacy: bool,
    embedded: bool,
    pretty: bool,
    output: Path | None,
    histories: Path,
    store: str | None,
) -> None:
    """Print the state of the bag in FILE as JSON; - or nothing reads the standard input.

    An execution is ARN@EVENT, or ARN for its newest state. The bag may also be part of a larger
    value, such as a whole history: all stubs in the JSON are opened. With --only, the result has
    the values at these paths and nothing else; an array has only these items. With --bag too, it
    also has the rest as it is in the bag, and can be opened further.

    \b
    Examples:
      statebag open bag.json --output state.json
      statebag open bag.json --only '$.current_state' --pretty
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    check_output(output)
    if as_bag and not only:
        raise click.UsageError("--bag needs --only")
    places = [_place(path) for path in only]
    bag = read_file_or_execution(file, Executions(histories))

    import msgspec  # noqa: PLC0415 - these are kept out of --help

    from statebag.format import json_text  # noqa: PLC0415
    from statebag.format.escape import escape  # noqa: PLC0415

    # Older pointers are absolute: to follow them, the store's own address must be known.
    with reading_client(store, at_once=legacy) as client:
        state = client.open(bag, places or None, scope, legacy=legacy, embedded=embedded)
    if only and not as_bag:
        from statebag.cli.asked_values import asked_values  # noqa: PLC0415 - kept out of --help

        state = asked_values(state, places)
    elif only:
        # Stubs stand beside opened data again, so data that looks like one is marked as such.
        state = escape(state, pointers=False)
    text = json_text.encode(state, lambda unopened: unopened.wire)
    write_text(msgspec.json.format(text, indent=2) if pretty else text, output)


def _place(text: str) -> Place:
    """Return the place of a path; if it finds several values, a place above all of them."""
    from statebag.errors import ConfigurationError  # noqa: PLC0415 - kept out of --help
    from statebag.format.paths import parse_place  # noqa: PLC0415 - kept out of --help

    try:
        return parse_place(text)
    except ConfigurationError:
        return parse_place(path_argument(text).beginning)
