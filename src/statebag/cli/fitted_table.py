"""A table that fits the screen: names stay whole, and the least important columns go.

One column has names. It gets a share of the width, and longer names fold. If the other columns do
not fit next to it, columns are left out in the order of `Column.leaves`, and the command prints
which. A file or a pipe gets all columns, unless COLUMNS sets a width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.table import Table

from statebag.cli.styled_text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text as RichText

__all__ = ["Column", "FittedTable", "Name", "print_left_out"]

_LEAST_NAME = 16  # cells. Chosen: a name stays recognizable when it is folded
_SHARE = 0.4  # of the width, which names get at most if columns must leave. Chosen
_FILE_NAME = 40  # cells of a name in a file, at least. Chosen: half of the longest state's name
_LEAST_BEGINNING = 8  # cells. Chosen: the beginning of a value that still says something
_GAP = 2  # cells between two columns. Measured: a padding and rich's divider


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its head.
        leaves: On a narrow screen, the column with the lowest number is left out first; 0 stays.
        right: Whether its cells are numbers.
        is_beginning: Whether its cells are beginnings of values, which are cut to the room that is
            left.
    """

    title: str
    leaves: int = 0
    right: bool = False
    is_beginning: bool = False


class Name:
    """The cell of a name: lines, each of which folds below its own beginning."""

    __slots__ = ("_lines",)

    def __init__(self, text: Text | str = "", *, lead: str = "", follow: str | None = None) -> None:
        self._lines: list[tuple[str, str, Text]] = []
        self.add(text, lead=lead, follow=follow)

    def add(self, text: Text | str, *, lead: str = "", follow: str | None = None) -> Name:
        """Add a line.

        Args:
            text: What it says.
            lead: What comes before it: an indent, or a part of a tree.
            follow: What comes before the lines that it folds into. None: spaces.
        """
        whole = Text(text) if isinstance(text, str) else text
        spaces = " " * cell_len(lead)
        self._lines.append((lead, spaces if follow is None else follow, whole))
        return self

    @property
    def cells(self) -> int:
        """The width of the longest line, in cells."""
        return max(cell_len(lead) + text.cell_len for lead, _, text in self._lines)

    def folded(self, console: Console, width: int) -> RichText:
        """Return the lines, none wider than `cells`."""
        lines: list[RichText] = []
        for lead, follow, text in self._lines:
            begins, goes_on = (_shortened(one, width // 2) for one in (lead, follow))
            if cell_len(begins) + text.cell_len <= width:
                goes_on = begins
            room = max(1, width - max(cell_len(begins), cell_len(goes_on)))
            for line in text.wrap(console, room, overflow="fold", tab_size=1):
                line.rstrip()
                lines.append(Text().append(begins, style="dim").append_text(line))
                begins = goes_on
        return Text("\n").join(lines)


class FittedTable:
    """A table that fits the screen on which it is printed.

    Args:
        columns: Its columns, from left to right.
        names: The place of the column with names, whose cells may be `Name`.
        footer: A last row with totals.
        has_head: Whether it has a row of titles.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        names: int = 0,
        footer: Sequence[str] = (),
        has_head: bool = True,
    ) -> None:
        self._columns = tuple(columns)
        self._names = names
        self._footer = tuple(footer)
        self._has_head = has_head
        self._rows: list[tuple[Name | Text, ...]] = []

    def add_row(self, *cells: Name | Text | str) -> None:
        """Add a row with a cell for each column."""
        assert len(cells) == len(self._columns)
        self._rows.append(tuple(Text(one) if isinstance(one, str) else one for one in cells))

    def print_on(self, out: Console) -> None:
        """Print it within the width of a screen; in a file, as wide as it is."""
        out.print(self, crop=_has_width(out))

    def left_out(self, console: Console) -> list[str]:
        """Return the titles of the columns that it leaves out on this console."""
        shown, _ = self._fit(console.width, fits=_has_width(console))
        return [one.title for i, one in enumerate(self._columns) if i not in shown]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render it in the width that there is."""
        table = self._table(console, options.max_width)
        if console.is_terminal:
            yield table
            return
        shown, widths = self._fit(options.max_width, fits=_has_width(console))
        wide = options.update(width=sum(widths[i] + _GAP for i in shown))
        for line in console.render_lines(table, wide, pad=False):
            text = "".join(segment.text for segment in line).rstrip()
            yield Text(text, no_wrap=True, overflow="ignore")

    def _table(self, console: Console, width: int) -> Table:
        shown, widths = self._fit(width, fits=_has_width(console))
        table = Table(
            box=box.SIMPLE_HEAD if self._has_head else None,
            show_edge=False,
            show_header=self._has_head,
            show_footer=bool(self._footer),
            pad_edge=False,
            padding=(0, 1 if self._has_head else _GAP, 0, 0),
        )
        for i in shown:
            one = self._columns[i]
            table.add_column(
                one.title,
                footer=self._footer[i] if self._footer else "",
                justify="right" if one.right else "left",
                width=widths[i],
                no_wrap=True,
                overflow="ellipsis" if one.is_beginning else "fold",
            )
        for row in self._rows:
            table.add_row(*(_cell(row[i], console, widths[i]) for i in shown))
        return table

    def _fit(self, width: int, *, fits: bool) -> tuple[list[int], dict[int, int]]:
        """Return the places of the columns that are shown, and the width of each."""
        widths = {i: self._natural(i) for i in range(len(self._columns))}
        natural = widths[self._names]
        shown = list(widths)
        order = sorted((one.leaves, i) for i, one in enumerate(self._columns) if one.leaves)
        wanted = min(natural, max(_LEAST_NAME, int(width * _SHARE)))
        while fits and order and self._room(shown, widths, width) < wanted:
            shown.remove(order.pop(0)[1])
        room = self._room(shown, widths, width)
        least = min(_LEAST_NAME, width) if fits else _FILE_NAME
        widths[self._names] = min(natural, max(room, least))
        for i in shown:
            if self._columns[i].is_beginning:
                others = [one for one in shown if one != i]
                rest = width - sum(widths[one] + _GAP for one in others)
                widths[i] = min(widths[i], max(_LEAST_BEGINNING, rest))
        return shown, widths

    def _room(self, shown: list[int], widths: dict[int, int], width: int) -> int:
        """Return the cells that are left for names."""
        beside = [
            min(widths[i], _LEAST_BEGINNING) if self._columns[i].is_beginning else widths[i]
            for i in shown
            if i != self._names
        ]
        return width - sum(beside) - _GAP * len(beside)

    def _natural(self, place: int) -> int:
        cells = [_width(row[place]) for row in self._rows]
        if self._has_head:
            cells.append(cell_len(self._columns[place].title))
        if self._footer:
            cells.append(cell_len(self._footer[place]))
        return max(1, *cells) if cells else 1


def print_left_out(out: Console, table: FittedTable, elsewhere: str) -> None:
    """Print which columns do not fit on the screen, and where to find them.

    Args:
        out: The console on which the table was printed.
        table: The table.
        elsewhere: The option or command that shows the left out columns.
    """
    titles = table.left_out(out)
    if titles:
        listed = ", ".join(titles)
        out.print(Text(f"No room for {listed}: use a wider terminal, or {elsewhere}.", style="dim"))


def _has_width(console: Console) -> bool:
    return bool(getattr(console, "has_width", console.is_terminal))


def _cell(cell: Name | Text, console: Console, width: int) -> RichText:
    return cell.folded(console, width) if isinstance(cell, Name) else cell


def _width(cell: Name | Text) -> int:
    return cell.cells if isinstance(cell, Name) else cell.cell_len


def _shortened(lead: str, width: int) -> str:
    """Return the end of a deep indent."""
    if cell_len(lead) <= width:
        return lead
    return "…" + lead[len(lead) - width + 1 :]
