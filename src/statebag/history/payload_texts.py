"""Leave the texts of payloads in a file until they are needed.

A history may have 25,000 payloads of 262,144 bytes, and most commands look at a few of them.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from statebag.errors import ConfigurationError
from statebag.process.forking import fork_safe_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

__all__ = ["CARRIERS", "FileBytes", "LaterText", "TextSource", "TextSpool", "without_texts"]

CARRIERS = ("output", "input", "parameters")
"""The fields of an event that carry a payload; the first one that an event has counts."""

_HAS_PLACES = hasattr(os, "pread")  # not on Windows, which has no fork either
# Characters of a text that stays in memory. Chosen: what stands for a text in a file takes half of
# it, and 25,000 events have 25 MB.
_SHORT = 1_000


class TextSource(Protocol):
    """A place with texts."""

    def text(self, start: int, length: int, field: str) -> str:
        """Return a text.

        Args:
            start: Where it begins, in bytes.
            length: Its bytes.
            field: The field of the event that has it.
        """


class LaterText(NamedTuple):
    """A text that is in a file.

    Attributes:
        source: The place of the file.
        start: Where the text, or the event that has it, begins, in bytes.
        length: The bytes from there on.
        field: The field of the event that has it.
    """

    source: TextSource
    start: int
    length: int
    field: str

    def read(self) -> str:
        """Return the text."""
        return self.source.text(self.start, self.length, self.field)


class FileBytes:
    """A file that stays open as long as this object lives, even if it is replaced or deleted.

    Args:
        opened: The file; it is closed here.
    """

    def __init__(self, opened: BinaryIO) -> None:
        self._opened = opened
        self._lock = fork_safe_lock()
        weakref.finalize(self, opened.close)

    def read(self, start: int, length: int) -> bytes:
        """Return the bytes at a place; fewer if the file ends there."""
        if _HAS_PLACES:
            # A forked child shares the place at which a file is read, which this does not move.
            return os.pread(self._opened.fileno(), length, start)
        with self._lock:
            self._opened.seek(start)
            return self._opened.read(length)


class _SpooledTexts(FileBytes):
    """A file without a name, to which one process writes texts."""

    def __init__(self) -> None:
        # Without a buffer: a forked child would write what is in it once more.
        super().__init__(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115 - closed by FileBytes
        self._end = 0

    def text(self, start: int, length: int, field: str) -> str:  # noqa: ARG002 - a TextSource
        """Return a text."""
        return self.read(start, length).decode("utf-8", "surrogatepass")

    def append(self, data: bytes) -> int:
        """Write bytes at the end; return where they begin."""
        with self._lock:
            start, rest = self._end, memoryview(data)
            self._opened.seek(start)
            while rest:
                rest = rest[self._opened.write(rest) :]
            self._end = start + len(data)
            return start


class TextSpool:
    """A file without a name for the texts of events that come from elsewhere."""

    def __init__(self) -> None:
        self._file: _SpooledTexts | None = None
        self._process = os.getpid()

    def keep(self, text: str, field: str) -> LaterText:
        """Write a text; return what stands for it.

        Raises:
            ConfigurationError: The temporary folder is missing, full or not writable.
        """
        data = text.encode("utf-8", "surrogatepass")
        if self._process != os.getpid():  # a forked child: the parent goes on with its file
            self._file, self._process = None, os.getpid()
        try:
            if self._file is None:
                self._file = _SpooledTexts()
            return LaterText(self._file, self._file.append(data), len(data), field)
        except OSError as error:
            raise ConfigurationError(
                f"the temporary folder cannot take {len(data):,} bytes of a history: "
                f"{error.strerror}",
                hint="Make room there, or name another folder in TMPDIR.",
            ) from error

    def without_texts(self, event: Any) -> Any:
        """Return an event of GetExecutionHistory whose long texts are kept here."""
        return without_texts(event, self.keep)


def without_texts(event: Any, later: Callable[[str, str], LaterText]) -> Any:
    """Return an event whose long payloads are elsewhere.

    Args:
        event: An event of GetExecutionHistory.
        later: Called with a text and its field; returns what stands for it.
    """
    if not isinstance(event, dict):
        return event  # `history_of` refuses it
    left = dict(event)
    for name, details in event.items():
        if not (name.endswith("EventDetails") and isinstance(details, dict)):
            continue
        long = {
            field: later(text, field)
            for field in CARRIERS
            if isinstance(text := details.get(field), str) and len(text) > _SHORT
        }
        if long:
            left[name] = {**details, **long}
    return left
