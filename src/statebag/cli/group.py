"""The group of all commands: import them when needed, turn errors into exit codes."""

from __future__ import annotations

import difflib
import importlib
import traceback
from pathlib import Path
from typing import Any

import click

from statebag import __version__
from statebag.cli import COMMANDS
from statebag.cli.exit_codes import INTERRUPTED, PROGRAM_FAULT, exit_code
from statebag.cli.terminal import harmless_streams
from statebag.cli.terminal_text import printable
from statebag.errors import StatebagError
from statebag.local.settings_file import defaults_of, settings_file

__all__ = ["cli"]

_DEBUG = "statebag.debug"


def _debug(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    context.meta[_DEBUG] = wanted or context.meta.get(_DEBUG, False)


class _Commands(click.Group):
    """Find commands in `COMMANDS`, and add `--debug` to each."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(_debug_option())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            name, command, rest = super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if near:
                vars(error)["message"] += f" Did you mean {near[0]}?"
            raise
        if name is not None and command is not None and not {"-h", "--help"} & set(rest):
            found = settings_file(Path.cwd())
            if found is not None:
                parameters = {one.name for one in command.params if one.name}
                as_deployed = "--as-deployed" in rest
                given = defaults_of(*found, parameters, as_deployed=as_deployed)
                ctx.default_map = {name: given}
        return name, command, rest

    def main(self, *args: Any, **extra: Any) -> Any:
        with harmless_streams():
            return super().main(*args, **extra)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)
        except click.ClickException as error:
            _tell(error)
            raise click.exceptions.Exit(error.exit_code) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            _tell(error)
            ctx.exit(error.exit_code)
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except StatebagError as error:
            _report(ctx, str(error))
            ctx.exit(exit_code(error))
        except OSError as error:
            _report(ctx, str(error))
            ctx.exit(PROGRAM_FAULT)
        except Exception as error:  # noqa: BLE001 - the last one before the user
            # Its text is not shown: it might hold a value of a state.
            hint = "" if ctx.meta.get(_DEBUG) else ". More with --debug"
            _report(ctx, f"this is a bug in statebag: {type(error).__name__}{hint}")
            ctx.exit(PROGRAM_FAULT)


def _tell(error: click.ClickException) -> None:
    """Say what is wrong with the arguments, on one line, since it may quote them.

    All errors begin with the same word; click's own begin with another one.
    """
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()  # the help itself
        return
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
        click.echo(f"Try '{error.ctx.command_path} --help' for help.\n", err=True)
    click.echo(f"error: {printable(error.format_message())}", err=True)


def _report(context: click.Context, message: str) -> None:
    if context.meta.get(_DEBUG):
        click.echo(traceback.format_exc(), err=True)
    # One line, whatever names are in it.
    click.echo(f"error: {printable(message)}", err=True)


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_debug,
        help="Show the traceback of an error.",
    )


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[_debug_option()],
    epilog=(
        "The exit code is 0 if a command did what it was asked to; each kind of error has its "
        "own code (statebag.cli.exit_codes)."
    ),
)
@click.version_option(__version__, prog_name="statebag", message="%(prog)s %(version)s")
def cli() -> None:
    """Workflow state of any size, under the orchestrator's payload limit.

    \b
    Run a workflow on this machine:
      statebag run template.yaml --input input.json
    """  # noqa: D301 - click leaves a paragraph that begins with this character as it is
