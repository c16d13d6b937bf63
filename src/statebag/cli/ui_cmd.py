"""`statebag ui`: show executions on a page of this machine."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from statebag.cli.executions import Executions, histories_option
from statebag.cli.extras import needs
from statebag.cli.stores import reading_client, store_option

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("ui", short_help="Show executions on a page of this machine.")
@click.argument("executions", metavar="[EXECUTION]...", nargs=-1)
@click.option("--last", is_flag=True, help="Begin with the newest execution of this machine.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="The port on 127.0.0.1. [a free one]"
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@histories_option
@store_option
def command(
    executions: tuple[str, ...],
    *,
    last: bool,
    port: int,
    opens: bool,
    histories: Path,
    store: str | None,
) -> None:
    """Serve a page that shows executions, their states, what changed, and what they cost.

    It lists the executions of this machine, those of AWS whose ARN is given here or pasted there,
    and the heads of the store. EXECUTION is an ARN; or, for an execution of this machine, its name
    or the beginning of its name; or the name of a head's object. The page begins with the first
    one. It is served only on 127.0.0.1, its address has a token, and it loads nothing from
    elsewhere. Values are masked until you ask for them. Nothing is written. Ctrl-C ends it.

    \b
    Examples:
      statebag ui --open
      statebag ui --last
      statebag ui arn:aws:states:us-east-1:123456789012:execution:Main:run-1 --port 8787
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    with needs("ui"):
        from statebag.ui.page_server import serve  # noqa: PLC0415 - kept out of --help
    from statebag.asl.arns import parse_execution_arn  # noqa: PLC0415 - kept out of --help
    from statebag.ui.execution_catalog import ExecutionCatalog  # noqa: PLC0415 - kept out of --help
    from statebag.ui.seen_head import is_head  # noqa: PLC0415 - as above

    catalog = ExecutionCatalog(histories)
    named = _named(executions, Executions(histories), histories, last=last)
    places = []
    for name in named:
        if is_head(name):
            places.append(f"#/h/{quote(name, safe='')}")
            continue
        execution = parse_execution_arn(name)
        catalog.get(execution.arn)
        place = f"#/x/{quote(execution.arn, safe='')}"
        event = execution.event
        places.append(place if event is None else f"{place}/state?at={event}")

    def ready(address: str) -> None:
        address += places[0] if places else ""
        click.echo(f"The page is at {address}")
        click.echo("Ctrl-C ends it.", err=True)
        if opens:
            with suppress(webbrowser.Error):
                webbrowser.open(address)

    with reading_client(store) as client, suppress(KeyboardInterrupt):
        serve(catalog, client, port, ready)


def _named(
    given: tuple[str, ...], executions: Executions, folder: Path, *, last: bool
) -> list[str]:
    """Return the ARNs, and the names of heads' objects, that the arguments mean.

    Raises:
        ConfigurationError: An argument means nothing, or several executions; or this machine has no
            execution.
    """
    from statebag.cli.recorded import families, recorded  # noqa: PLC0415 - kept out of --help
    from statebag.errors import ConfigurationError  # noqa: PLC0415 - kept out of --help
    from statebag.ui.seen_head import is_head  # noqa: PLC0415 - as above

    named = [one if is_head(one) else executions.must_be_named(one) for one in given]
    if last:
        newest = families(recorded(folder))
        if not newest:
            raise ConfigurationError(
                f"{folder} has no history of a run",
                hint="Name the folder of the run with --histories.",
            )
        named.insert(0, newest[0][0].arn)
    return named
