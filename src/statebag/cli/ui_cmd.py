"""`statebag ui`: show executions on a page of this machine."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from statebag.cli.executions import histories_option
from statebag.cli.extras import needs
from statebag.cli.stores import reading_client, store_option

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("ui", short_help="Show executions on a page of this machine.")
@click.argument("executions", metavar="[ARN]...", nargs=-1)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="The port on 127.0.0.1. [a free one]"
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@histories_option
@store_option
def command(
    executions: tuple[str, ...], *, port: int, opens: bool, histories: Path, store: str | None
) -> None:
    """Serve a page that shows executions, their states, what changed, and what they cost.

    It lists the executions of this machine, and those of AWS whose ARN is given here or pasted
    there. The page is served on 127.0.0.1 alone, its address has a token, and it loads nothing from
    elsewhere. Values are masked until you ask for them. Nothing is written. Ctrl-C ends it.

    \b
    Examples:
      statebag ui --open
      statebag ui arn:aws:states:us-east-1:123456789012:execution:Main:run-1 --port 8787
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    with needs("ui"):
        from statebag.ui.page_server import serve  # noqa: PLC0415 - kept out of --help
    from statebag.ui.execution_catalog import ExecutionCatalog  # noqa: PLC0415 - kept out of --help

    catalog = ExecutionCatalog(histories)
    for arn in executions:
        catalog.get(arn)

    def ready(address: str) -> None:
        click.echo(f"The page is at {address}")
        click.echo("Ctrl-C ends it.", err=True)
        if opens:
            with suppress(webbrowser.Error):
                webbrowser.open(address)

    with reading_client(store) as client, suppress(KeyboardInterrupt):
        serve(catalog, client, port, ready)
