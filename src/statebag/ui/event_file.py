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
from statebag.history.payload_texts import CARRIERS

if TYPE_CHECKING:
    from pathlib import Path

    from statebag.history.events import Payload

__all__ = ["EventFile"]

_END_BYTES = 1024 * 1024  # chosen: more than the largest event, whose payload is at most 256 KiB
_READ_BYTES = 4 * 1024 * 1024  # chosen: what is read from the file at once


class EventFile:
    """A growing file of events, one JSON object per line.

    Args:
        file: The file.
        start: Where the events begin, in bytes: after a first line that is not an event.

    Attributes:
        events: The events without their payloads, in the order of the file.
        read_bytes: How much of the file was read.
        is_whole: Whether the last call of `grow` came to the end of the file.
    """

    def __init__(self, file: Path, start: int = 0) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.read_bytes = self._start = start
        self.is_whole = False
        self.events: list[dict[str, Any]] = []
        self._places: dict[int, int] = {}  # the index of an event by its number
        self._starts = array("q")
        self._lengths = array("q")
        self._sizes = array("q")

    def grow(self, most: int | None = None) -> bool:
        """Read what was written since the last call; return whether there were events.

        Args:
            most: About how many bytes to read; None reads up to the end.

        Raises:
            InvalidState: A line is not an event.
            OSError: The file cannot be read.
        """
        with self._lock:
            before = len(self.events)
            with self._file.open("rb") as opened:
                opened.seek(self.read_bytes)
                rest, taken = b"", 0
                self.is_whole = False
                # At least one event, however long.
                while most is None or taken < most or len(self.events) == before:
                    piece = opened.read(min(_READ_BYTES, most or _READ_BYTES))
                    if not piece:
                        self.is_whole = True
                        break
                    taken += len(piece)
                    # Split at line feeds alone: text in JSON may hold other separators.
                    lines = (rest + piece).split(b"\n")
                    rest = lines.pop()  # the beginning of an event that is being written
                    for line in lines:
                        self._take(line)
            return len(self.events) > before

    def total_bytes(self) -> int:
        """Return the current size of the file."""
        return self._file.stat().st_size

    def newest(self) -> dict[str, Any] | None:
        """Return the last event of the file without its payload, read from the end; None if empty.

        Raises:
            InvalidState: The line is not an event.
        """
        with self._file.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(max(self._start, size - _END_BYTES))
            lines = opened.read().split(b"\n")
        # What follows the last line feed is an event that is being written.
        return None if len(lines) < 2 else _without_payload(_decoded(lines[-2], 0))[0]

    def payload_bytes(self, number: int) -> int | None:
        """Return the bytes of an event's payload in UTF-8; None if it has none, or it was cut."""
        place = self._places.get(number)
        size = -1 if place is None else self._sizes[place]
        return size if size >= 0 else None

    def payload(self, number: int) -> Payload | None:
        """Return the payload of an event, read from the file; None if it has none.

        Raises:
            InvalidState: The file no longer has the event.
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
        event, size = _without_payload(event)
        self._places[number] = len(self.events)
        self.events.append(event)
        self._starts.append(self.read_bytes)
        self._lengths.append(len(line))
        self._sizes.append(size)
        self.read_bytes += len(line) + 1


def _without_payload(event: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Return an event, from which the payload was taken, and the payload's bytes; -1 for none."""
    size = -1
    for name, details in event.items():
        if name.endswith("EventDetails") and isinstance(details, dict):
            size = max(size, _size_of(details))
            for carrier in CARRIERS:
                details.pop(carrier, None)
    return event, size


def _size_of(details: dict[str, Any]) -> int:
    for carrier in CARRIERS:
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
