"""The tables of the terminal: with rich where it is installed, plain otherwise."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.goals import Goal
    from benchmarks.suite import Results
    from benchmarks.summary import Summary

__all__ = ["COLUMNS", "cells", "goal_cells", "show"]

COLUMNS = (
    "way", "PUT", "GET", "last GET", "KB put", "KB got", "/change", "growth", "$/1M", "bag KB",
    "no request", "CPU ms", "step ms", "mean", "10-90 %", "tail p50", "tail p99", "RSS MB",
)  # fmt: skip
GOAL_COLUMNS = ("", "goal", "bound", "measured", "met")


def counted(row: Summary) -> list[str]:
    """The cells that every table has of a row: requests, bytes, growth, price and bag, per step."""
    return [
        f"{row.puts:.3f}",
        f"{row.gets + row.other:.2f}",
        f"{row.bytes_put / 1000:,.1f}",
        f"{row.bytes_got / 1000:,.1f}",
        f"{row.bytes_put / row.change:.2f}",
        f"{row.growth:+.3f}",
        f"{row.dollars:,.2f}",
        f"{row.bag_max / 1000:,.0f}",
    ]


def cells(row: Summary) -> list[str]:
    """A row's cells, as `COLUMNS` names them; all per step."""
    puts, gets, *rest = counted(row)
    return [
        row.way + ("" if row.situation == "cold" else " (warm)"),
        puts,
        gets,
        f"{row.last_gets:.2f}",
        *rest,
        f"{row.without_requests:.0%}",
        f"{row.step_cpu.median:.1f}",
        f"{row.step_wall.median:.1f}",
        f"{row.step_wall.mean:.1f}",
        f"{row.step_wall.tenth:.0f}-{row.step_wall.ninetieth:.0f}",
        *(["", ""] if row.tail is None else [f"{row.tail.p50:.0f}", f"{row.tail.p99:.0f}"]),
        f"{row.peak_rss / 2**20:.0f}",
    ]


def goal_cells(goal: Goal) -> list[str]:
    """A goal's cells, as `GOAL_COLUMNS` names them."""
    sign = "≤" if goal.at_most else "≥"
    measured = "not measured" if goal.value is None else f"{goal.value:.3g}"
    met = {None: "-", True: "met", False: "not met"}[goal.met]
    return [str(goal.number), goal.text, f"{sign} {goal.bound:g}", measured, met]


def show(results: Results, goals: list[Goal]) -> None:
    """Print all."""
    by_workload: dict[str, list[Summary]] = {}
    for row in results.rows.values():
        by_workload.setdefault(f"{row.workload}, {row.steps} steps", []).append(row)
    for name, rows in by_workload.items():
        _print(name, COLUMNS, [cells(row) for row in rows])
    for name, figures in results.special.items():
        _print(name, ("what", "figures"), [[key, _figures(one)] for key, one in figures.items()])
    _print("goals", GOAL_COLUMNS, [goal_cells(goal) for goal in goals])
    for name, why in results.skipped.items():
        print(f"left out: {name}: {why}")


def _figures(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_figures(one)}" for name, one in value.items())
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"


def _print(title: str, columns: tuple[str, ...], rows: list[list[str]]) -> None:
    if find_spec("rich") is not None:
        from rich.console import Console  # noqa: PLC0415  # an extra
        from rich.table import Table  # noqa: PLC0415  # an extra

        table = Table(title=title, title_justify="left")
        for number, column in enumerate(columns):
            table.add_column(column, justify="left" if number < 2 else "right")
        for row in rows:
            table.add_row(*row)
        width = max(Console().width, 150)
        Console(width=width).print(table)
        return
    widths = [max(len(row[i]) for row in [list(columns), *rows]) for i in range(len(columns))]
    print(f"\n{title}")
    for row in [list(columns), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
