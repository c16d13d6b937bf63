"""Say where to look after a failed run: at the first child that failed, with which commands."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from statebag.asl.arns import parse_execution_arn
from statebag.cli.executions import DEFAULT_HISTORIES, Executions
from statebag.cli.recorded import failed_child, recorded
from statebag.errors import StatebagError
from statebag.history.replay import transitions
from statebag.history.standing import standing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from statebag.cli.recorded import Recorded
    from statebag.history.standing import Standing
    from statebag.local.execution import LocalExecution

__all__ = ["failure_lines"]

_MOST_LEVELS = 10  # of Maps in Maps. Chosen: more than anybody nests
_SHOWN_CAUSE = 2_000  # characters. Chosen: as the report of a run


def failure_lines(execution: LocalExecution, histories: Path) -> Iterator[str]:
    """Yield lines for the standard error after a run that failed.

    Args:
        execution: The run.
        histories: The folder where it kept its history.
    """
    child = None
    # A history that cannot be read does not hide how the run ended.
    with suppress(StatebagError, OSError):
        child = _first_failed_child(execution.arn, histories)
    if child is not None:
        arn, stands = child
        where = "" if stands.state is None else f" in state {stands.state.path}"
        yield f"the first failed child: {stands.error or 'an error without a name'}{where}"
        if stands.cause:
            yield f"its cause: {_shortened(stands.cause)}"
        yield f"look into it: {_command(arn, histories)}"
    whole = "it" if child is None else "the whole run"
    yield f"look into {whole}: {_command(execution.arn, histories)}"


def _command(arn: str, histories: Path) -> str:
    given = [] if histories == DEFAULT_HISTORIES else ["--histories", str(histories)]
    return shlex.join(["statebag", "log", arn, *given])


def _shortened(cause: str) -> str:
    from statebag.cli.report import readable  # noqa: PLC0415 - rich is slow to import

    text = readable(cause)
    return text if len(text) <= _SHOWN_CAUSE else f"{text[:_SHOWN_CAUSE]}..."


def _first_failed_child(arn: str, histories: Path) -> tuple[str, Standing] | None:
    """Return the child of a distributed Map to look at, and how it ended: the innermost one.

    Returns:
        None if the run did not fail in the children of a distributed Map.
    """
    source = Executions(histories)
    found: list[Recorded] = []
    child: tuple[str, Standing] | None = None
    for _ in range(_MOST_LEVELS):
        history = source.history(parse_execution_arn(arn))
        stands = standing(history, transitions(history), is_local=True)
        if found:
            child = arn, stands
        if stands.map_run is None:
            break
        found = found or recorded(histories)
        below = failed_child(found, stands.map_run)
        if below is None:
            break
        arn = below
    return child
