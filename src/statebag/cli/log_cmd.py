"""`statebag log`: show what an execution did, and its status."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from statebag.cli.executions import Executions, histories_option
from statebag.cli.extras import needs
from statebag.cli.json_output import json_of
from statebag.cli.screen_tables import is_on_screen, moment_cell, print_table
from statebag.cli.stores import reading_client, store_option
from statebag.cli.terminal_text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from statebag.cli.recorded import Recorded

__all__ = ["command"]


@click.command("log", short_help="Show what an execution did, and where it stands.")
@click.argument("execution", metavar="[EXECUTION]", required=False)
@click.option("--last", is_flag=True, help="Show the newest execution of this machine.")
@click.option("--tail", type=click.IntRange(min=1), metavar="N", help="Show only the newest N.")
@click.option("--all", "show_all", is_flag=True, help="Print a row for each of many transitions.")
@click.option("--errors", is_flag=True, help="Show only what failed or was retried.")
@click.option("--state", metavar="NAME", help="Show only this state.")
@click.option("--deep", is_flag=True, help="Read stored values to show the changes inside them.")
@click.option(
    "--causes", is_flag=True, help=("Show causes, too: they may quote values of the state.")
)
@click.option("--no-data", is_flag=True, help="Do not request payloads, so sizes are not shown.")
@click.option("--children", is_flag=True, help="List the children of distributed Maps, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@histories_option
@store_option
def command(
    execution: str | None,
    *,
    last: bool,
    tail: int | None,
    show_all: bool,
    errors: bool,
    state: str | None,
    deep: bool,
    causes: bool,
    no_data: bool,
    children: bool,
    as_json: bool,
    histories: Path,
    store: str | None,
) -> None:
    """Show each state that the EXECUTION entered: event, time, sizes, changes, errors.

    EXECUTION is an ARN. For an execution of this machine, its name or the beginning of its name is
    enough, or --last. Other commands take such names too, and @ for the newest.

    The sizes are those of its output: opened, and as a payload, with the share of the limit. The
    changes are those between its input and output, found by comparing only the bags. The last lines
    show the status of the execution. If there are more than 40 transitions, those of one state that
    went the same way share a row (x40); --all gives each its own, as --json does.

    Without an EXECUTION, the command lists those of this machine, each with its name, status, time
    and the bytes of its history; in a pipe, with its ARN. The one whose history was written last
    is first. Children of a distributed Map are counted under their parent; --children lists them
    there.

    No value of a state is shown. The store is read only with --deep.

    \b
    Examples:
      statebag log
      statebag log --last
      statebag log arn:aws:states:us-east-1:123456789012:execution:Main:run-1
      statebag log arn:aws:states:us-east-1:123456789012:execution:Main:run-1 --errors --json
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    if children and (execution is not None or last):
        raise click.UsageError("--children belongs to the list; leave out the execution")
    if execution is None and not last:
        _list(histories, as_json=as_json, children=children)
        return

    from statebag.asl.arns import parse_execution_arn  # noqa: PLC0415 - kept out of --help
    from statebag.cli.recorded import failed_child, recorded  # noqa: PLC0415 - kept out of --help
    from statebag.history.log import as_dict, log_of, standing_dict  # noqa: PLC0415 - kept out of --help
    from statebag.history.replay import transitions  # noqa: PLC0415 - kept out of --help
    from statebag.history.standing import standing  # noqa: PLC0415 - kept out of --help

    source = Executions(histories)
    arn = parse_execution_arn(_chosen(source, histories, execution, last=last))
    history = source.history(arn, data=not no_data)
    made = transitions(history)
    stands = standing(
        history,
        made,
        is_local=source.is_local(arn),
        failed_child=lambda run: failed_child(recorded(histories), run),
    )
    shown = [
        one
        for one in made
        if (not errors or one.failures or one.error or one.status in {"failed", "timed out"})
        and (state is None or state in {one.state, one.path})
    ]
    left_out = len(shown) - tail if tail is not None and len(shown) > tail else 0
    with reading_client(store) if deep else nullcontext() as client:
        differences = None if client is None else client.differences
        lines = log_of(shown[left_out:], differences)
        if as_json:
            for line in lines:
                click.echo(json_of(as_dict(line, causes=causes)))
            click.echo(json_of(standing_dict(stands, causes=causes)))
            return
        with needs("cli"):
            from statebag.cli.log_table import print_log  # noqa: PLC0415 - rich is slow to import
        print_log(
            history,
            lines,
            stands,
            causes=causes,
            left_out=left_out,
            all_of=len(made),
            show_all=show_all or tail is not None,
        )


def _chosen(source: Executions, folder: Path, execution: str | None, *, last: bool) -> str:
    """Return the ARN of the execution to show.

    Raises:
        ConfigurationError: None or several are named, or this machine has none.
    """
    if execution is not None and last:
        raise click.UsageError("an execution is named, and --last is given: drop one of them")
    if execution is None:
        from statebag.cli.recorded import newest_arn  # noqa: PLC0415 - kept out of --help

        return newest_arn(folder)
    return source.must_be_named(execution)


def _list(folder: Path, *, as_json: bool, children: bool) -> None:
    from statebag.cli.recorded import families, recorded  # noqa: PLC0415 - kept out of --help

    found = families(recorded(folder))
    if found and not as_json and is_on_screen():
        _print_executions(found, children=children)
        return
    for one, below in found:
        counts = Counter(child.status for child in below)
        shown = below if children else []
        if as_json:
            click.echo(json_of({**_as_dict(one), "children": dict(sorted(counts.items()))}))
            for child in shown:
                click.echo(json_of({**_as_dict(child), "children": {}}))
            continue
        click.echo(_line(one))
        for child in shown:
            click.echo(_line(child, indent="  "))
        if below and not children:
            click.echo(f"  {_children(counts)}")
    if not found:
        click.echo(f"{printable(str(folder))} has no history of a run", err=True)


def _children(counts: Counter[str]) -> str:
    count = counts.total()
    statuses = ", ".join(f"{counts[status]:,} {status}" for status in sorted(counts))
    return f"{count:,} {'child' if count == 1 else 'children'} (--children): {statuses}"


def _print_executions(found: list[tuple[Recorded, list[Recorded]]], *, children: bool) -> None:
    from statebag.cli.fitted_table import Column, FittedTable, Name  # noqa: PLC0415 - rich is slow to import

    numbers = (Column("bytes", leaves=1, right=True), Column("written", leaves=2))
    table = FittedTable((Column("execution"), Column("status"), *numbers))

    def add(one: Recorded, name: Name) -> None:
        table.add_row(name, one.status, f"{one.bytes:,}", moment_cell(one.time))

    for one, below in found:
        name = Name(printable(f"{one.machine}/{one.name}"))
        if below and not children:
            name.add(_children(Counter(child.status for child in below)), lead="  ")
        add(one, name)
        for child in below if children else ():
            add(child, Name(printable(f"{child.machine}/{child.name}"), lead="  "))
    print_table(table, "--json")


def _line(one: Recorded, indent: str = "") -> str:
    return printable(f"{indent}{_time(one)}  {one.status:9}  {one.bytes:>11,}  {one.arn}")


def _as_dict(one: Recorded) -> dict[str, object]:
    return {
        "arn": one.arn,
        "machine": one.machine,
        "name": one.name,
        "status": one.status,
        "time": _time(one),
        "bytes": one.bytes,
        "parent": one.parent,
        "map_run": one.map_run,
    }


def _time(one: Recorded) -> str:
    return one.time.isoformat(timespec="seconds").replace("+00:00", "Z")
