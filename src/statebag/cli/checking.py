"""Progress of a command that goes through a store, on the standard error."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.store.contract import ObjectInfo

__all__ = ["counting"]

_EVERY = 50


@contextmanager
def counting(verb: str) -> Iterator[Callable[[ObjectInfo], None]]:
    """Shows how many objects and bytes are done, where the standard error is a terminal."""
    shown = sys.stderr.isatty()
    done = size = 0

    def count(info: ObjectInfo) -> None:
        nonlocal done, size
        done += 1
        size += info.size
        if shown and done % _EVERY == 0:
            click.echo(f"\r{verb} {done:,} objects, {size / 1e6:,.1f} MB", err=True, nl=False)

    yield count
    if shown and done >= _EVERY:
        click.echo(f"\r{' ' * 60}\r", err=True, nl=False)
