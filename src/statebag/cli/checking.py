"""Progress of a command that goes through a store, on the standard error."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.store.contract import ObjectInfo, Store

__all__ = ["checking"]


@contextmanager
def checking(store: Store, prefix: str) -> Iterator[Callable[[ObjectInfo], None]]:
    """Show a bar of the checked bytes, if the standard error is a terminal.

    For the total, the store is listed once more; without a terminal it is not.

    Args:
        store: The store that is checked.
        prefix: The prefix that is checked.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import (  # noqa: PLC0415 - not needed where nobody watches
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from statebag.cli.styled_text import console  # noqa: PLC0415 - not needed where nobody watches

    columns = (
        TextColumn("checking"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        bar.update(task, total=sum(info.size for info in store.list(prefix)))
        yield lambda info: bar.advance(task, info.size)
