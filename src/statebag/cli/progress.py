"""Show a running workflow on the standard error, for `statebag run`."""

from __future__ import annotations

import re
import shlex
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.live import Live

from statebag.cli.fitted_table import Column, FittedTable, Name
from statebag.cli.styled_text import Text, console
from statebag.cli.terminal import harmless_streams
from statebag.cli.terminal_text import printable
from statebag.local.execution import Observer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from statebag.local.execution import LocalTransition

__all__ = ["progress", "state_path"]

_SHOWN_ROWS = 12  # chosen: half of the 24 lines of the smallest usual terminal
_COLUMNS = (
    Column("state"),
    Column("running", leaves=4),
    Column("done", leaves=3),
    Column("failed", leaves=2),
    Column("bytes", leaves=1),
)
_ALWAYS_TOLD = 3  # visits of a state. Chosen: after these, only the 10th, 100th, ... gets a line


def state_path(path: str) -> str:
    """Return a state's path without the machine and the indices."""
    return re.sub(r"\[\d+\]", "", path).partition("/")[2] or path


@contextmanager
def progress(tokens: Path) -> Iterator[Observer]:
    """Return an observer that shows a run: live on a terminal, otherwise line by line.

    Args:
        tokens: The folder in which `statebag answer` leaves its answers.
    """
    out = console(stderr=True)
    if not out.is_terminal:
        lines = _Lines(out, tokens)
        try:
            yield lines
        finally:
            lines.end()
        return
    board = _Board(out, tokens)
    try:
        # What handlers print goes above the table: it is as harmless there as elsewhere.
        with Live(board, console=out, transient=True, refresh_per_second=8), harmless_streams():
            yield board
    finally:
        board.end()


class _Telling(Observer):
    """Print how to answer a token."""

    def __init__(self, console: Console, tokens: Path) -> None:
        self.console = console
        self._tokens = tokens.absolute()
        self._ended = False
        self._saying = threading.Lock()

    def end(self) -> None:
        """Print nothing from now on: states of an interrupted run may still end."""
        with self._saying:
            self._ended = True

    def waiting_for_token(self, token: str, state: str) -> None:
        command = shlex.join(["statebag", "answer", token, "--dir", str(self._tokens)])
        # Never wrapped: a command is there to be pasted.
        self._say(
            Text(
                f"{printable(state)} waits for an answer. From another terminal:",
                style="bold yellow",
            )
        )
        self._say(Text(f"  echo '{{}}' | {command} --output -"))
        self._say(Text(f"  {command} --error NAME --cause TEXT"))

    def _say(self, text: Text) -> None:
        with self._saying:
            if not self._ended:
                self.console.print(text, soft_wrap=True)


class _Lines(_Telling):
    """Print a line when a state ends; if it ends often, only now and then."""

    def __init__(self, console: Console, tokens: Path) -> None:
        super().__init__(console, tokens)
        self._counts: dict[tuple[str, str | None], int] = {}

    def state_left(self, transition: LocalTransition) -> None:
        where = state_path(transition.path)
        key = (where, transition.error)
        count = self._counts[key] = self._counts.get(key, 0) + 1
        if count > _ALWAYS_TOLD and not re.fullmatch("10+", str(count)):
            return
        result = printable(transition.error or "") or f"{transition.output_bytes:,} bytes"
        often = f" x{count:,}" if count > 1 else ""
        told = f"{printable(where)}{often}  {transition.seconds:.2f} s  {result}"
        self._say(Text(f"{transition.number:>5}  {told}"))


@dataclass(slots=True)
class _Row:
    """The facts about one state so far."""

    place: int
    name: str
    depth: int
    running: int = 0
    done: int = 0
    failed: int = 0
    bytes: int = 0
    changed: float = field(default_factory=time.monotonic)


class _Board(_Telling):
    """Show a small table, which changes in place, of the states that were active last."""

    def __init__(self, console: Console, tokens: Path) -> None:
        super().__init__(console, tokens)
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()  # the screen is drawn in another thread
        self._started = time.monotonic()

    def state_entered(self, name: str, kind: str, path: str) -> None:  # noqa: ARG002 - one interface for all observers
        with self._lock:
            row = self._row(name, path)
            row.running += 1
            row.changed = time.monotonic()

    def state_left(self, transition: LocalTransition) -> None:
        with self._lock:
            row = self._row(transition.state, transition.path)
            row.running = max(0, row.running - 1)
            row.done += 1
            row.failed += transition.error is not None
            row.bytes = transition.output_bytes
            row.changed = time.monotonic()

    def _row(self, state: str, path: str) -> _Row:
        where = state_path(path)
        if where not in self._rows:
            self._rows[where] = _Row(len(self._rows), printable(state), where.count("/"))
        return self._rows[where]

    def __rich__(self) -> FittedTable:
        """Return the table as it stands now."""
        with self._lock:
            latest = sorted(self._rows.values(), key=lambda row: row.changed)[-_SHOWN_ROWS:]
            latest.sort(key=lambda row: row.place)
            table = FittedTable(_COLUMNS, has_head=False)
            for row in latest:
                table.add_row(*_cells(row))
        table.add_row(Text(f"{time.monotonic() - self._started:,.0f} s", style="dim"), *[""] * 4)
        return table


def _cells(row: _Row) -> tuple[Name | Text, ...]:
    state = f"{row.running} running" if row.running > 1 else "running" if row.running else ""
    style = "bold cyan" if row.running else ""
    failed = f"{row.failed:,} failed" if row.failed else ""
    return (
        Name(Text(row.name, style=style), lead="  " * row.depth),
        Text(state, style="cyan"),
        Text(f"{row.done:,} done" if row.done else "", style="green"),
        Text(failed, style="red"),
        Text(f"{row.bytes:,} bytes" if row.done else "", style="dim"),
    )
