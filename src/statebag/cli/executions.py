"""Read executions by ARN: from AWS, or from runs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from statebag.asl.arns import ExecutionArn
    from statebag.history.events import History

__all__ = ["DEFAULT_HISTORIES", "Executions", "histories_option", "is_execution"]

DEFAULT_HISTORIES = Path(".statebag/histories")

histories_option = click.option(
    "--histories",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_HISTORIES,
    show_default=True,
    help="Where runs on this machine keep their histories.",
)
"""The option `--histories`."""


def is_execution(source: str) -> bool:
    """Return whether a command's argument names an execution, not a file."""
    return source.startswith("arn:")


class Executions:
    """The histories of executions, each read once.

    Args:
        folder: The folder with the histories of local runs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, History] = {}

    def is_local(self, execution: ExecutionArn) -> bool:
        """Return whether an execution is local: local ones have a special account."""
        from statebag.asl.arns import ACCOUNT  # noqa: PLC0415 - kept out of --help

        return execution.account == ACCOUNT

    def named(self, source: str) -> str | None:
        """Return the ARN that a text names, with its `@EVENT`; None if it names no execution.

        Args:
            source: An ARN; or the name of an execution of this machine, its beginning, or
                `machine/name`, each also with `@EVENT`. Without a name, `@` and `@EVENT` mean the
                newest execution of this machine.

        Raises:
            ConfigurationError: The names of several executions of this machine begin so; or the
                newest one is asked for, and there is none.
        """
        if is_execution(source):
            return source
        from statebag.cli.recorded import arn_of, newest_arn  # noqa: PLC0415 - kept out of --help

        name, at, event = source.partition("@")
        if not name and at and not event.startswith("heads/"):  # "@heads/…" is an object's name
            newest = newest_arn(self._folder)
            return f"{newest}@{event}" if event else newest
        found = arn_of(self._folder, name)
        return None if found is None else f"{found}{at}{event}"

    def must_be_named(self, source: str) -> str:
        """Return the ARN that a text names, as `named`.

        Raises:
            ConfigurationError: It names no execution, or several.
        """
        found = self.named(source)
        if found is None:
            from statebag.errors import ConfigurationError  # noqa: PLC0415 - kept out of --help

            raise ConfigurationError(
                "no execution of this machine has a name that begins with the given text "
                f"({len(source):,} characters)",
                hint="`statebag log` lists them. Name an execution on AWS by its ARN: "
                "arn:aws:states:<region>:<account>:execution:<state machine>:<name>.",
            )
        return found

    def history(self, execution: ExecutionArn, *, data: bool = True) -> History:
        """Return all events of an execution so far.

        Args:
            execution: The execution.
            data: Whether payloads are needed.

        Raises:
            ConfigurationError: The execution does not exist, or AWS cannot be reached.
            StatebagError: As `statebag.stepfunctions.history_pages.read_history`.
        """
        if execution.arn not in self._read:
            if self.is_local(execution):
                from statebag.local.records import read_record  # noqa: PLC0415 - kept out of --help

                history = read_record(self._folder, execution)
            else:
                from statebag.stepfunctions.history_pages import read_history  # noqa: PLC0415 - kept out of --help

                history = read_history(execution, data=data)
            self._read[execution.arn] = history
        return self._read[execution.arn]

    def bag(self, source: str, at: int | None = None) -> Any:
        """Return the payload of an execution at an event.

        Args:
            source: `ARN` or `ARN@EVENT`.
            at: The event; the newest state if `source` has none either.

        Raises:
            ConfigurationError: As `history`; or two events are named.
            InvalidState: There is no such event, or its payload is not available.
        """
        from statebag.asl.arns import parse_execution_arn  # noqa: PLC0415 - kept out of --help
        from statebag.errors import ConfigurationError  # noqa: PLC0415 - kept out of --help

        execution = parse_execution_arn(source)
        if at is not None and execution.event not in {None, at}:
            raise ConfigurationError(
                f"--at names event {at}, but the ARN names event {execution.event}",
                hint="Use either --at or ARN@EVENT.",
            )
        number = execution.event if at is None else at
        return self.history(execution).payload_at(number).value()
