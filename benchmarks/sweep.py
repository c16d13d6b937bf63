"""`python -m benchmarks --sweep`: what each choice of this library costs, one changed at a time.

Two questions. Do large values that change a little need both ways, pieces and patches? And what
do other values of `carry_bytes`, `field_limit`, `piece_bytes`, `max_packs` and the index's fan-out
cost?
Requests and bytes are counted at the server; no request is delayed and no time is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import workloads
from benchmarks.page import table
from benchmarks.suite import Run
from benchmarks.tables import counted
from statebag import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.suite import Results
    from benchmarks.summary import Summary

__all__ = ["COLUMNS", "cells", "chosen", "written"]

_KB = 1024
_FORMS = ("statebag", "statebag:no-patches", "statebag:no-pieces", "statebag:no-patches:no-pieces")
_SETTINGS = {
    "carry_bytes": [n * _KB for n in (0, 8, 16, 24, 32, 48, 64)],
    "field_limit": [n * _KB for n in (8, 15, 30, 60)],
    "piece_bytes": [n * _KB for n in (8, 16, 24, 48, 96)],
    "max_packs": [2, 3, 5, 8, 1000],
    "fan_out": [8, 16, 32, 64],
}
_FAN_OUT = 32
_LAST_ONLY = 0
COLUMNS = ("PUT", "GET", "KB put", "KB got", "/change", "growth", "$/1M", "bag KB", "CPU ms")


def chosen(*, most_steps: int | None = None) -> Iterator[Run]:
    """The runs: every workload with each form, and one workload with each setting."""
    most = most_steps or 300
    compared = [
        f"synthetic:100000:{most}:0.2",
        f"synthetic:1000000:{most}:0.2",
        f"synthetic:1000000:{most}:1.0",
        f"synthetic:10000000:{min(most, 40)}:0.2",
    ]
    if workloads.data_folder() is not None:
        compared.append(f"recorded::{most}")
    for workload in compared:
        for way in _FORMS:
            yield Run(way=way, workload=workload, timed_every=_LAST_ONLY)
    for name, values in _SETTINGS.items():
        for value in values:
            # An index needs nodes, and what moves with a pack needs edits that leave old packs.
            workload = compared[{"fan_out": 3, "max_packs": 2}.get(name, 1)]
            yield Run(way=f"statebag:{name}={value}", workload=workload, timed_every=_LAST_ONLY)


def cells(row: Summary) -> list[str]:
    """A row's cells, as `COLUMNS` names them; all per step."""
    return [*counted(row), f"{row.step_cpu.median:.1f}"]


_HEAD = """\
# What each choice costs

One command measured all figures on this page and wrote the page:

    make bench-sweep

Each row is a separate run with one thing changed. Requests and bytes are counted at a
SeaweedFS server. Every step opens the whole state with an empty cache, changes it and seals it.
The columns are those of [what a step costs](../performance.md). CPU is the median of a step. It is
the only column with noise.

## Chunks and deltas

*both* is the default. Without deltas, a changed value is stored in chunks, or as a whole if it
cannot be cut. Without chunks, a large value is one blob, and a change in it is a delta.
[0004](../design/0004-small-edits.md) gives the reasons for the choice.
"""

_NAMES = dict(zip(_FORMS, ("both", "chunks alone", "deltas alone", "neither"), strict=True))


def written(results: Results) -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    forms: dict[str, list[list[str]]] = {}
    settings: dict[str, list[list[str]]] = {}
    for key, row in results.rows.items():
        way = key.split("|")[1]
        if way in _NAMES:
            title = _title(row)
            forms.setdefault(title, []).append([_NAMES[way], *cells(row)])
        else:
            name, _, value = way.removeprefix("statebag:").partition("=")
            label = value + (" (default)" if int(value) == _default(name) else "")
            title = f"{name}, {_title(row)}"
            settings.setdefault(title, []).append([label, *cells(row)])
    for title, rows in forms.items():
        parts.append(f"\n### {title}\n\n{table(('', *COLUMNS), rows)}")
    parts.append("\n## Settings\n")
    for title, rows in settings.items():
        parts.append(f"\n### {title}\n\n{table((title.partition(',')[0], *COLUMNS), rows)}")
    return "".join(parts)


def _title(row: Summary) -> str:
    steps = f"{row.steps} steps"
    return row.workload if row.workload.endswith(steps) else f"{row.workload}, {steps}"


def _default(name: str) -> int:
    return _FAN_OUT if name == "fan_out" else int(getattr(Policy(), name))
