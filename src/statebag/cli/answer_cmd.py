"""`statebag answer`: answer a task that waits for its token."""

from __future__ import annotations

from pathlib import Path

import click

from statebag.cli.json_input import read_json

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
def command(
    token: str, output: str | None, error: str | None, cause: str | None, folder: Path
) -> None:
    """Answer a task of `statebag run` that waits for TOKEN; the run goes on with the answer.

    \b
    Examples:
      echo '{"approved": true}' | statebag answer TOKEN --output -
      statebag answer TOKEN --error Rejected --cause "not before Friday"
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    if (output is None) == (error is None):
        raise click.UsageError("Give either --output, or --error (and --cause).")
    if cause is not None and error is None:
        raise click.UsageError("--cause belongs to --error.")
    value = None if output is None else read_json(output)

    from statebag.local import tokens  # noqa: PLC0415 - kept out of --help

    tokens.answer(folder, token, value, error=error, cause=cause)
    click.echo("answered", err=True)
