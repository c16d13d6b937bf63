"""List the executions of this machine, and find one by its name."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statebag.asl.arns import parse_execution_arn
from statebag.errors import ConfigurationError, StatebagError
from statebag.format.json_depth import loads
from statebag.history.events import END_STATUSES
from statebag.local.records import find_record, recorded_executions

fcntl: Any = None  # Windows has none, and nobody knows there whether a run goes on
with contextlib.suppress(ImportError):
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Recorded", "arn_of", "failed_child", "families", "newest_arn", "recorded"]

_TAIL = 1 << 20  # bytes. Chosen: the last event has one payload, of at most 262,144 bytes
_SHOWN = 5  # names in a message. Chosen: it stays one line


@dataclass(frozen=True, slots=True)
class Recorded:
    """An execution of this machine.

    Attributes:
        arn: Its ARN.
        machine: Its state machine.
        name: Its name.
        status: As `statebag log` shows it; `RUNNING` or `LOST` if it has not ended.
        time: When its history was last written.
        bytes: The size of its history's file.
        parent: The execution that it is a child of, in a distributed Map; None for others.
        map_run: The Map Run that it is a child of; None for others.
    """

    arn: str
    machine: str
    name: str
    status: str
    time: datetime
    bytes: int
    parent: str | None = None
    map_run: str | None = None


def recorded(folder: Path) -> list[Recorded]:
    """Return the executions of this machine, the newest write first.

    Only the first line and the end of each file are read.

    Args:
        folder: Where runs keep their histories.
    """
    found = []
    for arn in recorded_executions(folder):
        with contextlib.suppress(OSError, StatebagError):
            execution = parse_execution_arn(arn)
            file, head = find_record(folder, execution)
            about = file.stat()
            time = datetime.fromtimestamp(about.st_mtime, UTC)
            status = _status(file)
            one = Recorded(arn, execution.machine, execution.name, status, time, about.st_size)
            parent, map_run = head.get("parent"), head.get("map_run")
            if isinstance(parent, str) and isinstance(map_run, str):
                one = replace(one, parent=parent, map_run=map_run)
            found.append(one)
    return found


def families(found: list[Recorded]) -> list[tuple[Recorded, list[Recorded]]]:
    """Return each execution with the children of its Map Runs, in the order of the executions.

    Children of children are included. A child whose parent is not among them has an entry of its
    own.
    """
    known = {one.arn: one for one in found}
    families: dict[str, list[Recorded]] = {}
    for one in found:
        first, above = one, known.get(one.parent or "")
        seen = {one.arn}
        while above is not None and above.arn not in seen:  # a forged file may name itself
            seen.add(above.arn)
            first, above = above, known.get(above.parent or "")
        members = families.setdefault(first.arn, [])
        if first is not one:
            members.append(one)
    return [(one, families[one.arn]) for one in found if one.arn in families]


def failed_child(found: list[Recorded], map_run: str) -> str | None:
    """Return the ARN of the child of a Map Run that failed first; None if none did."""
    failed = [
        one for one in found if one.map_run == map_run and one.status in {"FAILED", "TIMED_OUT"}
    ]
    return failed[-1].arn if failed else None


def newest_arn(folder: Path) -> str:
    """Return the ARN of the execution of this machine that was written to last.

    Args:
        folder: Where runs keep their histories.

    Raises:
        ConfigurationError: There is none.
    """
    found = [one for one, _ in families(recorded(folder))]
    if not found:
        raise ConfigurationError(
            f"{folder} has no history of a run",
            hint="Name the folder of the run with --histories.",
        )
    return found[0].arn


def arn_of(folder: Path, text: str) -> str | None:
    """Return the ARN of the one execution that has this name, or whose name begins with it.

    Args:
        folder: Where runs keep their histories.
        text: A name, `machine/name`, or the beginning of either.

    Returns:
        None if there is no such execution. If several have the whole name, the newest.

    Raises:
        ConfigurationError: Several names begin so.
    """
    names: dict[str, tuple[str, str]] = {}
    for arn in recorded_executions(folder):
        execution = parse_execution_arn(arn)
        names[arn] = (execution.name, f"{execution.machine}/{execution.name}")
    whole = [arn for arn, both in names.items() if text in both]
    begun = [arn for arn, both in names.items() if text and any(n.startswith(text) for n in both)]
    if whole or len(begun) == 1:
        return (whole or begun)[0]
    if not begun:
        return None
    some = ", ".join(names[arn][1] for arn in begun[:_SHOWN])
    raise ConfigurationError(
        f"{len(begun)} executions of this machine begin with these {len(text)} characters",
        hint=f"Write more of the name. Among them are {some}.",
    )


def _status(file: Path) -> str:
    with file.open("rb") as opened:
        opened.seek(max(0, os.fstat(opened.fileno()).st_size - _TAIL))
        lines = opened.read().rstrip(b"\n").split(b"\n")
        with contextlib.suppress(ValueError, KeyError, TypeError):
            kind = str(loads(lines[-1])["type"])
            if kind in END_STATUSES:
                return END_STATUSES[kind]
        if fcntl is None:
            return "RUNNING"
        try:
            fcntl.flock(opened.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return "RUNNING"
        return "LOST"
