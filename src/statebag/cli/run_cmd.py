"""`statebag run`: run a workflow on this machine."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from statebag.cli import IS_PROGRAM
from statebag.cli.executions import histories_option
from statebag.cli.exit_codes import EXECUTION_FAILED, exit_code
from statebag.cli.extras import needs
from statebag.cli.json_input import read_json
from statebag.cli.json_output import json_of
from statebag.cli.terminal_text import printable
from statebag.errors import ConfigurationError, StatebagError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.local.execution import LocalExecution

__all__ = ["command"]

_HOME = Path(".statebag")
_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")


def _pairs(
    _context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Parse NAME=VALUE options, and refuse a name that occurs twice."""
    pairs: dict[str, str] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{text!r} is not {parameter.metavar}")
        if name in pairs:
            raise click.BadParameter(f"{name} is given twice")
        pairs[name] = value
    return pairs


def _execution_name(
    _context: click.Context, _parameter: click.Parameter, name: str | None
) -> str | None:
    """Return a name as StartExecution takes it (Step Functions API reference)."""
    if name is not None and _NAME.fullmatch(name) is None:
        raise click.BadParameter(
            f"must be 1 to 80 letters, digits, - and _, not these {len(name)} characters"
        )
    return name


@click.command("run", short_help="Run a workflow on this machine.")
@click.argument(
    "workflow",
    metavar="[TEMPLATE]",
    required=False,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--input", "input_", metavar="FILE", help="The input, JSON; - reads standard input. [{}]"
)
@click.option(
    "--machine",
    metavar="ID",
    help="Logical id of the state machine. [the first one that no other starts]",
)
@click.option(
    "--handler",
    "handlers",
    metavar="NAME=MODULE:FUNCTION",
    multiple=True,
    callback=_pairs,
    help="A Python function for a function or placeholder of the definition; also "
    "NAME=folder/file.py:function.",
)
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_pairs,
    help="A parameter of the template.",
)
@click.option(
    "--substitution",
    "substitutions",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_pairs,
    help="The text that replaces ${NAME} in the definition.",
)
@click.option(
    "--env",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_pairs,
    help="An environment variable of every function; wins over the template's.",
)
@click.option("--store", metavar="URL", help="Where packs go. [.statebag/store]")
@click.option("--plain", is_flag=True, help="Seal nothing, as if the workflow had no bags.")
@click.option(
    "--as-deployed",
    is_flag=True,
    help=(
        "Seal as the functions would. By default everything that no control path names is "
        "offloaded, however small, so that a missing control path fails here."
    ),
)
@click.option(
    "--allow-unopened",
    metavar="NAME",
    multiple=True,
    help="A function that may get a stub and not open it; * for all. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option(
    "--output",
    "output_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the whole output to a file: JSON, opened.",
)
@click.option("--bag", "as_bag", is_flag=True, help="With --output: write the bag, not opened.")
@click.option(
    "--all", "show_all", is_flag=True, help="Print a row for each transition, even of a long run."
)
@click.option(
    "--name", metavar="NAME", callback=_execution_name, help="The execution's name. [random]"
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    help=(
        "Stop the execution after this time, whatever it does. If reading the files takes 30 "
        "seconds longer than that, stop the program."
    ),
)
@click.option(
    "--real-time",
    is_flag=True,
    help="Wait for as long as Wait states, retries and limits say. By default the clock jumps.",
)
@click.option(
    "--wait-scale",
    metavar="FACTOR",
    type=click.FloatRange(min=0),
    help="Real seconds for each second of a wait. [0; with --real-time 1]",
)
@click.option(
    "--seed-order",
    metavar="NUMBER",
    type=int,
    help="A seed: chance then decides about jitter and about which branch goes on first.",
)
@click.option(
    "--mocks",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Answer Tasks by a file in the format of Step Functions Local; needs --case.",
)
@click.option(
    "--case",
    metavar="NAME",
    help="The test case of --mocks; MACHINE#NAME if several machines have it.",
)
@click.option(
    "--region", metavar="REGION", default="us-east-1", show_default=True, help="AWS::Region."
)
@click.option(
    "--buckets",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder for each S3 bucket that the workflow reads.",
)
@click.option(
    "--seed",
    "seeds",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The contents of tables, queues and buckets at the start.",
)
@click.option(
    "--endpoint",
    metavar="URL",
    help="A server that plays the services of AWS, instead of this process.",
)
@click.option(
    "--tokens",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=_HOME / "tokens",
    show_default=True,
    help="The folder through which `statebag answer` reaches this run.",
)
@histories_option
def command(
    workflow: Path | None,
    *,
    input_: str | None,
    machine: str | None,
    handlers: dict[str, str],
    parameters: dict[str, str],
    substitutions: dict[str, str],
    variables: dict[str, str],
    store: str | None,
    plain: bool,
    as_deployed: bool,
    allow_unopened: tuple[str, ...],
    as_json: bool,
    output_file: Path | None,
    as_bag: bool,
    show_all: bool,
    name: str | None,
    timeout: float | None,
    real_time: bool,
    wait_scale: float | None,
    seed_order: int | None,
    mocks: Path | None,
    case: str | None,
    region: str,
    buckets: Path | None,
    seeds: Path | None,
    endpoint: str | None,
    tokens: Path,
    histories: Path,
) -> None:
    """Run the workflow of a SAM or CloudFormation TEMPLATE, or of a bare definition.

    Without a TEMPLATE, the one in statebag.toml is run.

    It needs no AWS account, no Docker and no network: this process interprets the definition, calls
    the template's Python functions with the template's environment variables, and plays the
    services of AWS. The template's tables, queues, topics and buckets exist, and are empty. Packs
    go where --store says. Nothing waits: a Wait of an hour moves the run's clock.

    Every seal is strict: if the definition reads a path that is not a control path, the run ends,
    however small the data. With --as-deployed, the functions seal as on AWS. A bare definition has
    no variables of functions: unless STATEBAG_CONTROL is set, the items of a Map whose Comment says
    `statebag: at most N items` are a control path, and a warning says what to set.

    The exit code is 0 if the execution succeeded, and 3 if it did not.

    \b
    Examples:
      statebag run template.yaml --input input.json
      statebag run template.yaml --input input.json --plain
      statebag run machine.asl.json --handler JudgeArn=judge.py:handler
      statebag run template.yaml --mocks mocks.json --case HappyPath
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
    if workflow is None:
        raise click.UsageError(
            "no file is given, and no statebag.toml names a template: give a "
            "template or a definition, or run `statebag init`"
        )
    from statebag.cli.run_process import RunProcess  # noqa: PLC0415 - kept out of --help

    # Before there is any thread: it may fork.
    process = RunProcess(timeout, is_program=click.get_current_context().obj == IS_PROGRAM)
    input_value: Any = {} if input_ is None else read_json(input_)
    if output_file is not None and not output_file.absolute().parent.is_dir():
        raise ConfigurationError(f"the folder of {output_file} does not exist")
    strict = {} if as_deployed else {"STATEBAG_STRICT": "1"}  # for what handlers start, too
    if as_bag and output_file is None:
        raise click.UsageError("--bag needs --output")
    if (mocks is None) is not (case is None):
        raise click.UsageError("--mocks and --case need each other")
    address, switches = _store(store, plain=plain)
    environment = {**switches, **strict, **variables}

    from statebag.cli.opened_output import shown_output  # noqa: PLC0415 - kept out of --help

    with needs("cli"):
        from statebag.cli.progress import progress  # noqa: PLC0415 - rich is slow to import
        from statebag.cli.report import as_dict, print_report  # noqa: PLC0415 - rich is slow to import
    with needs("local"):
        from statebag.local.handler_environment import environment_restored  # noqa: PLC0415 - as above
        from statebag.local.mock_file import load_mocks  # noqa: PLC0415 - as above
        from statebag.local.workflow import load_workflow  # noqa: PLC0415 - as above
        from statebag.local.workflow_run import run  # noqa: PLC0415 - as above

    # What functions print is no part of the result.
    with environment_restored(), contextlib.redirect_stdout(sys.stderr):
        mocked = None
        if mocks is not None and case is not None:
            mocked_machine, _, named = case.rpartition("#")
            mocked = load_mocks(mocks, named, machine=mocked_machine or None)
        loaded = load_workflow(
            workflow,
            machine=machine,
            handlers=handlers,
            parameters=parameters,
            substitutions=substitutions,
            environment=environment,
            region=region,
            complete=mocked is None,
            store=address,
            bounded_items=not as_deployed and not plain,
        )
        with progress(tokens) as observer:
            process.begin()
            execution = run(
                loaded,
                input=input_value,
                mocks=mocked,
                execution_name=name,
                observer=process.told(observer),
                token_dir=tokens,
                buckets=buckets,
                seeds=seeds,
                endpoint=endpoint,
                wait_scale=float(real_time) if wait_scale is None else wait_scale,
                seed=seed_order,
                timeout=timeout,
                histories=histories,
                strict=not as_deployed,
                allow_unopened=allow_unopened,
            )
    process.end()
    for warning in execution.warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    failure = None
    if output_file is not None:
        try:
            _write_output(output_file, execution, None if as_bag or plain else address, environment)
        except StatebagError as error:
            failure = error
    if as_json:
        click.echo(json_of(as_dict(execution), indent=2))
    else:
        written = output_file if failure is None else None
        shown = execution.output if plain else shown_output(execution.output, address, environment)
        print_report(execution, show_all=show_all, plain=plain, written=written, shown=shown)
    if execution.status != "SUCCEEDED" and not as_json:
        from statebag.cli.failed_run import failure_lines  # noqa: PLC0415 - not needed if it succeeds

        for line in failure_lines(execution, histories):
            click.echo(printable(line), err=True)
    status = 0 if execution.status == "SUCCEEDED" else EXECUTION_FAILED
    if failure is not None:
        told = f"{output_file} is not written: {failure}"
        click.echo(f"error: {printable(told)}", err=True)
        status = exit_code(failure)
    if execution.threads_left:
        process.leave(status)
    click.get_current_context().exit(status)


def _store(store: str | None, *, plain: bool) -> tuple[str, Mapping[str, str]]:
    """Return the store for packs, once it has answered, and the variables of every function."""
    if store is None:
        store = (Path.cwd() / _HOME / "store").as_uri()
    if plain:
        return store, {"STATEBAG_REPLICAS": "", "STATEBAG_PLAIN": "1"}

    from statebag.client import Statebag  # noqa: PLC0415 - kept out of --help

    root = Statebag(store).store
    # One request, so that a store that is not there is an error of the command, not of a state.
    next(iter(root.list("statebag-run-probe")), None)
    return root.url, {"STATEBAG_REPLICAS": ""}


def _write_output(
    file: Path, execution: LocalExecution, store: str | None, variables: Mapping[str, str]
) -> None:
    """Write the output, opened with a store if one is named."""
    from statebag.cli.opened_output import opened_output, write_output  # noqa: PLC0415 - not in --help

    if execution.status != "SUCCEEDED":
        click.echo(f"{printable(str(file))} is not written: there is no output", err=True)
        return
    output = execution.output
    write_output(file, output if store is None else opened_output(output, store, variables))
