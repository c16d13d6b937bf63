"""Print the output of `statebag log`: a table of the transitions, and the status."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.cli.counts import counted
from statebag.cli.fitted_table import Column, FittedTable, Name, print_left_out
from statebag.cli.progress import state_path
from statebag.cli.report import LONG_RUN
from statebag.cli.styled_text import Text, console
from statebag.cli.terminal_text import printable
from statebag.history.causes import shown_cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from statebag.history.events import History, Payload
    from statebag.history.log import Line, LogPlace
    from statebag.history.replay import Failure, Transition
    from statebag.history.standing import Standing, Waiting

__all__ = ["print_log"]

# Chosen so that a transition takes a few lines of a terminal; `--json` has everything.
_FILE_WIDTH = 100  # characters of a line in a file
_SHOWN_CHANGES = 4  # chosen: as above
_SHOWN_WAITING = 5  # chosen: as above
_LONGEST_NAME = 80  # characters: the longest name of a state (`asl.quotas.NAME_CHARACTERS`)
_LONGEST_CAUSE = 2_000  # characters. Chosen: a traceback of some frames
_COLUMNS = (
    Column("event", right=True),
    Column("time", leaves=2),
    Column("state"),
    Column("opened", leaves=1, right=True),
    Column("bag", leaves=4, right=True),
    Column("limit", leaves=3, right=True),
)
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "possible": "?"}
_STYLES = {"added": "green", "removed": "red", "changed": "yellow", "possible": "dim"}
_STATUS_STYLES = {"SUCCEEDED": "bold green", "RUNNING": "bold cyan"}
_REASONS = {
    "token": "waits for the answer to its task token",
    "worker": "waits for an activity's worker",
    "job": "waits for the end of its job",
    "function": "waits for its task",
    "retry": "waits for its next attempt",
    "time": "waits for its time",
    "iterations": "waits for its iterations",
    "children": "waits for the children of its Map Run",
    "next": "is open",
}


def print_log(
    history: History,
    lines: Iterable[Line],
    stands: Standing,
    *,
    causes: bool,
    left_out: int,
    all_of: int,
    show_all: bool = False,
) -> None:
    """Print the table and the standing on the standard output.

    Args:
        history: The history of the execution.
        lines: The lines to show.
        stands: Its status.
        causes: Whether to show causes that may hold values.
        left_out: The number of older transitions that are not shown.
        all_of: The number of all transitions.
        show_all: Whether each transition has its own row, however many there are.
    """
    out = console(file_width=_FILE_WIDTH)
    out.print(Text(printable(history.arn), style="bold"), soft_wrap=True)
    if history.events:
        first = history.events[0].time
        out.print(
            Text(
                f"began {first:%Y-%m-%d %H:%M:%S} UTC; {counted(all_of, 'transition')}, "
                f"{counted(len(history.events), 'event')}",
                style="dim",
            )
        )
    table = FittedTable(_COLUMNS, names=2)
    rows = [_Row(line) for line in lines]
    shown = len(rows)
    folded = [*_folded(rows)] if shown > LONG_RUN and not show_all else rows
    for row in folded:
        table.add_row(*_cells(row, causes=causes))
    if left_out:
        out.print(Text(f"... {left_out:,} older ones are not shown", style="dim"))
    if shown:
        table.print_on(out)
        print_left_out(out, table, "--json")
        out.print(
            Text(
                "opened, bag: bytes of the output, opened and as it travelled; limit: share of "
                f"{PAYLOAD_LIMIT:,}. Changes: + added, - removed, ~ changed, ? perhaps.",
                style="dim",
            )
        )
        if len(folded) < shown:
            out.print(
                Text(
                    "A state that ran n times in the same way (xn) has its first event and its "
                    "largest sizes; --all gives a row for each.",
                    style="dim",
                )
            )
    else:
        out.print(Text("nothing to show", style="dim"))
    if any(payload.given is None and not payload.truncated for payload in _payloads(history)):
        out.print(Text("The history has no payloads, so sizes and changes are not shown."))
    _print_standing(out, stands, history.arn, causes=causes)


def _payloads(history: History) -> Iterator[Payload]:
    return (event.payload for event in history.events if event.payload is not None)


@dataclass(slots=True)
class _Row:
    """A line of the table: a transition, or all of one state that went the same way."""

    line: Line
    count: int = 1


def _folded(rows: Iterable[_Row]) -> Iterable[_Row]:
    """Return a row for each state, status and errors, in the order of their first transitions."""
    found: dict[object, _Row] = {}
    for row in rows:
        one = row.line.transition
        errors = tuple(failure.error for failure in one.failures)
        first = found.setdefault((state_path(one.path), one.status, one.error, errors), row)
        if first is not row:
            first.count += 1
            first.line = replace(
                first.line,
                state_bytes=_largest(first.line.state_bytes, row.line.state_bytes),
                bag_bytes=_largest(first.line.bag_bytes, row.line.bag_bytes),
                changes=None,
                changes_left_out=0,
                note=first.line.note or row.line.note,
            )
    return found.values()


def _largest(one: int | None, other: int | None) -> int | None:
    return max((size for size in (one, other) if size is not None), default=None)


def _cells(row: _Row, *, causes: bool) -> tuple[Name | Text, ...]:
    line = row.line
    one = line.transition
    known = line.bag_bytes is not None
    return (
        Text(str(one.entered), style="dim"),
        Text(f"{one.started:%H:%M:%S}"),
        _state_cell(line, row.count, causes=causes),
        Text("" if line.state_bytes is None else f"{line.state_bytes:,}"),
        Text(f"{line.bag_bytes:,}" if known else ""),
        Text(f"{(line.bag_bytes or 0) / PAYLOAD_LIMIT:.1%}" if known else ""),
    )


def _state_cell(line: Line, count: int, *, causes: bool) -> Name:
    """Return the cell of a state: its name, indented by depth, and notes about it."""
    one = line.transition
    indent = "  " * one.depth
    title = Text(printable(one.state, _LONGEST_NAME), style="bold")
    indices = "".join(re.findall(r"\[\d+\]", one.path.removesuffix(one.state)))
    if count > 1:
        title.append(f" x{count:,}", style="not bold cyan")
    elif indices:
        title.append(f" {indices}", style="not bold dim")
    if one.attempts > 1:
        title.append(f" {one.attempts} attempts", style="not bold yellow")
    if one.status != "left":
        style = "cyan" if one.status in {"open", "caught"} else "red"
        title.append(f" {one.status}", style=f"not bold {style}")
    cell = Name(title, lead=indent)
    for failure in one.failures:
        told = Text(_failure(failure), style="red")
        cause = shown_cause(failure.error, failure.cause, everything=causes)
        if cause:
            told.append(f": {printable(cause, _LONGEST_CAUSE)}", style="dim")
        cell.add(told, lead=indent)
    if one.error and not one.failures:
        cell.add(Text(printable(one.error, _LONGEST_NAME), style="red"), lead=indent)
    if one.map_run and one.status != "left":
        cell.add(Text(printable(one.map_run), style="dim"), lead=indent)
    for change in (line.changes or ())[:_SHOWN_CHANGES]:
        cell.add(_change(change), lead=indent, follow=f"{indent}  ")
    more = len(line.changes or ()) - _SHOWN_CHANGES + line.changes_left_out
    if more > 0:
        cell.add(Text(f"and {more:,} more", style="dim"), lead=indent)
    if line.note:
        cell.add(Text(printable(line.note, _LONGEST_CAUSE), style="red"), lead=indent)
    return cell


def _failure(failure: Failure) -> str:
    name = "an error without a name" if failure.error is None else failure.error
    return f"{printable(name, _LONGEST_NAME)} at {failure.event}"


def _change(change: LogPlace) -> Text:
    sizes = f"{change.before:,} → {change.after:,}"
    if change.kind == "added":
        sizes = f"{change.after:,}"
    elif change.kind == "removed":
        sizes = f"{change.before:,}"
    text = Text(f"{_SIGNS[change.kind]} {printable(change.path)}", style=_STYLES[change.kind])
    text.append(f" {sizes}", style="dim")
    return text


def _print_standing(out: Console, stands: Standing, arn: str, *, causes: bool) -> None:
    status = stands.status
    line = Text(status, style=_STATUS_STYLES.get(status, "bold red"))
    if stands.state is not None:
        line.append(f" in state {_named(stands.state)}", style="not bold default")
    if stands.error is not None:
        line.append(f" with {printable(stands.error, _LONGEST_NAME)}", style="not bold default")
    if stands.since is not None:
        verb = "its newest event is" if status in {"RUNNING", "LOST"} else "at"
        line.append(f", {verb} event {stands.event}, {_moment(stands.since)}", "not bold default")
    out.print(line, soft_wrap=True)
    cause = shown_cause(stands.error, stands.cause, everything=causes)
    if cause:
        out.print(Text(f"cause: {printable(cause, _LONGEST_CAUSE)}"), soft_wrap=True)
    if stands.cause and (not cause or cause.endswith(" ...")) and not causes:
        # Never wrapped, as the advice: the command is there to be pasted.
        shown = "The rest of the cause" if cause else "The cause"
        hidden = f"{shown} may quote values of the state: statebag log {printable(arn)} --causes"
        out.print(Text(hidden), soft_wrap=True)
    for one in stands.waiting[:_SHOWN_WAITING]:
        out.print(Text(_waits(one)), soft_wrap=True)
    if len(stands.waiting) > _SHOWN_WAITING:
        more = len(stands.waiting) - _SHOWN_WAITING
        out.print(Text(f"... and {more:,} more states are open", style="dim"))
    for advice in (stands.advice or "").splitlines():
        # Never wrapped: commands are there to be pasted.
        out.print(Text(printable(advice)), soft_wrap=True)


def _named(one: Transition) -> str:
    place = one.path.partition("/")[2] if one.depth else one.state
    return f"{printable(place, 4 * _LONGEST_NAME)} (event {one.entered})"


def _waits(one: Waiting) -> str:
    text = f"{_named(one.transition)} {_REASONS[one.reason]} since {_moment(one.since)}"
    limits = [
        f"{name} {seconds:,} s"
        for name, seconds in (("timeout", one.timeout), ("heartbeat", one.heartbeat))
        if seconds
    ]
    return f"{text} ({', '.join(limits)})" if limits else text


def _moment(moment: datetime) -> str:
    """Return a time in UTC, and how long ago that is."""
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({seconds // length} {unit} ago)"
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({seconds} s ago)"
