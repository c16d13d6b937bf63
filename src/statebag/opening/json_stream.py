"""The items of a large JSON array or of JSON Lines, one at a time, from bytes that stream in."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING

from statebag.errors import BlobCorrupt, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["array_items", "lines"]

_LARGEST_ITEM = 256 * 1024 * 1024  # characters; more than any engine lets one child return
_SPACE = re.compile(r"[ \t\n\r]*")
_AFTER_ITEM = frozenset(", ]\t\n\r")
_DECODER = json.JSONDecoder()


def lines(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """The lines of JSON Lines that are not blank.

    Raises:
        LimitExceeded: A line of more than 256 MiB.
    """
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LARGEST_ITEM:
            raise _too_large(where)
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def array_items(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """The text of each item of a JSON array; what an item is made of is not judged.

    Args:
        chunks: The array's UTF-8 text, cut anywhere.
        where: The object's name, for messages.

    Raises:
        BlobCorrupt: It is no array, or it ends early.
        LimitExceeded: An item of more than 256 MiB.
    """
    text = _Text(chunks, where)
    text.expect("[")
    if text.peek() == "]":
        return
    while True:
        yield text.item().encode()
        if text.expect(",]") == "]":
            return


class _Text:
    """Characters as they come, with a place up to which they are used."""

    def __init__(self, chunks: Iterable[bytes], where: str) -> None:
        self._chunks = iter(chunks)
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._where = where
        self._buffer = ""
        self._at = 0
        self._ended = False

    def peek(self) -> str:
        """The next character that is no space."""
        while True:
            space = _SPACE.match(self._buffer, self._at)
            assert space is not None  # it matches nothing as well
            self._at = space.end()
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                raise self._corrupt()

    def expect(self, characters: str) -> str:
        """Use the next character that is no space; it must be one of these."""
        found = self.peek()
        if found not in characters:
            raise self._corrupt()
        self._at += 1
        return found

    def item(self) -> str:
        """Use one JSON value."""
        self.peek()
        while True:
            try:
                _, end = _DECODER.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise self._corrupt() from None
            except ValueError:
                end = None
            # Where no separator follows yet, a number may go on: 12 may be the start of 12e3.
            if end is not None and (self._ended or self._buffer[end : end + 1] in _AFTER_ITEM):
                start, self._at = self._at, end
                return self._buffer[start:end]
            if not self._more():
                if end is None:
                    raise self._corrupt()
                continue
            if len(self._buffer) > _LARGEST_ITEM:
                raise _too_large(self._where)

    def _more(self) -> bool:
        if self._ended:
            return False
        chunk = next(self._chunks, None)
        self._ended = chunk is None
        try:
            more = self._decode.decode(chunk or b"", final=self._ended)
        except UnicodeDecodeError:
            raise self._corrupt() from None
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return not self._ended

    def _corrupt(self) -> BlobCorrupt:
        return BlobCorrupt("not a whole JSON array", object_name=self._where)


def _too_large(where: str) -> LimitExceeded:
    return LimitExceeded("one item is larger than 256 MiB", object_name=where)
