"""Keep the events of one execution in a file, and only their metadata in memory.

A history may have 25,000 events and 250 MB of payloads. So each line is read once, its event is
kept without its payload, and the payload's place in the file is noted.
"""

from __future__ import annotations

import threading
from array import array
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import InvalidState
from statebag.format.json_depth import loads
from statebag.history.events import history_of

if TYPE_CHECKING:
    from pathlib import Path

    from statebag.history.events import Payload

__all__ = ["EventFile"]

_CARRIERS = ("input", "output", "parameters")
_READ_BYTES = 4 * 1024 * 1024  # chosen: what is read from the file at once


class EventFile:
    """A growing file of events, one JSON object a line.

    Args:
        file: The file.
        start: Where the events begin, in bytes: after a first line that is not an event.

    Attributes:
        events: The events without their payloads, in the order of the file.
        read_bytes: How much of the file was read.
    """

    def __init__(self, file: Path, start: int = 0) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.read_bytes = start
        self.events: list[dict[str, Any]] = []
        self._places: dict[int, int] = {}  # the index of an event by its number
        self._starts = array("q")
        self._lengths = array("q")
        self._sizes = array("q")

    def grow(self) -> bool:
        """Read what was written since the last call; return whether there were events.

        Raises:
            InvalidState: A line is not an event.
            OSError: The file cannot be read.
        """
        with self._lock:
            before = len(self.events)
            with self._file.open("rb") as opened:
                opened.seek(self.read_bytes)
                rest = b""
                while piece := opened.read(_READ_BYTES):
                    # Split at line feeds alone: text in JSON may hold other separators.
                    lines = (rest + piece).split(b"\n")
                    rest = lines.pop()  # the beginning of an event that is being written
                    for line in lines:
                        self._take(line)
            return len(self.events) > before

    def payload_bytes(self, number: int) -> int | None:
        """Return the bytes of an event's payload in UTF-8; None if it has none, or it was cut."""
        place = self._places.get(number)
        size = -1 if place is None else self._sizes[place]
        return size if size >= 0 else None

    def payload(self, number: int) -> Payload | None:
        """Return the payload of an event, read from the file; None if it has none.

        Raises:
            InvalidState: The file does not have the event any more.
        """
        place = self._places.get(number)
        if place is None:
            return None
        with self._file.open("rb") as opened:
            opened.seek(self._starts[place])
            line = opened.read(self._lengths[place])
        history = history_of("", "", [_decoded(line, number)])
        return history.events[0].payload

    def _take(self, line: bytes) -> None:
        event = _decoded(line, len(self.events) + 1)
        number = event.get("id")
        if not isinstance(number, int):
            raise InvalidState(f"event {len(self.events) + 1} of the history is malformed")
        size = -1
        for name, details in event.items():
            if name.endswith("EventDetails") and isinstance(details, dict):
                size = max(size, _size_of(details))
                for carrier in _CARRIERS:
                    details.pop(carrier, None)
        self._places[number] = len(self.events)
        self.events.append(event)
        self._starts.append(self.read_bytes)
        self._lengths.append(len(line))
        self._sizes.append(size)
        self.read_bytes += len(line) + 1


def _size_of(details: dict[str, Any]) -> int:
    for carrier in ("output", "input", "parameters"):
        text = details.get(carrier)
        if isinstance(text, str):
            return len(text.encode("utf-8", "surrogatepass"))
    return -1


def _decoded(line: bytes, number: int) -> dict[str, Any]:
    try:
        try:
            event = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            event = loads(line)  # takes a lone surrogate, which a workflow may carry
    except ValueError:
        raise InvalidState(f"event {number} in the history's file is damaged") from None
    if not isinstance(event, dict):
        raise InvalidState(f"event {number} of the history is malformed")
    return event
