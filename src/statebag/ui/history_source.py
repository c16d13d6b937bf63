"""Get the events of an execution from a run on this machine, or from AWS Step Functions."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from statebag.history.replay import first_states
from statebag.local.records import find_record, is_being_written
from statebag.process.private_files import FILE
from statebag.ui.event_file import EventFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.asl.arns import ExecutionArn

__all__ = ["AwsSource", "HistorySource", "LocalSource"]

_ENDS = {"ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"}
# Seconds between two requests. Chosen: a page that follows asks each second; an execution that
# ended goes on only if it is redriven.
_PAUSE = 1.0  # chosen: as above
_PAUSE_AFTER_END = 30.0  # chosen: as above


class HistorySource(Protocol):
    """A source of the events of one execution.

    Attributes:
        log: Its events so far.
        is_local: Whether it ran on this machine.
        branches: The first states of the branches of each Parallel.
        definition: What it runs; None if that is not known.
    """

    log: EventFile
    is_local: bool
    branches: dict[str, list[str]]
    definition: dict[str, Any] | None

    def refresh(self) -> bool:
        """Read the newest events; return whether there are any."""
        ...

    def goes_on(self) -> bool | None:
        """Return whether the process that runs it is alive; None if that is not known."""
        ...


class LocalSource:
    """The events of an execution on this machine.

    Args:
        folder: Where runs keep their histories.
        execution: Which one.

    Raises:
        ConfigurationError: The folder has no history of it.
        InvalidState: A newer release wrote it.
    """

    is_local = True

    def __init__(self, folder: Path, execution: ExecutionArn) -> None:
        self.file, head = find_record(folder, execution)
        self.inode = self.file.stat().st_ino  # another one: a later run of this name
        with self.file.open("rb") as opened:
            self.log = EventFile(self.file, len(opened.readline()))
        definition, branches = head.get("definition"), head.get("branches")
        self.definition = definition if isinstance(definition, dict) else None
        self.branches = branches if isinstance(branches, dict) else {}

    def refresh(self) -> bool:
        """Read what the run has written since."""
        return self.log.grow()

    def goes_on(self) -> bool | None:
        """Return whether the run holds its file."""
        return is_being_written(self.file)


class AwsSource:
    """The events of an execution of AWS Step Functions, in a private file until the program ends.

    Args:
        execution: Which one.
        client: boto3's client of `stepfunctions`; made from the environment if None.

    Raises:
        ConfigurationError: boto3 is not installed.
    """

    is_local = False

    def __init__(self, execution: ExecutionArn, client: Any = None) -> None:
        from statebag.stepfunctions.workflows import Asked  # noqa: PLC0415 - boto3 is slow

        self._execution = execution
        self._asked = Asked(client, execution.region)
        folder = tempfile.mkdtemp(prefix="statebag-ui-")  # for this user alone
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._spool = Path(folder, "events.jsonl")
        self._spool.touch(FILE)
        self._lock = threading.Lock()
        self._newest = 0
        self._asked_at: float | None = None
        self.log = EventFile(self._spool)
        self.definition: dict[str, Any] | None = None
        self.branches: dict[str, list[str]] = {}

    def refresh(self) -> bool:
        """Request the events after the newest known one.

        Raises:
            StatebagError: As `statebag.stepfunctions.history_pages.read_history`.
        """
        from statebag.stepfunctions.history_pages import definition_of  # noqa: PLC0415 - as above

        with self._lock:
            if self._asked_at is None:
                self.definition = definition_of(self._asked, self._execution.arn)
                self.branches = {} if self.definition is None else first_states(self.definition)
            elif time.monotonic() - self._asked_at < self._pause():
                return False
            with self._spool.open("ab") as spool:
                for event in self._new_events():
                    spool.write(json.dumps(event, default=str).encode() + b"\n")
                    self._newest = event["id"]
            self._asked_at = time.monotonic()
            return self.log.grow()

    def _pause(self) -> float:
        has_ended = bool(self.log.events) and self.log.events[-1].get("type") in _ENDS
        return _PAUSE_AFTER_END if has_ended else _PAUSE

    def _new_events(self) -> Iterator[Any]:
        from statebag.stepfunctions.history_pages import event_pages  # noqa: PLC0415 - as above

        if not self._newest:
            for page in event_pages(self._execution, self._asked):
                yield from page
            return
        found: list[Any] = []
        for page in event_pages(self._execution, self._asked, newest_first=True):
            found.extend(event for event in page if event["id"] > self._newest)
            if not page or page[-1]["id"] <= self._newest:
                break
        yield from sorted(found, key=lambda event: int(event["id"]))

    def goes_on(self) -> bool | None:
        """Return None: the service runs it."""
        return None
