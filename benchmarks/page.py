"""docs/performance.md: every figure, how it was measured, and the goals."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from benchmarks.bounds import bounds
from benchmarks.tables import COLUMNS, GOAL_COLUMNS, cells, goal_cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.goals import Goal
    from benchmarks.suite import Results
    from benchmarks.summary import Summary

__all__ = ["table", "written"]

_HEAD = """\
# What a step costs

All figures on this page are printed by one command, which also wrote the page:

    make bench

It starts a SeaweedFS server and a proxy that counts requests and bytes and adds {delay:g} ms to
each request of a timed step. Each way of keeping a state runs in a process of its own, with the
same states and the same steps, one after the other. `make bench-short` runs everything
but the peers with 24 steps, to see that it works.

**The machine**: {machine}, {cores} cores, Python {python}; server and proxy share them. Times
are noisy, so each has its median, mean and the span from the tenth to the ninetieth percentile;
counts and bytes are exact and the same in every run. Compare ratios within a run, not times
of two runs.

## Goals
"""

_PARTS = """\
**Put together from {count} runs** of `python -m benchmarks` with `--only` and `--steps` (the column
*steps* says how many), each goal from figures of one run. `make bench` does all of them in about
forty minutes.

"""

_STATES = """
## States

A synthetic state is twenty fields under `current_state` (their sizes spread from 0.15 to 3 times
the mean), control fields, and `state_history`, which starts empty and gets 1 to 5 entries a step:
median 600 bytes as in recorded runs of agents, 120 in the 100 KB state. Each step edits one field:
a record or a sentence in place, or, in the stated share of the edits, all of it. For 15 of 50
steps there is one more field, of 300 KB. The text compresses 2.5 to 4 times. Recorded runs are
a coding agent's (their messages are the history, their steps a growing field);
"all runs" joins them and repeats them until there are enough steps.

At the end of each run the state is read back and compared with the one expected.

## Steps

*cold*: each step starts with an empty cache, as in a new process. Every way keeps its client and
connections; what those cost a new process is measured apart. *only=*: a step opens only the field
that it edits, and appends to the history without reading it; otherwise it opens all.

| column | meaning, per step |
| --- | --- |
| PUT, GET | requests counted at the server (GET with HEAD) |
| KB put, got | bytes of bodies |
| /change | bytes written over the compressed change (below) |
| growth | exponent of the bytes written over the step's number, less that of the change itself |
| $/1M | a million steps at S3's prices: requests, and what they write kept for 30 days |
| bag KB | the largest payload, as JSON |
| no request | share of the steps that sent none |
| CPU ms | median of open and seal together, all threads |
| step ms | open and seal together, wall time at {delay:g} ms a request: median, mean, span |
| RSS MB | the process's largest memory, the workload's own included |

The compressed change of a step is the least that has to be kept: the edited fields' zstd frames,
with the old value as prefix where that is smaller, and the new entries' frame. Prices: $0.005
for a thousand PUTs, $0.0004 for a thousand GETs, $0.023 for a GB and month.

The audited way: each field over 30 KB as a new object by boto3, history over 50 entries
archived anew, the whole state where it is still over 100 KB; read one by one. The peers keep
the whole state as one object where it is over their limit (langgraph-checkpoint-aws 350 KB,
amazon-sqs-extended-client and temporalio 256 KB). Their S3 requests go to the server; the
DynamoDB table and the queue are answered in process at no time and no cost.
"""


def written(results: Results, goals: list[Goal], charts: Iterable[str]) -> str:
    """The page as Markdown."""
    values = {
        "delay": results.delay_ms,
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    parts = [
        _HEAD.format(**values),
        _PARTS.format(count=results.invocations) if results.invocations > 1 else "",
        table(GOAL_COLUMNS, [goal_cells(goal) for goal in goals]),
        "\n### What bounds it\n\n",
        "\n\n".join(bounds(results)) + "\n",
        _STATES.format(**values),
    ]
    by_workload: dict[str, list[Summary]] = {}
    for row in results.rows.values():
        by_workload.setdefault(row.workload, []).append(row)
    for name, rows in by_workload.items():
        parts.append(f"\n### {name}\n")
        bare = next((row.bare_wall for row in rows if row.bare_wall), None)
        steps = sorted({row.steps for row in rows})
        text = f"{' or '.join(map(str, steps))} steps; compressed change"
        parts.append(f"{text} {rows[0].change / 1000:.1f} KB a step.")
        if bare is not None:
            span = f"{bare.tenth:.1f}-{bare.ninetieth:.1f}"
            parts.append(f" A bare GET of 64 KB: {bare.median:.1f} ms ({span}).")
        parts.append("\n\n" + table(("steps", *COLUMNS), [[str(r.steps), *cells(r)] for r in rows]))
    parts.append("\n## Single operations\n")
    for name, figures in results.special.items():
        parts.append(f"\n### {_TITLES[name]}\n\n`python -m benchmarks --only {name}`\n\n")
        parts.append(_figures_table(figures))
    parts.append("\n## Charts\n\n")
    parts.extend(f"![{name}](performance/{name})\n" for name in charts)
    if results.skipped:
        parts.append("\n## Left out\n\n")
        parts.extend(f"- {name}: {why}\n" for name, why in results.skipped.items())
    return "".join(parts)


_TITLES = {
    "fields": "Twenty stored fields of 40 KB, and one of them (seconds)",
    "edits": "Four records edited in a value of 10 MB (bytes)",
    "appends": "Three entries appended to a history (seconds, bytes)",
    "cold_start": "A new process up to its first value read (seconds)",
    "archive_start": "A Lambda's archive alone, up to its first answer (seconds)",
    "floors": "What a step cannot do without (milliseconds, requests)",
    "gather": "Results of 10 KB from the server itself, a tenth and all of them (seconds, bytes)",
}


def _figures_table(figures: dict[str, object]) -> str:
    first = next(iter(figures.values()))
    if not isinstance(first, dict):
        return table(list(figures), [[_figure(value) for value in figures.values()]])
    rows = [
        [name, *(_figure(value) for value in one.values())]
        for name, one in figures.items()
        if isinstance(one, dict)
    ]
    return table(("", *first), rows)


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"


def table(columns: Sequence[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
