"""`statebag start`: start an execution on AWS with an input of any size."""

from __future__ import annotations

import click

from statebag.cli.json_input import read_json
from statebag.cli.stores import store_option, writing_client
from statebag.cli.terminal_text import printable
from statebag.stepfunctions import start_execution

__all__ = ["command"]


@click.command("start", short_help="Start an execution on AWS with an input of any size.")
@click.argument("state_machine", metavar="ARN")
@click.option(
    "--input", "input_", metavar="FILE", help="The input, JSON; - reads standard input. [{}]"
)
@click.option("--name", help="The execution's name. [random]")
@store_option
def command(state_machine: str, *, input_: str | None, name: str | None, store: str | None) -> None:
    """Start the state machine ARN, and print the execution's ARN.

    The input is sealed first, so it may be larger than the 262,144 bytes that StartExecution takes.
    The same name with the same input does not start a second execution: while the first runs, the
    command prints its ARN; afterwards it says that the execution has ended.

    \b
    Example:
      statebag start arn:aws:states:eu-west-1:123456789012:stateMachine:orders --input big.json
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    value = {} if input_ is None else read_json(input_)
    click.echo(printable(start_execution(writing_client(store), state_machine, value, name)))
