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

from statebag.history.events import END_STATUSES
from statebag.history.replay import first_states
from statebag.local.records import find_record, is_being_written
from statebag.process.private_files import FILE
from statebag.ui.event_file import EventFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.asl.arns import ExecutionArn

__all__ = ["AwsSource", "HistorySource", "LocalSource"]

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
        definition: The definition that it runs; None if that is not known.
    """

    log: EventFile
    is_local: bool
    branches: dict[str, list[str]]
    definition: dict[str, Any] | None

    def refresh(self, most: int | None = None) -> bool:
        """Read further events, up to about `most` bytes; return whether there are any."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether the last refresh came to the newest event."""
        ...

    def newest(self) -> dict[str, Any] | None:
        """Return the newest event without its payload, even if those before it were not read."""
        ...

    def share(self) -> float:
        """Return how much of the history was read, from 0 to 1."""
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

    def refresh(self, most: int | None = None) -> bool:
        """Read what the run has written since."""
        return self.log.grow(most)

    @property
    def is_whole(self) -> bool:
        """Whether the end of the file was reached."""
        return self.log.is_whole

    def newest(self) -> dict[str, Any] | None:
        """Return the last event of the file."""
        return self.log.newest()

    def share(self) -> float:
        """Return the share of the file that was read."""
        return min(1.0, self.log.read_bytes / max(1, self.log.total_bytes()))

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
        self._pages: Iterator[list[Any]] | None = None  # of the first pass, until it is over
        self._last: dict[str, Any] | None = None
        self._asked_at: float | None = None
        self.log = EventFile(self._spool)
        self.definition: dict[str, Any] | None = None
        self.branches: dict[str, list[str]] = {}

    def refresh(self, most: int | None = None) -> bool:
        """Request pages of events after the newest known one, until there are `most` bytes.

        Raises:
            StatebagError: As `statebag.stepfunctions.history_pages.read_history`.
        """
        from statebag.stepfunctions.history_pages import (  # noqa: PLC0415 - as above
            definition_of,
            event_pages,
        )

        with self._lock:
            if self._asked_at is None:
                self.definition = definition_of(self._asked, self._execution.arn)
                self.branches = {} if self.definition is None else first_states(self.definition)
                self._pages = event_pages(self._execution, self._asked)
            elif self._pages is None and time.monotonic() - self._asked_at < self._pause():
                return False
            with self._spool.open("ab") as spool:
                start = spool.tell()
                try:
                    for page in self._new_pages():
                        for event in page:
                            if event["id"] > self._newest:
                                spool.write(json.dumps(event, default=str).encode() + b"\n")
                                self._newest = event["id"]
                        if most is not None and spool.tell() - start >= most:
                            break
                    else:
                        self._pages = None
                except Exception:
                    # Pages that failed give no more: the next call begins again, at known events.
                    if self._pages is not None:
                        self._pages = event_pages(self._execution, self._asked)
                    raise
            self._asked_at = time.monotonic()
            return self.log.grow()

    def _pause(self) -> float:
        has_ended = bool(self.log.events) and self.log.events[-1].get("type") in END_STATUSES
        return _PAUSE_AFTER_END if has_ended else _PAUSE

    @property
    def is_whole(self) -> bool:
        """Whether the last page was requested."""
        return self._asked_at is not None and self._pages is None

    def newest(self) -> dict[str, Any] | None:
        """Return the newest event, from one request."""
        from statebag.stepfunctions.history_pages import event_pages  # noqa: PLC0415 - as above

        with self._lock:
            if self._last is None:
                pages = event_pages(self._execution, self._asked, data=False, newest_first=True)
                self._last = next((page[0] for page in pages if page), None)
            return self._last

    def share(self) -> float:
        """Return the share of the events that were requested."""
        last = self._last
        return 1.0 if not last else min(1.0, self._newest / max(1, int(last["id"])))

    def _new_pages(self) -> Iterator[list[Any]]:
        """Return pages of events, which may include older ones."""
        from statebag.stepfunctions.history_pages import event_pages  # noqa: PLC0415 - as above

        if self._pages is not None:
            return self._pages
        found: list[Any] = []
        for page in event_pages(self._execution, self._asked, newest_first=True):
            found.extend(page)
            if not page or page[-1]["id"] <= self._newest:
                break
        return iter([sorted(found, key=lambda event: int(event["id"]))])

    def goes_on(self) -> bool | None:
        """Return None: the service runs it."""
        return None
