"""List the executions that the page shows: those of this machine, and named ones of AWS."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statebag.asl.arns import ACCOUNT, parse_execution_arn
from statebag.errors import InvalidState, StatebagError
from statebag.format.json_depth import loads
from statebag.history.events import END_STATUSES, history_of
from statebag.local.records import find_record, is_being_written, recorded_executions
from statebag.ui.event_file import EventFile
from statebag.ui.history_source import AwsSource, LocalSource
from statebag.ui.prices import estimate, is_below, pack_names
from statebag.ui.seen_execution import SeenExecution

if TYPE_CHECKING:
    from pathlib import Path

    from statebag.asl.arns import ExecutionArn
    from statebag.history.events import Event

__all__ = ["ExecutionCatalog"]

_KEPT = 8  # executions whose events stay in memory. Chosen: one of 25,000 events takes some 80 MB
_NAMED = 100  # executions of AWS that stay in the list. Chosen: a person named each
# Bytes of histories that one request for the list reads to the end. Chosen: under half a second
_SCANNED_BYTES = 32 * 1024 * 1024
_END_BYTES = 1024 * 1024  # chosen: more than the largest event, whose payload is at most 256 KiB


@dataclass(frozen=True, slots=True)
class _Scan:
    """Facts that only a whole history shows."""

    largest: int
    dollars: float


class ExecutionCatalog:
    """Finds executions, and keeps the most recently viewed ones.

    Args:
        histories: Where runs on this machine keep their histories.
        aws_client: boto3's client of `stepfunctions`; made from the environment if None.
    """

    def __init__(self, histories: Path, aws_client: Any = None) -> None:
        self._histories = histories
        self._aws_client = aws_client
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, SeenExecution] = OrderedDict()
        self._named: OrderedDict[str, None] = OrderedDict()
        self._scans: dict[str, tuple[tuple[int, int], _Scan]] = {}

    def get(self, arn: str) -> SeenExecution:
        """Return an execution.

        Args:
            arn: Its ARN, without an event.

        Raises:
            ConfigurationError: The text is not the ARN of an execution, or no such execution
                exists.
            StatebagError: Its history cannot be read.
        """
        execution = parse_execution_arn(arn)
        with self._lock:
            found = self._kept.get(execution.arn)
            if found is not None and not self._is_replaced(found):
                self._kept.move_to_end(execution.arn)
                return found
        source = (
            LocalSource(self._histories, execution)
            if execution.account == ACCOUNT
            else AwsSource(execution, self._aws_client)
        )
        made = SeenExecution(execution, source)
        made.known()  # so that a missing one is not kept
        with self._lock:
            self._kept[execution.arn] = made
            if not source.is_local:
                self._named[execution.arn] = None
                self._named.move_to_end(execution.arn)
                while len(self._named) > _NAMED:
                    self._named.popitem(last=False)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def _is_replaced(self, found: SeenExecution) -> bool:
        """Return whether another run overwrote the file: its history restarted, or is shorter."""
        source = found.source
        if not isinstance(source, LocalSource):
            return False
        try:
            about = source.file.stat()
        except OSError:
            return True
        return about.st_ino != source.inode or about.st_size < source.log.read_bytes

    def rows(self, *, scan: bool = True) -> list[dict[str, Any]]:
        """Return a row for each execution, the newest first; sizes in bytes, times in UTC.

        Values that need the whole history (`largest`, `dollars`) are None until a later call has
        read it: one call reads only some histories.

        Args:
            scan: Whether to read whole histories; without it, the list is available at once.
        """
        ahead = _SCANNED_BYTES if scan else 0
        rows: list[dict[str, Any]] = []
        for arn in self._named:
            with suppress(StatebagError):
                rows.append(_row_of_seen(self.get(arn)))
        for arn in recorded_executions(self._histories):
            with suppress(StatebagError, OSError):
                execution = parse_execution_arn(arn)
                file, _ = find_record(self._histories, execution)
                row = _row_of_file(execution, file)
                known, read = self._scan(execution, file, ahead)
                ahead -= read
                if known is not None:
                    row |= {"largest": known.largest, "dollars": known.dollars}
                rows.append(row)
        return sorted(rows, key=lambda row: row["started"] or "", reverse=True)

    def _scan(self, execution: ExecutionArn, file: Path, ahead: int) -> tuple[_Scan | None, int]:
        about = file.stat()
        version = (about.st_mtime_ns, about.st_size)
        known = self._scans.get(execution.arn)
        if known is not None and known[0] == version:
            return known[1], 0
        if ahead <= 0:
            return (None if known is None else known[1]), 0
        scan = _scanned(execution, file)
        self._scans[execution.arn] = (version, scan)
        return scan, about.st_size


def _row_of_seen(seen: SeenExecution) -> dict[str, Any]:
    snapshot = seen.look()
    events = snapshot.history.events
    puts = 0
    end = () if snapshot.newest is None else (snapshot.newest,)
    return {
        **_row(seen.arn, snapshot.stands.status, events[0] if events else None, end),
        "largest": seen.largest(),
        "dollars": estimate(len(snapshot.made), puts, 0).dollars,
        "is_local": False,
    }


def _row_of_file(execution: ExecutionArn, file: Path) -> dict[str, Any]:
    first, last = _ends_of(file)
    kind = "" if last is None else last.type
    status = END_STATUSES.get(kind)
    if status is None:
        status = "LOST" if is_being_written(file) is False else "RUNNING"
    return {
        **_row(execution, status, first, () if last is None else (last,)),
        "largest": None,
        "dollars": None,
        "is_local": True,
    }


def _row(execution: ExecutionArn, status: str, first: Event | None, last: Any) -> dict[str, Any]:
    return {
        "arn": execution.arn,
        "machine": execution.machine,
        "name": execution.name,
        "status": status,
        "started": None if first is None else first.time.isoformat(),
        "seconds": (last[0].time - first.time).total_seconds() if first and last else None,
        "events": last[0].id if last else 0,
    }


def _ends_of(file: Path) -> tuple[Event | None, Event | None]:
    """Return the first and the last whole event of a history's file."""
    with file.open("rb") as opened:
        opened.readline()
        first = _event(opened.readline())
        begin = opened.tell()
        size = opened.seek(0, 2)
        opened.seek(max(begin, size - _END_BYTES))
        end = opened.read()
    lines = end.split(b"\n")
    last = _event(lines[-2]) if len(lines) > 1 else None
    return first, last or first


def _event(line: bytes) -> Event | None:
    try:
        return history_of("", "", [loads(line)]).events[0]
    except (ValueError, InvalidState):
        return None


def _scanned(execution: ExecutionArn, file: Path) -> _Scan:
    """Read a whole history, line by line."""
    packs: set[str] = set()
    transitions = 0
    with file.open("rb") as opened:
        log = EventFile(file, len(opened.readline()))
        for line in opened:
            packs |= pack_names(line)
    log.grow()
    largest = 0
    for event in log.events:
        kind = str(event.get("type"))
        transitions += kind.endswith("StateEntered")
        if kind.endswith(("StateEntered", "StateExited")):
            largest = max(largest, log.payload_bytes(event["id"]) or 0)
    puts = len(is_below(packs, execution.machine, execution.name))
    return _Scan(largest, estimate(transitions, puts, 0).dollars)
