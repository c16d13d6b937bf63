"""docs/performance.md: every figure, how it was measured, and the goals."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from benchmarks import answer
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

One command measured all figures on this page and wrote the page:

    make bench

It starts a SeaweedFS server and a proxy that counts requests and bytes and adds {delay:g} ms to
each request of a timed step. Each way of keeping a state runs in a separate process, with the
same states and the same steps, one after the other. `make bench-short` runs everything except the
peers with 24 steps, to check that it works.

**The machine**: {machine}, {cores} cores, Python {python}. The server and the proxy share the
cores. Times are noisy, so the page gives the median, the mean and the span from the tenth to the
ninetieth percentile. Counts and bytes are exact and the same in every run. Compare ratios within
a run, not times of two runs.

"""

_ANSWER = """
## Is it faster and cheaper than what I would do instead?

{answer}

{rows}
Each step starts with an empty memory, as in a new process. A million steps cost what S3 asks for
the requests, and for what they write, kept 30 days. *p50 ms* and *p99 ms* are times of a step at a
store with a tail: a request takes 20 ms at the median, and one in a hundred 83 ms or more. They
were measured in 180 to 300 steps, so the p99 is about the third slowest (in 45, if the run has a
hundred steps). All other times on this page are with {delay:g} ms for every request.

"""

_PARTS = """\
**This page combines {count} runs** of `python -m benchmarks` with `--only` and `--steps` (the
column *steps* gives the number of steps). The figures of each goal come from one run. `make
bench` does all of them in about an hour.

"""

_STATES = """
## States

A synthetic state has twenty fields under `current_state` (with sizes from 0.15 to 3 times the
mean), control fields, and `state_history`. The history starts empty and gets 1 to 5 entries in
each step. The median entry has 600 bytes, as in recorded runs of agents, or 120 bytes in the 100
KB state. Each step edits one field: it changes a record or a sentence in place, or, in the stated
share of the edits, rewrites the whole field. In 15 of 50 steps there is an additional field of
300 KB. The text compresses 2.5 to 4 times. The recorded runs come from a coding agent: their
messages are the history, and their steps are a growing field. "all runs" joins these runs and
repeats them until there are enough steps.

At the end of each run, the benchmark reads the state back and compares it with the expected one.

## Steps

*cold*: each step starts with an empty cache, as in a new process. Every way keeps its client and
connections; their cost in a new process is measured separately. *only=*: a step opens only the
field that it edits, and appends to the history without reading it. In all other rows it opens the
whole state. *carry N KB*: up to N KB of values stay inline (`carry_bytes`).

| column | meaning, per step |
| --- | --- |
| PUT, GET | requests counted at the server (GET with HEAD) |
| last GET | the same in the last quarter of the run |
| KB put, got | bytes of bodies |
| /change | bytes written, divided by the compressed change (below) |
| growth | exponent of the growth of bytes written by step, minus that of the change |
| $/1M | price of a million steps on S3: requests, and storage of the written bytes for 30 days |
| bag KB | the largest payload, as JSON |
| no request | share of the steps that sent none |
| CPU ms | median of open and seal together, all threads |
| step ms | open and seal together, wall time at {delay:g} ms a request: median, mean, span |
| tail p50, p99 | the same at a store with a tail (above), where it was measured |
| RSS MB | the process's largest memory, the workload's own included |

The compressed change of a step is the least that any way must store: the zstd frames of the
edited fields, with the old value as prefix if that is smaller, and the frame of the new entries.
Prices: $0.005 for a thousand PUTs, $0.0004 for a thousand GETs, $0.023 for a GB and month.

*one zstd object* writes the whole state as one zstd object with msgspec and obstore, by a client
that is kept. The audited way uses boto3. In each step, it writes each field over 30 KB as a new
object, archives a history of more than 50 entries again, and writes the whole state if it is still
over 100 KB. It reads objects one by one. The peers keep the whole state as one object if it is over
their limit (langgraph-checkpoint-aws 350 KB, amazon-sqs-extended-client and temporalio 256 KB).
Their S3 requests go to the server. The DynamoDB table and the queue are simulated in the process,
without time or cost.
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
        _ANSWER.format(
            answer=answer.answered(results),
            rows=table(answer.COLUMNS, [*answer.rows(results)]),
            **values,
        ),
        "## Goals\n",
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
    "growing": "A state that grows: counts of a step, at the server",
    "scattered": "Fifty edits in random places of a table of 100,000 records",
    "many_fields": "Fifty fields, of which a step edits one (requests, KB)",
    "large_values": "Large states with a small edit a step",
    "upkeep": "`fsck` of 20,000 packs (seconds)",
    "fields": "Twenty stored fields of 40 KB, and one of them (seconds)",
    "edits": "Four edited records in a value of 10 MB (bytes)",
    "appends": "Three entries appended to a history (seconds, bytes)",
    "cold_start": "A new process, until it has read its first value (seconds)",
    "archive_start": "A Lambda archive, until its first answer (seconds)",
    "floors": "The least work of a step (milliseconds, requests)",
    "gather": "Results of 10 KB, a tenth and all of them (seconds, bytes)",
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
