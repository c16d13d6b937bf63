"""Keep the history of one execution, event by event, in the form of GetExecutionHistory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.asl.quotas import HISTORY_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["EventLog", "HistoryFullError"]

NOT_TRUNCATED = {"truncated": False}


class HistoryFullError(Exception):
    """The history has all events that it may have, except the one that ends it."""


class EventLog:
    """The events of one execution.

    Args:
        now: Returns the time of an event.
        limited: Whether the quota of 25,000 events applies: it does for Standard executions.
        kept: Whether the events are kept; otherwise they are only counted.
        listener: Called with each event as it is written.

    Attributes:
        events: The events that are kept.
        count: How many were written.
        time: When the last one was written.
        ended: Whether the last one was the event that ends the execution.
    """

    __slots__ = ("_kept", "_listener", "_most", "_now", "count", "ended", "events", "time")

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        limited: bool = True,
        kept: bool = True,
        listener: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._now = now
        self._most = HISTORY_EVENTS - 1 if limited else None
        self._kept = kept
        self._listener = listener
        self.events: list[dict[str, Any]] = []
        self.count = 0
        self.time = now()
        self.ended = False

    def add(self, kind: str, previous: int, name: str | None = None, details: Any = None) -> int:
        """Write an event.

        Args:
            kind: Its type, such as `PassStateEntered`.
            previous: The id of the event that it follows.
            name: The name of its details, such as `stateEnteredEventDetails`.
            details: The details.

        Returns:
            Its id.

        Raises:
            HistoryFullError: The event would be the last one that the quota allows.
        """
        count = self.count
        if count == self._most:
            raise HistoryFullError
        assert not self.ended, kind
        self.count = count = count + 1
        self.time = time = self._now()
        if self._kept or self._listener is not None:
            event = {"timestamp": time, "type": kind, "id": count, "previousEventId": previous}
            if name is not None:
                event[name] = details
            if self._kept:
                self.events.append(event)
            if self._listener is not None:
                self._listener(event)
        return count

    def end(self, kind: str, previous: int, name: str | None = None, details: Any = None) -> None:
        """Write the event that ends the execution; only the first call writes one."""
        if not self.ended:
            self._most = None
            self.add(kind, previous, name, details)
            self.ended = True
