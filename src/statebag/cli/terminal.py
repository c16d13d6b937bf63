"""All output of the program passes through this module, to a terminal or a pipe.

While a command runs, `sys.stdout` and `sys.stderr` are streams that remove what steers a terminal,
for every writer: click, `print`, a traceback, a warning, a log, a user's handler. Two writers
bypass them and are careful themselves: `write_value` gives exact bytes to a pipe, and the consoles
of `styled_text` set colours.

If the reader of a pipe has read enough (`statebag run ... | head`), what follows is discarded. The
command goes on to its end, and its exit code is the one that it would have without a pipe.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from statebag.cli.terminal_text import harmless, json_escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "HarmlessStream",
    "discard_the_rest",
    "harmless_streams",
    "make_streams_harmless",
    "raw",
    "write_value",
]


class HarmlessStream(io.TextIOBase):
    """A text stream in which nothing steers the terminal behind it.

    Args:
        target: Where the text goes.
    """

    def __init__(self, target: Any) -> None:
        super().__init__()
        self.target = target
        self._bytes = _HarmlessBytes(self)

    def write(self, text: str) -> int:
        """Write a text; line ends of Windows become newlines."""
        try:
            self.target.write(harmless(text.replace("\r\n", "\n")))
        except BrokenPipeError:
            discard_the_rest(self.target)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        """Write texts, one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is in buffers."""
        try:
            self.target.flush()
        except BrokenPipeError:
            discard_the_rest(self.target)
        except ValueError:
            pass  # closed already, at the end of the process

    def close(self) -> None:
        """Do nothing: the stream belongs to the process."""
        self.flush()

    @property
    def buffer(self) -> io.RawIOBase:
        """The stream for UTF-8 bytes."""
        return self._bytes

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the target."""
        return str(getattr(self.target, "encoding", None) or "utf-8")

    @property
    def errors(self) -> str:  # type: ignore[override]
        """That of the target."""
        return str(getattr(self.target, "errors", None) or "backslashreplace")

    def isatty(self) -> bool:
        """Return whether the target is a terminal."""
        return bool(self.target.isatty())

    def fileno(self) -> int:
        """Return the target's descriptor."""
        return int(self.target.fileno())

    def writable(self) -> bool:
        """Return True."""
        return True


class _HarmlessBytes(io.RawIOBase):
    """The stream for bytes, in which a character may come in several parts."""

    def __init__(self, text: HarmlessStream) -> None:
        super().__init__()
        self._text = text
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def write(self, data: Any) -> int:
        self._text.write(self._decoder.decode(bytes(data)))
        return len(data)

    def flush(self) -> None:
        self._text.flush()

    def isatty(self) -> bool:
        return self._text.isatty()

    def fileno(self) -> int:
        return self._text.fileno()

    def writable(self) -> bool:
        return True


def raw(stream: Any) -> Any:
    """Return the stream behind a harmless stream; any other stream is returned as it is."""
    while isinstance(stream, HarmlessStream):
        stream = stream.target
    return stream


def discard_the_rest(stream: Any) -> None:
    """Discard what was and will be written to a stream whose reader is gone.

    Args:
        stream: A stream of this process, behind the harmless one.
    """
    with suppress(OSError, ValueError):  # a stream in memory has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, raw(stream).fileno())
        finally:
            os.close(nowhere)


def make_streams_harmless() -> None:
    """Replace the standard output and the standard error with harmless streams."""
    if not isinstance(sys.stdout, HarmlessStream) and sys.stdout is not None:
        sys.stdout = HarmlessStream(sys.stdout)
    if not isinstance(sys.stderr, HarmlessStream) and sys.stderr is not None:
        sys.stderr = HarmlessStream(sys.stderr)


@contextmanager
def harmless_streams() -> Iterator[None]:
    """Use harmless streams until the block ends."""
    before = (sys.stdout, sys.stderr)
    make_streams_harmless()
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):  # who read our output has enough
                stream.flush()
        sys.stdout, sys.stderr = before


def write_value(text: bytes, *, as_json: bool = True) -> None:
    """Write a value and a line end on the standard output.

    A pipe or a file gets exactly these bytes. For a terminal, characters that steer it are escaped:
    JSON text stays JSON of the same value, and other text shows the escapes.

    Args:
        text: UTF-8.
        as_json: Whether it is JSON text.
    """
    stream = raw(sys.stdout)
    try:
        _write_value(stream, text, as_json=as_json)
    except BrokenPipeError:
        discard_the_rest(stream)


def _write_value(stream: Any, text: bytes, *, as_json: bool) -> None:
    if stream.isatty():
        shown = text.decode(errors="backslashreplace")
        stream.write((json_escaped(shown) if as_json else harmless(shown)) + "\n")
    else:
        stream.flush()
        buffer = getattr(stream, "buffer", None)  # a stream in memory may have none
        if buffer is None:
            stream.write(text.decode() + "\n")
        else:
            buffer.write(text + b"\n")
    stream.flush()
