"""`statebag lint`: find what may exceed the limit or lose a state in a definition."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from statebag.asl.quotas import PAYLOAD_LIMIT
from statebag.cli.exit_codes import FOUND
from statebag.cli.extras import needs
from statebag.cli.json_output import json_of
from statebag.cli.terminal_text import printable
from statebag.local.settings_file import settings_file

if TYPE_CHECKING:
    from statebag.lint.finding import Finding
    from statebag.lint.linter import Options, Report

__all__ = ["command"]


class _Command(click.Command):
    """Accept `--control` alone as a request, and with a path as a setting."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        told = [
            "--print-control" if one == "--control" and not following.startswith("$") else one
            for one, following in pairwise([*args, ""])
        ]
        return super().parse_args(ctx, told)


@click.command(
    "lint", cls=_Command, short_help="Find what may exceed the limit in a state machine."
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--sealed",
    metavar="NAME",
    multiple=True,
    help=("A function that seals its output; * for all. Repeatable."),
)
@click.option(
    "--unsealed",
    metavar="NAME",
    multiple=True,
    help=("A function that does not seal its output. Repeatable."),
)
@click.option(
    "--control",
    metavar="[$.PATH]",
    multiple=True,
    help=(
        "Print the control paths that each machine needs. With a value: count this path as one. "
        "Repeatable."
    ),
)
@click.option(
    "--movable",
    metavar="$.PATH",
    multiple=True,
    help=("A movable path: one whose value is passed on. Repeatable."),
)
@click.option("--print-control", is_flag=True, hidden=True)
@click.option(
    "--max-bag-bytes",
    metavar="BYTES",
    type=click.IntRange(min=1024),
    default=96 * 1024,
    show_default=True,
    help="The bound of a bag.",
)
@click.option(
    "--input-bytes",
    metavar="BYTES",
    type=click.IntRange(min=0, max=PAYLOAD_LIMIT),
    help="The largest input of an execution. [the bound of a bag]",
)
@click.option("--ignore", metavar="CODE", multiple=True, help="Do not report this rule.")
@click.option("--notes", is_flag=True, help="Show notes too; they do not change the exit code.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
)
@click.option(
    "--fix",
    "fixes",
    is_flag=True,
    help="Make the mechanical changes in JSON definitions, and print the paths to set.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 even if something was found.")
def command(
    paths: tuple[Path, ...],
    *,
    sealed: tuple[str, ...],
    unsealed: tuple[str, ...],
    control: tuple[str, ...],
    movable: tuple[str, ...],
    print_control: bool,
    max_bag_bytes: int,
    input_bytes: int | None,
    ignore: tuple[str, ...],
    notes: bool,
    style: str,
    fixes: bool,
    exit_zero: bool,
) -> None:
    """Check the state machines in PATHS: definitions, templates, or folders of them.

    Without PATHS, the template of statebag.toml is checked. In a folder, files that are meant to be
    definitions or templates (*.asl.json, template.yaml) must be readable; other files are skipped.

    Definitions are Amazon States Language in JSON or YAML, with JSONPath or JSONata. A function
    counts as sealing if its template sets STATEBAG_ variables, its handler's source names statebag,
    or its Task passes execution_id; for others, use --sealed. A Comment in the definition accepts a
    finding: "statebag: ignore SB103 ten items at most".

    With --fix, it passes execution_id to functions that may not seal (SB101), adds StoreUnavailable
    to Retry (SB301), prints the lines of --control, and reports the rest.

    The exit code is 4 if there is an error or a warning, and 0 otherwise.

    With --control, it prints the control paths of each machine as a line for the functions'
    environment: STATEBAG_CONTROL=... The paths are relative to the state, wherever its bag is in a
    payload.

    \b
    Examples:
      statebag lint template.yaml
      statebag lint machine.asl.json --sealed '*'
      statebag lint machine.asl.json --fix
      statebag lint . --format sarif > lint.sarif
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    if not paths:
        raise click.UsageError(
            "no file is given, and no statebag.toml names a template: give a "
            "template, a definition or a folder, or run `statebag init`"
        )
    with needs("lint"):
        from statebag.lint.linter import Options, lint  # noqa: PLC0415 - kept out of --help

    options = Options(
        sealed=sealed,
        unsealed=unsealed,
        control=control,
        movable=movable,
        bag_bytes=max_bag_bytes,
        input_bytes=max_bag_bytes if input_bytes is None else input_bytes,
        ignored=frozenset(ignore),
    )
    named = _with_template(paths)
    if fixes:
        _fix(named, options, to_stderr=style != "text")
    if print_control or (fixes and style == "text"):
        # Of the functions that are to be decorated too: their paths are needed once they are.
        sealing = lint(named, replace(options, sealed=("*", *sealed)))
        unread = [one for one in sealing.findings if one.code == "SB001"]
        _print_control(sealing, without={one.file for one in unread})
        if print_control:
            for one in unread:
                click.echo(_line(one), err=True)
            click.get_current_context().exit(FOUND if unread and not exit_zero else 0)
    report = lint(named, options)
    if style == "sarif":
        from statebag.lint.sarif import as_sarif  # noqa: PLC0415 - kept out of --help

        click.echo(json_of(as_sarif(report.findings), indent=2))
    elif style == "json":
        click.echo(json_of(_as_dict(report), indent=2))
    else:
        # With --fix, the lines of the control paths are printed already.
        _print(report, notes=notes, paths=not fixes)
    if not exit_zero and any(one.severity != "note" for one in report.findings):
        click.get_current_context().exit(FOUND)


def _fix(paths: list[Path], options: Options, *, to_stderr: bool) -> None:
    """Make the mechanical changes, and print a line for each, and for each finding that is left."""
    from statebag.lint.fixing import fix  # noqa: PLC0415 - kept out of --help

    for one in fix(paths, options):
        done = "written" if one.is_written else "left"
        line = printable(f"{one.file}: {done}: {one.path}: {one.message}")
        click.echo(line, err=to_stderr)


def _with_template(paths: tuple[Path, ...]) -> list[Path]:
    """Return the paths, with the template of the settings if it is in one of these folders.

    A file that is named must be a definition or a template; other files of a folder may be.
    """
    found = settings_file(Path.cwd())
    if found is None or "template" not in found[1]:
        return [*paths]
    template = (found[0].parent / found[1]["template"]).resolve()
    for path in paths:
        folder = path.resolve()
        if path.is_dir() and template.is_relative_to(folder):
            return [*paths, path / template.relative_to(folder)]
    return [*paths]


def _print_control(report: Report, *, without: set[str]) -> None:
    """Print a line for each machine: the paths that are set, and those that are missing.

    Args:
        report: The report.
        without: Files of definitions that have mistakes, so that their paths are not known.
    """
    several = len(report.needed) > 1
    for file, paths in report.needed.items():
        if file in without:
            continue
        lines = [f"STATEBAG_CONTROL={','.join(paths)}"]
        if moved := report.needed_movable.get(file):
            lines.append(f"STATEBAG_MOVABLE={','.join(moved)}")
        for line in lines:
            click.echo(printable(f"{file}: {line}" if several else line))


def _as_dict(report: Report) -> dict[str, object]:
    return {
        "machines": report.machines,
        "accepted": report.accepted,
        "findings": [
            {
                "file": one.file,
                "line": one.line or None,
                "column": one.column or None,
                "path": one.path,
                "code": one.code,
                "severity": one.severity,
                "message": one.message,
                "fix": one.fix,
            }
            for one in report.findings
        ],
        "control": {file: list(paths) for file, paths in report.control.items()},
        "movable": {file: list(paths) for file, paths in report.movable.items()},
    }


def _print(report: Report, *, notes: bool, paths: bool) -> None:
    """Print the findings, and their number.

    Args:
        report: The report.
        notes: Whether to print notes.
        paths: Whether to print which paths are to be set.
    """
    hidden = 0
    for one in report.findings:
        if one.severity == "note" and not notes:
            hidden += 1
            continue
        click.echo(_line(one))
    for file in report.control if paths else ():
        named = report.needed[file]  # the whole line: it takes the place of the present one
        listed = ", ".join(json_of(path) for path in named)
        click.echo(f"{printable(file)}: its paths read these, which must stay plain:")
        click.echo(f"  Policy(control=({listed},))")
        click.echo(f"  STATEBAG_CONTROL={printable(','.join(named))}")
    for file in report.movable if paths else ():
        named = report.needed_movable[file]
        click.echo(f"{printable(file)}: its paths pass these on, which must be movable:")
        click.echo(f"  STATEBAG_MOVABLE={printable(','.join(named))}")
    told = len(report.findings) - hidden
    count = f"{told} finding{'' if told == 1 else 's'}"
    more = [f"{hidden} note{'' if hidden == 1 else 's'} (--notes)"] if hidden else []
    more += [f"{report.accepted} accepted by comments"] if report.accepted else []
    machines = f"{report.machines} state machine{'' if report.machines == 1 else 's'}"
    click.echo(f"{', '.join([count, *more])} in {machines}", err=True)


def _line(one: Finding) -> str:
    place = f"{one.file}:{one.line}:{one.column}" if one.line else one.file
    return printable(f"{place}: {one.code} {one.severity}: {one.path}: {one.message}. {one.fix}")
