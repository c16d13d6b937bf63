"""Split a stream of bytes into the items of a JSON array, or into JSON Lines.

Only brackets and quotes show where an item ends. Items are not decoded, so one that cannot be
decoded does not affect the others.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING

from statebag.errors import BlobCorrupt, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["array_items", "lines", "without_mark"]

# Bytes. Chosen: a thousand times what a child execution may return
_LARGEST_ITEM = 256 * 1024 * 1024
_WHITESPACE = b" \t\n\r"
_SPACE = re.compile(rb"[ \t\n\r]*")
# Bytes of UTF-8 beyond ASCII are none of these. Possessive: nothing is ever given back.
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_BETWEEN = re.compile(rb'(?:[^"\[\]{},]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_WITHIN = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)


def without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text without the byte order mark that some tools write at its start."""
    start: bytes | None = b""
    for chunk in chunks:
        if start is None:
            yield chunk
            continue
        start += chunk
        if len(start) >= len(BOM_UTF8):
            yield start.removeprefix(BOM_UTF8)
            start = None
    if start:
        yield start


def lines(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """Yield the lines of JSON Lines that are not blank.

    Raises:
        LimitExceeded: A line of more than 256 MiB.
    """
    rest: list[bytes] = []
    held = 0
    for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        if whole:
            whole[0] = b"".join((*rest, whole[0]))
            rest, held = [], 0
        rest.append(last)
        held += len(last)
        if held > _LARGEST_ITEM:
            raise _too_large(where)
        yield from (line for line in whole if line.strip())
    line = b"".join(rest)
    if line.strip():
        yield line


def array_items(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """Yield the text of each item of a JSON array, without the space around it.

    Args:
        chunks: The array's UTF-8 text, cut anywhere.
        where: The object's name, for messages.

    Raises:
        BlobCorrupt: The text is not an array, an item is empty, or the text ends early or late.
        LimitExceeded: An item of more than 256 MiB.
    """
    text = _Text(chunks, where)
    if text.next() != b"[":
        raise text.corrupt()
    text.at += 1
    if text.next() == b"]":
        text.at += 1
    else:
        end = b","
        while end == b",":
            item, end = text.item()
            if not item:
                raise text.corrupt()
            yield item
    if text.next():
        raise text.corrupt()


class _Text:
    """The bytes that have arrived, and the position up to which they are used."""

    def __init__(self, chunks: Iterable[bytes], where: str) -> None:
        self._chunks = iter(chunks)
        self._where = where
        self._buffer = b""
        self.at = 0

    def next(self) -> bytes:
        """Return the next byte that is not a space; no bytes at the end."""
        while True:
            space = _SPACE.match(self._buffer, self.at)
            assert space is not None  # it matches nothing as well
            self.at = space.end()
            if self.at < len(self._buffer):
                return self._buffer[self.at : self.at + 1]
            if not self._more():
                return b""

    def item(self) -> tuple[bytes, bytes]:
        """Consume an item with the comma or bracket after it; return the item and that byte."""
        parts: list[bytes] = []  # of an item that is longer than what came at once
        held = depth = 0
        in_string = False
        while True:
            start = place = self.at
            buffer = self._buffer
            while True:
                if in_string:
                    place = _end(_IN_STRING, buffer, place)
                    if buffer[place : place + 1] != b'"':
                        break  # the end of what came, or of an escape that is cut
                    in_string = False
                    place += 1
                place = _end(_WITHIN if depth else _BETWEEN, buffer, place)
                byte = buffer[place : place + 1]
                if not byte:
                    break
                if not depth and byte in b",]":
                    parts.append(buffer[start:place])
                    self.at = place + 1
                    return b"".join(parts).strip(_WHITESPACE), byte
                if byte == b'"':
                    in_string = True
                elif byte in b"[{":
                    depth += 1
                elif depth:
                    depth -= 1
                else:
                    raise self.corrupt()  # a brace that closes nothing
                place += 1
            parts.append(buffer[start:place])
            held += place - start
            self.at = place
            if held > _LARGEST_ITEM:
                raise _too_large(self._where)
            if not self._more():
                raise self.corrupt()

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._buffer = self._buffer[self.at :] + chunk
        self.at = 0
        return True

    def corrupt(self) -> BlobCorrupt:
        """Return the error for a text that is not a whole array."""
        return BlobCorrupt("not a whole JSON array", object_name=self._where)


def _end(pattern: re.Pattern[bytes], buffer: bytes, place: int) -> int:
    found = pattern.match(buffer, place)
    assert found is not None  # each matches nothing as well
    return found.end()


def _too_large(where: str) -> LimitExceeded:
    return LimitExceeded(f"an item has more than {_LARGEST_ITEM:,} bytes", object_name=where)
