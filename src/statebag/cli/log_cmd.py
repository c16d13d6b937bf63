"""`statebag log`: show what an execution did, and its status."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from statebag.cli.executions import Executions, histories_option
from statebag.cli.extras import needs
from statebag.cli.stores import reading_client, store_option
from statebag.cli.terminal_text import printable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("log", short_help="Show what an execution did, and where it stands.")
@click.argument("execution", metavar="[ARN]", required=False)
@click.option("--tail", type=click.IntRange(min=1), metavar="N", help="Show only the newest N.")
@click.option("--errors", is_flag=True, help="Show only what failed or was retried.")
@click.option("--state", metavar="NAME", help="Show only this state.")
@click.option("--deep", is_flag=True, help="Read what differs: changes inside stored values.")
@click.option("--causes", is_flag=True, help="Show causes that may quote values of the state.")
@click.option("--no-data", is_flag=True, help="Do not request payloads, so sizes are not shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@histories_option
@store_option
def command(
    execution: str | None,
    *,
    tail: int | None,
    errors: bool,
    state: str | None,
    deep: bool,
    causes: bool,
    no_data: bool,
    as_json: bool,
    histories: Path,
    store: str | None,
) -> None:
    """Show each state that the execution ARN entered: event, time, sizes, changes, errors.

    The sizes are those of its output: opened, and as a payload, with the share of the limit. The
    changes are those from the state's input, found by comparing the bags alone. The last lines show
    the status of the execution. Without an ARN, the executions of this machine are listed.

    No value of a state is shown. The store is read only with --deep.

    \b
    Examples:
      statebag log
      statebag log arn:aws:states:us-east-1:123456789012:execution:Main:run-1
      statebag log arn:aws:states:us-east-1:123456789012:execution:Main:run-1 --errors --json
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    if execution is None:
        _list(histories)
        return

    from statebag.asl.arns import parse_execution_arn  # noqa: PLC0415 - kept out of --help
    from statebag.history.log import as_dict, log_of, standing_dict  # noqa: PLC0415 - kept out of --help
    from statebag.history.replay import transitions  # noqa: PLC0415 - kept out of --help
    from statebag.history.standing import standing  # noqa: PLC0415 - kept out of --help

    arn = parse_execution_arn(execution)
    source = Executions(histories)
    history = source.history(arn, data=not no_data)
    made = transitions(history)
    stands = standing(history, made, is_local=source.is_local(arn))
    shown = [
        one
        for one in made
        if (not errors or one.failures or one.error or one.status in {"failed", "timed out"})
        and (state is None or state in {one.state, one.path})
    ]
    left_out = len(shown) - tail if tail is not None and len(shown) > tail else 0
    with reading_client(store) if deep else nullcontext() as client:
        differences = None if client is None else client.differences
        lines = log_of(shown[left_out:], differences)
        if as_json:
            for line in lines:
                click.echo(json.dumps(as_dict(line, causes=causes)))
            click.echo(json.dumps(standing_dict(stands, causes=causes)))
            return
        with needs("cli"):
            from statebag.cli.log_table import print_log  # noqa: PLC0415 - rich is slow to import
        print_log(history, lines, stands, causes=causes, left_out=left_out, all_of=len(made))


def _list(folder: Path) -> None:
    from statebag.local.records import recorded_executions  # noqa: PLC0415 - kept out of --help

    found = recorded_executions(folder)
    for arn in found:
        click.echo(printable(arn))
    if not found:
        click.echo(
            f"no run on this machine has left a history in {printable(str(folder))}", err=True
        )
