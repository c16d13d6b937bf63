"""Print a list: as a table on a screen, and as a line for each object to a pipe or a file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from urllib.parse import unquote

from statebag.cli.terminal_text import printable

if TYPE_CHECKING:
    from datetime import datetime

    from statebag.cli.fitted_table import FittedTable, Name

__all__ = ["is_on_screen", "moment_cell", "object_cell", "print_table"]


def is_on_screen() -> bool:
    """Return whether the standard output is a terminal."""
    return bool(sys.stdout.isatty())


def print_table(table: FittedTable, elsewhere: str = "--json") -> None:
    """Print a table, and the names of the columns that do not fit on the screen.

    Args:
        table: The table.
        elsewhere: The option that shows all columns.
    """
    from statebag.cli.fitted_table import print_left_out  # noqa: PLC0415 - rich is slow to import
    from statebag.cli.styled_text import console  # noqa: PLC0415 - as above

    out = console()
    table.print_on(out)
    print_left_out(out, table, elsewhere)


def moment_cell(moment: datetime | str) -> str:
    """Return the cell of a time: in UTC, to the second."""
    text = moment if isinstance(moment, str) else moment.isoformat(timespec="seconds")
    return text.replace("T", " ").removesuffix("+00:00")


def object_cell(name: str, title: str | None = None) -> Name:
    """Return the cell of an object: the title that people use for it, and its name if that differs.

    Args:
        name: The name of the object, as other commands take it.
        title: The title that people use for it; None stands for the decoded name.
    """
    from statebag.cli.fitted_table import Name  # noqa: PLC0415 - rich is slow to import
    from statebag.cli.styled_text import Text  # noqa: PLC0415 - as above

    shown = unquote(name) if title is None else title
    cell = Name(Text(printable(shown)))
    if shown != name:
        cell.add(Text(printable(name), style="dim"))
    return cell
