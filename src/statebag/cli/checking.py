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
    """A bar of the bytes that were checked, where the standard error is a terminal.

    To know how much there is, the store is listed once more; elsewhere it is not.

    Args:
        store: What is checked.
        prefix: Below which.
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
