"""Keep the histories of executions on this machine, each in a file that can be read during the run.

A file is named after its execution: `<machine>/<name>.jsonl`, encoded as a scope is. Its first line
holds the execution, its definition, and the branches of its Parallels. Each further line is an
event in the form of GetExecutionHistory, written whole when it happens. The run holds a lock on the
file while it lives, so a reader can tell a running execution from one whose process is gone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.errors import ConfigurationError, InvalidState
from statebag.format.json_depth import loads
from statebag.format.names import encode_scope
from statebag.history.events import history_of
from statebag.history.payload_texts import FileBytes, LaterText, without_texts
from statebag.process.private_files import FILE, make_folder

fcntl: Any = None  # Windows has none, so there a reader cannot tell whether a run goes on
with contextlib.suppress(ImportError):
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from statebag.asl.arns import ExecutionArn
    from statebag.history.events import History

__all__ = [
    "MapRunParent",
    "Record",
    "Records",
    "find_record",
    "is_being_written",
    "read_record",
    "recorded_executions",
]

KEPT_FILES = 1_000  # Chosen: weeks of work on one workflow
KEPT_BYTES = 1_000_000_000  # Chosen: what a laptop does not miss
RECORD_BYTES = 250_000_000
"""Payloads of one execution that are kept, in bytes; events beyond are kept without theirs.

Chosen: 25,000 events have 10 KB each.
"""

Branches = Mapping[str, Sequence[str]]
_VERSION = 1  # of the file's form: `statebag_execution` in its first line
_SUFFIX = ".jsonl"
_DATA = ("input", "output", "parameters")
_log = logging.getLogger(__name__)


class MapRunParent(NamedTuple):
    """The place of a child of a distributed Map.

    Attributes:
        arn: The ARN of the execution that has the Map.
        map_run: The ARN of the Map Run.
    """

    arn: str
    map_run: str


class Record:
    """The file of one execution that is being written.

    Args:
        file: The file's path; an existing file is replaced.
        arn: The execution's ARN.
        branches: The first states of the branches of each Parallel.
        definition: The definition that it runs; None if it is not known.
        parent: The execution that it is a child of; None if it is not the child of a Map Run.
    """

    def __init__(
        self,
        file: Path,
        arn: str,
        branches: Branches,
        definition: Mapping[str, Any] | None = None,
        parent: MapRunParent | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._written = 0
        self.file = file
        make_folder(file.parent)
        part = file.with_name(f".{os.getpid()}-{threading.get_ident()}.part")
        # For the owner only, since it holds payloads.
        self._descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, FILE)
        if fcntl is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        head = {"statebag_execution": _VERSION, "arn": arn, "branches": branches}
        if parent is not None:
            head |= {"parent": parent.arn, "map_run": parent.map_run}
        self._write(head if definition is None else {**head, "definition": definition})
        part.replace(file)

    def add(self, event: dict[str, Any]) -> None:
        """Keep an event; an event that cannot be written does not end the run."""
        with self._lock:
            if self._descriptor < 0:
                return
            try:
                self._write(event if self._written < RECORD_BYTES else _without_data(event))
            except (OSError, TypeError, ValueError) as error:
                _log.warning("the history of an execution ends early: %s", type(error).__name__)
                self._close()

    def close(self) -> None:
        """Close the file: the execution has ended, or its run is over."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, line: dict[str, Any]) -> None:
        rest = memoryview(json.dumps(line, default=_time).encode() + b"\n")
        self._written += len(rest)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


class Records:
    """The folder of a run's executions.

    Args:
        folder: It is made if it is missing. If it has too many files, the oldest are deleted.

    Raises:
        ConfigurationError: The folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._open: dict[str, Record] = {}
        self._lock = threading.Lock()
        try:
            make_folder(self._folder)
            _prune(self._folder)
        except OSError as error:
            raise ConfigurationError(
                f"histories cannot be kept in {folder}: {error.strerror}",
                hint="Name another folder.",
            ) from None

    def begin(
        self,
        arn: str,
        machine: str,
        name: str,
        branches: Branches,
        definition: Mapping[str, Any] | None = None,
        parent: MapRunParent | None = None,
    ) -> Record | None:
        """Begin the record of an execution; return None if it cannot be made."""
        try:
            file = self._folder / _file_of(machine, name)
            record = Record(file, arn, branches, definition, parent)
        except (OSError, InvalidState) as error:
            _log.warning("the history of an execution is not kept: %s", type(error).__name__)
            return None
        with self._lock:
            before, self._open[arn] = self._open.get(arn), record
        if before is not None:
            before.close()
        return record

    def add(self, arn: str, event: dict[str, Any]) -> None:
        """Keep an event of an execution that is open."""
        with self._lock:
            record = self._open.get(arn)
        if record is not None:
            record.add(event)

    def end(self, arn: str) -> None:
        """Close an execution's record."""
        with self._lock:
            record = self._open.pop(arn, None)
        if record is not None:
            record.close()

    def close(self) -> None:
        """Close all records: the run is over."""
        for arn in list(self._open):
            self.end(arn)


def read_record(folder: Path, execution: ExecutionArn) -> History:
    """Return the history of an execution that ran, or runs, on this machine.

    Args:
        folder: Where runs keep their histories.
        execution: Which one.

    Raises:
        ConfigurationError: There is none of it in the folder.
        InvalidState: Its file is damaged.
    """
    try:
        file = folder / _file_of(execution.machine, execution.name)
        opened = file.open("rb")
    except (OSError, InvalidState):
        raise _none_in(folder) from None
    source = _RecordTexts(opened)
    goes_on = is_being_written(file)
    head = _head(folder, execution, opened.readline())
    return history_of(
        execution.arn,
        execution.machine,
        _events(opened, source),
        branches=head.get("branches"),
        goes_on=goes_on,
    )


class _RecordTexts(FileBytes):
    """The texts in the lines of a record."""

    def text(self, start: int, length: int, field: str) -> str:
        with contextlib.suppress(ValueError, AttributeError):
            for name, details in loads(self.read(start, length)).items():
                if name.endswith("EventDetails") and isinstance(details, dict) and field in details:
                    return str(details[field])
        raise InvalidState(
            f"the history's file no longer has the {field} of an event",
            hint="Something wrote into the file while it was read: read it again.",
        )


def find_record(folder: Path, execution: ExecutionArn) -> tuple[Path, dict[str, Any]]:
    """Return the file of an execution, and its first line; the events are not read.

    Args:
        folder: Where runs keep their histories.
        execution: Which one.

    Raises:
        ConfigurationError: There is none of it in the folder.
        InvalidState: A newer release wrote it.
    """
    try:
        file = folder / _file_of(execution.machine, execution.name)
        with file.open("rb") as opened:
            first = opened.readline()
    except (OSError, InvalidState):
        raise _none_in(folder) from None
    return file, _head(folder, execution, first)


def _head(folder: Path, execution: ExecutionArn, line: bytes) -> dict[str, Any]:
    try:
        head = loads(line)
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("arn") != execution.arn:
        raise _none_in(folder)
    if head.get("statebag_execution") != _VERSION:
        raise InvalidState("a newer release of statebag wrote the history", hint="Update statebag.")
    return head


def _none_in(folder: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{folder} has no history of this execution",
        hint="Name the folder of the run with --histories.",
    )


def recorded_executions(folder: Path) -> list[str]:
    """Return the ARNs of the executions in a folder, the most recently written first."""
    found = []
    for file in _files(folder):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            with file.open("rb") as opened:
                arn = loads(opened.readline())["arn"]
            found.append((file.stat().st_mtime_ns, str(arn)))
    return [arn for _, arn in sorted(found, reverse=True)]


def _later(source: _RecordTexts, start: int, length: int, _text: str, field: str) -> LaterText:
    """Return a placeholder for a text in the line that begins at `start`."""
    return LaterText(source, start, length, field)


def _events(opened: BinaryIO, source: _RecordTexts) -> Iterator[Any]:
    """Yield the events from the current position on; long payloads stay in the file."""
    start = opened.tell()
    # A binary file has lines between line feeds only: text in JSON may hold other separators.
    for number, line in enumerate(opened, 1):
        if not line.endswith(b"\n"):
            return  # the beginning of an event that is being written
        try:
            event = loads(line)
        except ValueError:
            raise InvalidState(f"event {number} in the history's file is damaged") from None
        yield without_texts(event, partial(_later, source, start, len(line)))
        start += len(line)


def _file_of(machine: str, name: str) -> str:
    return encode_scope(f"{machine}/{name}") + _SUFFIX


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob(f"*{_SUFFIX}") if file.is_file()]


def _prune(folder: Path) -> None:
    """Delete the oldest histories, so that a folder does not grow without bound."""
    ages = []
    for file in _files(folder):
        with contextlib.suppress(OSError):
            about = file.stat()
            ages.append((about.st_mtime_ns, about.st_size, file))
    size = 0
    for number, (_, length, file) in enumerate(sorted(ages, reverse=True), 1):
        size += length
        if (number > KEPT_FILES or size > KEPT_BYTES) and not is_being_written(file):
            with contextlib.suppress(OSError):
                file.unlink()


def is_being_written(file: Path) -> bool | None:
    """Return whether a running process writes to a file; None if this system cannot tell."""
    if fcntl is None:
        return None
    with file.open("rb") as opened:
        try:
            fcntl.flock(opened.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _time(moment: Any) -> str:
    """Return the time of an event as text: `2026-01-02T03:04:05.678Z`."""
    if not isinstance(moment, datetime):
        raise TypeError(type(moment).__name__)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event without its payload, marked as such."""
    left = dict(event)
    for name, details in event.items():
        if isinstance(details, dict):
            kept = {key: value for key, value in details.items() if key not in _DATA}
            marks = {f"{key}Details": {"truncated": True} for key in _DATA if key in details}
            left[name] = {**kept, **marks}
    return left
