"""`statebag answer`: answer a task that waits for its token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from statebag.cli.json_input import read_json
from statebag.cli.stores import store_option, writing_client
from statebag.stepfunctions import send_task_success

if TYPE_CHECKING:
    from statebag.local.tokens import WaitingToken

__all__ = ["command"]


@click.command("answer", short_help="Answer a task of a run that waits for its token.")
@click.argument("token")
@click.option("--output", metavar="FILE", help="The task's output, JSON; - reads standard input.")
@click.option("--error", metavar="NAME", help="Let the task fail with this error.")
@click.option("--cause", metavar="TEXT", help="Why it failed; together with --error.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".statebag/tokens"),
    show_default=True,
    help="The folder of tokens of the run.",
)
@click.option(
    "--execution",
    metavar="ARN",
    help="The task waits on AWS, in this execution, into whose scope the output is sealed.",
)
@store_option
def command(
    token: str,
    *,
    output: str | None,
    error: str | None,
    cause: str | None,
    folder: Path,
    execution: str | None,
    store: str | None,
) -> None:
    """Answer a task of `statebag run` that waits for TOKEN; the run goes on with the answer.

    An answer may have 262,144 bytes; a larger output is sealed. With --execution the task is one on
    AWS, and its output is always sealed.

    \b
    Examples:
      echo '{"approved": true}' | statebag answer TOKEN --output -
      statebag answer TOKEN --error Rejected --cause "not before Friday"
      statebag answer TOKEN --output big.json --execution arn:aws:states:...:orders:run-1
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    if (output is None) == (error is None):
        raise click.UsageError("Give either --output, or --error (and --cause).")
    if cause is not None and error is None:
        raise click.UsageError("--cause belongs to --error.")
    value = None if output is None else read_json(output)

    if execution is not None:
        if error is not None:
            raise click.UsageError(
                "To fail a task on AWS, use: aws stepfunctions send-task-failure"
            )
        send_task_success(writing_client(store), token, value, execution)
        click.echo("answered", err=True)
        return

    from statebag.local import tokens  # noqa: PLC0415 - kept out of --help

    if error is None:
        waiting = next((w for w in tokens.waiting_tokens(folder) if w.token == token), None)
        if waiting is not None:
            value = _within_limit(value, waiting, store)
    tokens.answer(folder, token, value, error=error, cause=cause)
    click.echo("answered", err=True)


def _within_limit(value: Any, waiting: WaitingToken, store: str | None) -> Any:
    """Return the value, or its bag if the value is too large for an answer."""
    from statebag.asl.quotas import PAYLOAD_LIMIT  # noqa: PLC0415 - kept out of --help
    from statebag.format import json_text  # noqa: PLC0415 - kept out of --help
    from statebag.format.names import scope_of_execution  # noqa: PLC0415 - kept out of --help

    if len(json_text.encode(value)) <= PAYLOAD_LIMIT:
        return value
    return writing_client(store).seal(value, scope=scope_of_execution(waiting.execution))
