"""`statebag report`: write one execution, or one head, as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from statebag.cli.executions import Executions, histories_option
from statebag.cli.stores import reading_client, store_option
from statebag.cli.unusable_file import UnusableFile

__all__ = ["command"]


@click.command("report", short_help="Write one execution or head as one HTML file, for a ticket.")
@click.argument("execution", metavar="EXECUTION")
@click.option(
    "--output",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="The file to write.",
)
@click.option("--values", is_flag=True, help="Include values of the state, and all causes.")
@histories_option
@store_option
def command(
    execution: str, *, output: Path, values: bool, histories: Path, store: str | None
) -> None:
    """Write the page of `statebag ui` for one execution, or one head, into one file.

    EXECUTION is an ARN; or, for an execution of this machine, its name, the beginning of its name,
    or @ for the newest; or the name of a head's object (`statebag heads` lists them).

    The file needs no server and loads nothing: attach it to a ticket. It has the status, the state
    machine, the payloads, all steps with their errors, all events, the cost, up to 300 states with
    the sizes of their fields, and what each step changed. For a head it has the versions, their
    states, and what each version changed. Without --values it has no values. With it, it has those
    in the payloads, and stored ones of up to 256 KB.

    \b
    Examples:
      statebag report "$ARN" --output page.html
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    from statebag.process.private_files import write_file  # noqa: PLC0415 - kept out of --help
    from statebag.ui.execution_catalog import ExecutionCatalog  # noqa: PLC0415 - kept out of --help
    from statebag.ui.page_answers import PageData  # noqa: PLC0415 - kept out of --help
    from statebag.ui.report_file import report_of  # noqa: PLC0415 - kept out of --help
    from statebag.ui.seen_head import is_head  # noqa: PLC0415 - kept out of --help

    if not is_head(execution):
        execution = Executions(histories).must_be_named(execution)
    with reading_client(store) as client:
        page = report_of(PageData(ExecutionCatalog(histories), client), execution, values=values)
    try:
        write_file(output, page)
    except OSError as error:
        raise UnusableFile("write", str(output), error) from error
    click.echo(f"{output}: {len(page.encode()):,} bytes")
