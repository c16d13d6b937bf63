"""Print the result of `statebag run`: a table of the transitions, totals, the output."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statebag.asl.payload import payload_size
from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.cli.fitted_table import Column, FittedTable, Name, print_left_out
from statebag.cli.progress import state_path
from statebag.cli.styled_text import Text, console
from statebag.cli.terminal_text import json_escaped, printable
from statebag.format.json_depth import loads
from statebag.format.stub import KEY
from statebag.telemetry.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.console import Console

    from statebag.local.execution import LocalExecution, LocalTransition

__all__ = ["LONG_RUN", "as_dict", "print_report", "readable"]

LONG_RUN = 40
"""Transitions of an execution above which the report has one row for each state. Chosen: the rows
of a tall terminal."""

# Chosen so that a report stays on a screen or two; `--output` writes the whole output to a file.
_SHOWN_CHARACTERS = 2_000
_SHOWN_KEYS = 40  # chosen: as above
_SHOWN_UNFINISHED = 5  # chosen: as above
_OTHERS = "(other members)"
_FILE_WIDTH = 100  # characters of a line in a file. Chosen: reads well in an editor

_STATE = Column("state")
_LIMIT = Column("limit", leaves=7, right=True)
_TIME = Column("time", leaves=5, right=True)
_COLUMNS = (
    Column("plain", leaves=6, right=True),
    Column("bag", leaves=8, right=True),
    _LIMIT,
    Column("stored", leaves=2, right=True),
    Column("carried", leaves=1, right=True),
    Column("PUT", leaves=4, right=True),
    Column("GET", leaves=3, right=True),
    _TIME,
)
_PLAIN_COLUMNS = (Column("payload", leaves=8, right=True), _LIMIT, _TIME)


def as_dict(execution: LocalExecution) -> dict[str, Any]:
    """Return the result as a JSON value; sizes are in bytes and times in seconds."""
    transitions = [
        {
            "number": one.number,
            "state": one.state,
            "kind": one.kind,
            "path": one.path,
            "seconds": round(one.seconds, 6),
            "input_bytes": one.input_bytes,
            "output_bytes": one.output_bytes,
            "attempts": one.attempts,
            "error": one.error,
            "usage": None if one.usage is None else one.usage.as_dict(),
        }
        for one in execution.transitions
    ]
    total = _Sum.of(execution.transitions)
    return {
        "status": execution.status,
        "output": execution.output,
        "error": execution.error,
        "cause": execution.cause,
        "warnings": list(execution.warnings),
        "unfinished": list(execution.unfinished),
        "name": execution.name,
        "arn": execution.arn,
        "transitions": transitions,
        "totals": {
            "transitions": total.count,
            "largest_plain_bytes": total.plain_bytes,
            "largest_output_bytes": total.output_bytes,
            "limit_bytes": PAYLOAD_LIMIT,
            "blobs_stored": total.stored,
            "blobs_carried": total.carried,
            "puts": total.puts,
            "gets": total.gets,
            "bytes_put": total.bytes_put,
            "bytes_got": total.bytes_got,
            "seconds": round(execution.seconds, 6),
        },
    }


@dataclass(slots=True)
class _Sum:
    """The transitions of one row: their largest sizes and times, and the sums of the rest."""

    count: int = 0
    plain_bytes: int = 0
    output_bytes: int = 0
    stored: int = 0
    carried: int = 0
    puts: int = 0
    gets: int = 0
    bytes_put: int = 0
    bytes_got: int = 0
    seconds: float = 0.0
    measured: bool = False

    @classmethod
    def of(cls, transitions: Iterable[LocalTransition]) -> _Sum:
        total = cls()
        for one in transitions:
            usage = one.usage or Usage()
            total.count += 1
            total.plain_bytes = max(total.plain_bytes, usage.plain_bytes)
            total.output_bytes = max(total.output_bytes, one.output_bytes)
            total.stored += usage.blobs_stored
            total.carried += usage.blobs_carried
            total.puts += usage.puts
            total.gets += usage.gets
            total.bytes_put += usage.bytes_put
            total.bytes_got += usage.bytes_got
            total.seconds = max(total.seconds, one.seconds)
            total.measured = total.measured or one.usage is not None
        return total

    def cells(self, columns: Iterable[Column]) -> list[str]:
        """Return the text in each column."""
        requests = {
            "stored": self.stored,
            "carried": self.carried,
            "PUT": self.puts,
            "GET": self.gets,
        }
        size = f"{self.output_bytes:,}" if self.output_bytes else ""
        texts = {
            "plain": f"{self.plain_bytes:,}" if self.plain_bytes else "",
            "bag": size,
            "payload": size,
            "limit": f"{self.output_bytes / PAYLOAD_LIMIT:.1%}" if self.output_bytes else "",
            **{name: f"{n:,}" if self.measured else "" for name, n in requests.items()},
            "time": f"{self.seconds:,.2f} s",
        }
        return [texts[one.title] for one in columns]


def print_report(
    execution: LocalExecution,
    *,
    show_all: bool,
    plain: bool = False,
    written: Path | None = None,
    shown: Any = None,
) -> None:
    """Print the table, the totals and the output, or the error, on the standard output.

    Args:
        execution: The result.
        show_all: Whether to print a row for each transition, even if there are many.
        plain: Whether nothing was sealed, so that there are no bags, objects and requests.
        written: The file with the whole output; None if there is none.
        shown: The output, opened; None if it is not.
    """
    out = console(file_width=_FILE_WIDTH)
    grouped = len(execution.transitions) > LONG_RUN and not show_all
    table = _table(execution, grouped=grouped, plain=plain)
    table.print_on(out)
    legend = f"Bytes of JSON text; a payload has at most {PAYLOAD_LIMIT:,}."
    if grouped:
        legend += (
            " A state that ran n times (xn) has its largest sizes, its longest time, and sums of "
            "the rest; --all gives a row for each."
        )
    out.print(Text(legend, style="dim"))
    print_left_out(out, table, "--json")
    _print_end(out, execution)
    if execution.status == "SUCCEEDED":
        _print_output(out, execution.output, written, shown)


def _table(execution: LocalExecution, *, grouped: bool, plain: bool) -> FittedTable:
    rows: dict[Any, list[LocalTransition]] = {}
    for one in execution.transitions:
        key = (state_path(one.path), one.error) if grouped else one.number
        rows.setdefault(key, []).append(one)
    total = _Sum.of(execution.transitions)
    total.seconds = execution.seconds
    total.measured = True
    columns = _PLAIN_COLUMNS if plain else _COLUMNS
    count = f"{total.count:,} transition{'' if total.count == 1 else 's'}"
    footer = (count, *total.cells(columns))
    table = FittedTable((_STATE, *columns), footer=footer)
    for group in rows.values():
        table.add_row(_state_cell(group), *_Sum.of(group).cells(columns))
    return table


def _state_cell(group: Sequence[LocalTransition]) -> Name:
    """Return the name of a state, indented below its Map or Parallel."""
    first = group[0]
    text = Text(printable(first.state))
    if len(group) > 1:
        text.append(f" x{len(group):,}", style="cyan")
    else:
        indices = "".join(re.findall(r"\[\d+\]", first.path))
        text.append(f" {indices}" if indices else "", style="dim")
    if first.error is not None:
        text.append(f" {printable(first.error)}", style="red")
    return Name(text, lead="  " * state_path(first.path).count("/"))


def _print_end(out: Console, execution: LocalExecution) -> None:
    succeeded = execution.status == "SUCCEEDED"
    line = Text(execution.status, style="bold green" if succeeded else "bold red")
    line.append(f"  {execution.name}, {execution.seconds:,.2f} s", style="not bold default")
    out.print(line)
    if succeeded:
        return
    if execution.unfinished:
        out.print(Text(_unfinished(execution)), soft_wrap=True)
    if execution.error is not None:
        out.print(Text(f"error: {printable(execution.error)}"), soft_wrap=True)
    if execution.cause is not None:
        out.print(Text(f"cause: {_shortened(readable(execution.cause))}"), soft_wrap=True)


def _unfinished(execution: LocalExecution) -> str:
    paths = [printable(path) for path in execution.unfinished[:_SHOWN_UNFINISHED]]
    more = len(execution.unfinished) - len(paths)
    text = f"At work when the time was over: {', '.join(paths)}"
    return f"{text}, and {more:,} more" if more else text


def readable(cause: str) -> str:
    """Return a cause; for a Lambda function (JSON), the message and the line that raised it."""
    try:
        body = loads(cause)
    except ValueError:
        return cause
    message = body.get("errorMessage") if isinstance(body, dict) else None
    if not isinstance(message, str):
        return cause
    stack = body.get("stackTrace")
    raised = str(stack[-1]).rstrip() if isinstance(stack, list) and stack else ""
    return f"{message}\n{raised}" if raised else message


def _print_output(out: Console, output: Any, written: Path | None, opened: Any) -> None:
    size = payload_size(output)
    is_opened = opened is not None and opened is not output
    output = opened if is_opened else output
    shown = output if is_opened else _with_marks(output)
    text = json_escaped(json.dumps(shown, ensure_ascii=False, indent=2))
    is_long = len(text) > _SHOWN_CHARACTERS
    is_sealed = shown is not output
    out.print(Text(f"Output, {size:,} bytes{', opened' if is_opened else ''}:"))
    if isinstance(shown, dict) and (is_long or is_sealed):
        _outline(shown).print_on(out)
    else:
        out.print(Text(_shortened(text)), soft_wrap=True)
    if written is not None:
        out.print(Text(f"The whole output is in {written}."), soft_wrap=True)
    elif is_long or is_sealed:
        out.print(Text("The whole output: --output FILE, or --json."), soft_wrap=True)


class _Mark(str):
    """The text that a report shows in place of a stub."""

    __slots__ = ()


def _with_marks(value: Any) -> Any:
    """Return a value with a mark for each stub; itself if it has none."""
    if isinstance(value, list):
        items = list(
            map(_with_marks, value)
        )  # one frame a level: Python 3.11 counts comprehensions
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    if not isinstance(value, dict):
        return value
    stub = value.get(KEY)
    names = [name for name in value if name != KEY]
    marked = dict(zip(names, map(_with_marks, map(value.get, names)), strict=True))
    if isinstance(stub, dict):
        size = stub.get("size")
        mark = _Mark(f"sealed: {size:,} bytes" if isinstance(size, int) else "sealed")
        # Of an object that is sealed as a whole, some members stand next to the stub.
        return {**marked, _OTHERS: mark} if marked else mark
    same = all(marked[name] is one for name, one in value.items() if name != KEY)
    return value if same else marked


def _outline(output: dict[str, Any]) -> FittedTable:
    """Return a line for each key of an object, with the beginning of its value."""
    shown = dict(itertools.islice(output.items(), _SHOWN_KEYS))
    table = FittedTable((Column("key"), Column("value", is_beginning=True)), has_head=False)
    for key, value in shown.items():
        if isinstance(value, _Mark):
            cell = Text(value, style="dim")
        else:
            line = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            cell = Text(json_escaped(line[:_SHOWN_CHARACTERS]))
        name = Text(printable(key), style="dim" if key == _OTHERS else "bold")
        table.add_row(Name(name), cell)
    if len(output) > _SHOWN_KEYS:
        table.add_row(Name("..."), f"and {len(output) - _SHOWN_KEYS:,} more keys")
    return table


def _shortened(text: str) -> str:
    left_out = len(text) - _SHOWN_CHARACTERS
    if left_out <= 0:
        return text
    return f"{text[:_SHOWN_CHARACTERS]}\n... and {left_out:,} characters more."
